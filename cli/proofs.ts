// Proofs of possession for one request, by keys that are files.

import { createHash, randomUUID } from "node:crypto";
import { importJWK, SignJWT } from "jose";
import { Failure } from "./failure.ts";
import { readFile } from "./read-file.ts";
import { lengthOf, publicPart, readPrivateKey, secondsOf } from "./signing.ts";

export interface ProofOptions {
  readonly key: string;
  readonly token: string;
  readonly url: string;
  readonly method: string;
  readonly nonce?: string;
  readonly now?: string;
}

/** https://www.rfc-editor.org/rfc/rfc9449#section-4.2 */
export async function makeProof({
  key: file,
  token,
  url,
  method,
  nonce,
  now,
}: ProofOptions): Promise<string> {
  const key = readPrivateKey(file);
  const ath = digestOf(token);
  if (!URL.canParse(url))
    throw new Failure(`--url ${url}: expected one such as https://orders.example/orders`);
  const claims = {
    htm: method,
    htu: url,
    ath,
    jti: randomUUID(),
    iat: secondsOf(now),
    ...(nonce !== undefined && { nonce }),
  };
  const { alg = "" } = key;
  const jwk = publicPart(key, ["kid", "alg"]);
  const proof = new SignJWT(claims).setProtectedHeader({ alg, typ: "dpop+jwt", jwk });
  return proof.sign(await importJWK(key, alg));
}

export interface WorkloadProofOptions {
  readonly key: string;
  readonly token: string;
  readonly audience: string;
  readonly accessToken?: string;
  readonly txnToken?: string;
  readonly for: string;
  readonly now?: string;
}

/** https://datatracker.ietf.org/doc/draft-ietf-wimse-wpt/01/ */
export async function makeWorkloadProof(options: WorkloadProofOptions): Promise<string> {
  const { audience: aud, accessToken, txnToken } = options;
  const key = readPrivateKey(options.key);
  const claims = {
    aud,
    exp: secondsOf(options.now) + lengthOf(options.for),
    jti: randomUUID(),
    wth: digestOf(options.token),
    ...(accessToken !== undefined && { ath: digestOf(accessToken) }),
    ...(txnToken !== undefined && { tth: digestOf(txnToken) }),
  };
  const { alg = "" } = key;
  const proof = new SignJWT(claims).setProtectedHeader({ alg, typ: "wpt+jwt" });
  return proof.sign(await importJWK(key, alg));
}

/** Of the token in a file, as proofs name it. */
function digestOf(file: string): string {
  const compact = readFile(file).toString("utf8").trim();
  return createHash("sha256").update(compact).digest("base64url");
}
