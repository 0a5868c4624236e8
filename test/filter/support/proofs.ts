// Proofs of possession, as a client makes them for each request.  https://www.rfc-editor.org/rfc/rfc9449#section-4.2

import { createHash, randomUUID } from "node:crypto";
import type { Host, HostOptions, Plugin, Request, Stream, VmOptions } from "../../../cli/host/index.ts";
import { Vm } from "../../../cli/host/index.ts";
import { filterModule } from "./filter-module.ts";
import type { IssuerKey } from "./keys.ts";
import { makeKey } from "./keys.ts";
import type { Json } from "./json.ts";
import { policy } from "./policies.ts";
import { Scene } from "./scene.ts";
import { token, tokenOf } from "./tokens.ts";
import { NOW, web } from "./world.ts";

/** Where clients call the service. */
export const ORIGIN = "https://orders.example";

/** Long after a process that started `NOW` has done so: no proof from before its start is any good. */
export const LATER = NOW + 3600;

export const clientKey = makeKey("ES256", "client");
export const otherKey = makeKey("ES256", "other");

/** The members of a public key that a proof shows and a thumbprint is made of. */
export function publicJwk(key: IssuerKey): Json {
  const { kty, crv, x, y, n, e } = key.jwk;
  return Object.fromEntries(
    Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined),
  );
}

/** RFC 7638. */
export function thumbprintOf(key: IssuerKey): string {
  const members = Object.entries(publicJwk(key)).sort(([a], [b]) => (a < b ? -1 : 1));
  return digest(JSON.stringify(Object.fromEntries(members)));
}

/** A token of the usual issuer that is bound to a key, good for five minutes from `LATER` on. */
export function boundToken(claims: Json = {}, key: IssuerKey = clientKey): string {
  return token({ cnf: { jkt: thumbprintOf(key) }, iat: NOW, exp: LATER + 300, ...claims });
}

export interface ProofOptions {
  readonly header?: Json;
  readonly claims?: Json;
  readonly key?: IssuerKey;
}

/** A good proof for `GET /orders` with this token at `LATER`, unless the options say otherwise. */
export function proof(
  compact: string,
  { header = {}, claims = {}, key = clientKey }: ProofOptions = {},
): string {
  const wanted = { typ: "dpop+jwt", alg: key.algorithm, jwk: publicJwk(key), ...header };
  const said = {
    jti: randomUUID(),
    htm: "GET",
    htu: `${ORIGIN}/orders`,
    iat: LATER,
    ath: digest(compact),
    ...claims,
  };
  return tokenOf(wanted, said, key);
}

/** SHA-256 in base64url. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

/** The usual policy, which judges proofs. */
export function proofPolicy(dpop: Json = {}, members: Json = {}): Json {
  return policy({ dpop: { origins: [ORIGIN], ...dpop }, ...members });
}

/** A worker that judges proofs, at `LATER`. */
export class ProofScene extends Scene {
  constructor(rules: Json = proofPolicy(), options: HostOptions = {}, vm: VmOptions = {}) {
    super(rules, options, vm);
    this.now = LATER;
  }

  /** Sends a token and what is to prove it. */
  prove(compact: string, proofs: string | readonly string[], request: Request = {}): Stream {
    return prove(this.plugin, compact, proofs, request);
  }
}

/** Sends a token and what is to prove it, by `GET /orders` and from web unless `request` says otherwise. */
export function prove(
  worker: Plugin,
  compact: string,
  proofs: string | readonly string[],
  request: Request = {},
): Stream {
  return send(worker, { ...request, headers: proven(compact, proofs) });
}

/** Sends a request from start to end unless it waits: `GET /orders` from web where it says nothing else. */
export function send(worker: Plugin, request: Request): Stream {
  const stream = worker.request({ peer: web, path: "/orders", ...request });
  if (stream.outcome !== "pause") stream.end();
  return stream;
}

/** The headers of a token and what is to prove it. */
export function proven(compact: string, proofs: string | readonly string[]): [string, string][] {
  const all = typeof proofs === "string" ? [proofs] : proofs;
  return [["authorization", `DPoP ${compact}`], ...all.map((one): [string, string] => ["dpop", one])];
}

/** Another worker of the same Envoy. */
export function anotherWorker(host: Host, rules: Json = proofPolicy()): Plugin {
  return Vm.start(host, filterModule).configure({ configuration: JSON.stringify(rules) });
}
