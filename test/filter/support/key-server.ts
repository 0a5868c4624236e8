import { AskingScene } from "./asking-scene.ts";
import type { Jwk } from "./keys.ts";
import type { Json } from "./json.ts";
import { policyWithIssuer } from "./policies.ts";

export const CLUSTER = "idp";

/** The usual policy with its keys at the key server. */
export function fetchingPolicy(keys: Json = {}, members: Json = {}): Json {
  return { ...policyWithIssuer({ keys: { cluster: CLUSTER, path: "/jwks", ...keys } }), ...members };
}

/** A worker whose issuer's keys are fetched: a test answers as the key server. */
export class FetchingScene extends AskingScene {
  constructor(policy: Json = fetchingPolicy()) {
    super(policy, { clusters: [CLUSTER] });
  }

  /** Lets the filter ask, and answers with these keys. */
  publish(...keys: readonly Jwk[]): void {
    if (this.asked.length === 0) this.vm.tick();
    this.call.respond(answerWith(...keys));
  }
}

export function answerWith(...keys: readonly Jwk[]) {
  return { status: 200, headers: [] as [string, string][], body: JSON.stringify({ keys }) };
}
