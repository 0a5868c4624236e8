// Proofs of possession, as a client makes them for each request.  https://www.rfc-editor.org/rfc/rfc9449#section-4.2

import { createHash, randomUUID } from "node:crypto";
import type { IssuerKey } from "./keys.ts";
import { makeKey } from "./keys.ts";
import type { Json } from "./json.ts";
import { token, tokenOf } from "./tokens.ts";
import { NOW } from "./world.ts";

/** Where clients call the service. */
export const ORIGIN = "https://orders.example";

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

/** A token of the usual issuer that is bound to the client's key. */
export function boundToken(claims: Json = {}, key: IssuerKey = clientKey): string {
  return token({ cnf: { jkt: thumbprintOf(key) }, ...claims });
}

export interface ProofOptions {
  readonly header?: Json;
  readonly claims?: Json;
  readonly key?: IssuerKey;
}

/** A good proof for `GET /orders` with this token, unless the options say otherwise. */
export function proof(compact: string, { header = {}, claims = {}, key = clientKey }: ProofOptions = {}): string {
  const wanted = { typ: "dpop+jwt", alg: key.algorithm, jwk: publicJwk(key), ...header };
  const said = {
    jti: randomUUID(),
    htm: "GET",
    htu: `${ORIGIN}/orders`,
    iat: NOW,
    ath: digest(compact),
    ...claims,
  };
  return tokenOf(wanted, said, key);
}

export function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
