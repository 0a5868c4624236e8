import { generateKeyPairSync, sign as signBytes } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { without } from "./json.ts";

export const ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export type Jwk = Readonly<Record<string, unknown>>;

/** A key of an issuer: what signs, and what the policy may know of it. */
export interface IssuerKey {
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  /** Public, with `kid` and `alg`. */
  readonly jwk: Jwk;
}

const CURVES: Partial<Record<Algorithm, string>> = { ES256: "P-256", ES384: "P-384", ES512: "P-521" };

export function makeKey(algorithm: Algorithm, kid: string = algorithm): IssuerKey {
  const { publicKey, privateKey } = generatePair(algorithm);
  return { algorithm, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: algorithm } };
}

function generatePair(algorithm: Algorithm) {
  const namedCurve = CURVES[algorithm];
  if (namedCurve !== undefined) return generateKeyPairSync("ec", { namedCurve });
  return algorithm === "EdDSA"
    ? generateKeyPairSync("ed25519")
    : generateKeyPairSync("rsa", { modulusLength: 2048 });
}

/** A JOSE signature: for ECDSA r and s side by side. */
export function sign({ algorithm, privateKey }: IssuerKey, text: string): Buffer {
  const hash = algorithm === "EdDSA" ? undefined : `sha${algorithm.slice(2)}`;
  return signBytes(hash, Buffer.from(text, "latin1"), { key: privateKey, dsaEncoding: "ieee-p1363" });
}

/** The public key without its `kid`. */
export function nameless({ jwk }: IssuerKey): Jwk {
  return without(jwk, "kid");
}
