import assert from "node:assert/strict";
import type { HttpCall } from "../../../cli/host/index.ts";
import type { Jwk } from "./keys.ts";
import type { Json } from "./json.ts";
import { policyWithIssuer } from "./policies.ts";
import { Scene } from "./scene.ts";

export const CLUSTER = "idp";

/** The usual policy with its keys at the key server. */
export function fetchingPolicy(keys: Json = {}, members: Json = {}): Json {
  return { ...policyWithIssuer({ keys: { cluster: CLUSTER, path: "/jwks", ...keys } }), ...members };
}

/** A worker whose issuer's keys are fetched: a test answers as the key server. */
export class FetchingScene extends Scene {
  constructor(policy: Json = fetchingPolicy()) {
    super(policy, { clusters: [CLUSTER] });
  }

  /** Moves the clock and lets the filter notice. */
  pass(seconds: number): void {
    this.now += seconds;
    this.vm.tick();
  }

  /** The calls that wait for an answer. */
  get asked(): readonly HttpCall[] {
    return this.vm.httpCalls;
  }

  /** The one call that waits for an answer. */
  get call(): HttpCall {
    const [call, ...others] = this.asked;
    assert.ok(call !== undefined, "the key server was not asked");
    assert.equal(others.length, 0, "the key server was asked more than once");
    return call;
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
