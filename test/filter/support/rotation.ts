// Workloads whose certificates are replaced while their tokens go on.

import { createHash } from "node:crypto";
import type { Peer } from "../../../cli/host/index.ts";
import type { Json } from "./json.ts";
import { policyWithRule } from "./policies.ts";
import { token } from "./tokens.ts";
import { WEB, web } from "./world.ts";

/** Seconds that a token may outlive its certificate in these tests. */
export const WINDOW = 3600;

/** A certificate binding with rotation, as it stands in `bind`. */
export function rotating(members: Json = {}): Json {
  return { certificate: { rotation: { claim: "sub", window: `${WINDOW}s`, ...members } } };
}

/** The usual policy with rotation for every request. */
export function rotatingPolicy(rule: Json = {}): Json {
  return policyWithRule({ bind: [rotating()], ...rule });
}

/** A workload with a certificate that Envoy shows the digest of and no more. */
export function certified(certificate: string, id = WEB): Peer {
  return { ...web, uriSan: id, certSha256: digestOf(certificate).toString("hex") };
}

/** A token about web that is bound to this certificate. */
export function boundTo(certificate: string, claims: Json = {}): string {
  return token({ cnf: { "x5t#S256": digestOf(certificate).toString("base64url") }, ...claims });
}

function digestOf(certificate: string): Buffer {
  return createHash("sha256").update(certificate).digest();
}
