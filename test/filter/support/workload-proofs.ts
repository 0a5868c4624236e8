// Workload identity tokens, and the proofs that workloads make for each request of theirs.
// https://datatracker.ietf.org/doc/draft-ietf-wimse-wpt/01/

import { randomUUID } from "node:crypto";
import type { HeaderPair, HostOptions, Plugin, Request, Stream } from "../../../cli/host/index.ts";
import type { Json } from "./json.ts";
import type { IssuerKey } from "./keys.ts";
import { policy } from "./policies.ts";
import { LATER, ORIGIN, ProofScene, clientKey, digest, publicJwk, send } from "./proofs.ts";
import type { ProofOptions } from "./proofs.ts";
import { key as issuerKey, tokenOf } from "./tokens.ts";
import { NOW, TRUST_DOMAIN, WEB } from "./world.ts";

/** The challenge for a WIT or a proof that is refused. */
export const INVALID_TOKEN: HeaderPair = [
  "www-authenticate",
  'Bearer realm="holdfast", error="invalid_token"',
];

/** A public key as a WIT names it. */
export function namedKey(key: IssuerKey): Json {
  return { ...publicJwk(key), alg: key.algorithm };
}

/** A WIT of web's that names a key, good for five minutes from `LATER` on. */
export function wit(claims: Json = {}, key: IssuerKey = clientKey): string {
  const header = { typ: "wit+jwt", alg: issuerKey.algorithm, kid: issuerKey.jwk["kid"] };
  return tokenOf(header, { sub: WEB, iat: NOW, exp: LATER + 300, cnf: { jwk: namedKey(key) }, ...claims });
}

/** A good proof for `/orders` with this WIT, for a minute from `LATER` on, unless the options say otherwise. */
export function workloadProof(
  compact: string,
  { header = {}, claims = {}, key = clientKey }: ProofOptions = {},
): string {
  const said = {
    jti: randomUUID(),
    aud: `${ORIGIN}/orders`,
    exp: LATER + 60,
    wth: digest(compact),
    ...claims,
  };
  return tokenOf({ typ: "wpt+jwt", alg: key.algorithm, ...header }, said, key);
}

/** An issuer of WIT-SVIDs for the usual trust domain. */
export function witIssuer(members: Json = {}): Json {
  return {
    kind: "wit-svid",
    trustDomain: TRUST_DOMAIN,
    keys: { jwks: { keys: [{ ...issuerKey.jwk, use: "wit-svid" }] } },
    ...members,
  };
}

/** A policy for WITs, which judges their proofs. */
export function workloadPolicy(wpt: Json = {}, members: Json = {}): Json {
  return policy({ wpt: { origins: [ORIGIN], ...wpt }, issuers: { wits: witIssuer() }, ...members });
}

/** A worker that judges workloads' proofs, at `LATER`. */
export class WorkloadScene extends ProofScene {
  constructor(rules: Json = workloadPolicy(), options: HostOptions = {}) {
    super(rules, options);
  }

  override prove(compact: string, proofs: string | readonly string[], request: Request = {}): Stream {
    return proveWorkload(this.plugin, compact, proofs, request);
  }
}

/** Sends a WIT and what is to prove it, by `GET /orders` and from web unless `request` says otherwise. */
export function proveWorkload(
  worker: Plugin,
  compact: string,
  proofs: string | readonly string[],
  request: Request = {},
): Stream {
  const headers = [...(request.headers ?? []), ...workloadHeaders(compact, proofs)];
  return send(worker, { ...request, headers });
}

/** The headers of a WIT and what is to prove it. */
export function workloadHeaders(compact: string, proofs: string | readonly string[]): HeaderPair[] {
  const all = typeof proofs === "string" ? [proofs] : proofs;
  return [
    ["workload-identity-token", compact],
    ...all.map((one): HeaderPair => ["workload-proof-token", one]),
  ];
}
