import type { webcrypto } from "node:crypto";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";

/** What a token says; times are seconds since the epoch. */
export type Claims = JWTPayload;

/** One signing key of a token issuer. */
export class TokenIssuer {
  readonly #privateKey: webcrypto.CryptoKey;
  /** The public key, as it stands in a JWKS. */
  readonly jwk: JWK;

  private constructor(privateKey: webcrypto.CryptoKey, jwk: JWK) {
    this.#privateKey = privateKey;
    this.jwk = jwk;
  }

  /**
   * A new key.
   * @param alg a JOSE algorithm, for example "ES256", "RS512" or "EdDSA"
   * @param use what the key says it is for: "sig", or in a SPIFFE bundle "jwt-svid" or "wit-svid"
   */
  static async create(kid: string, alg = "ES256", use = "sig"): Promise<TokenIssuer> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    return new TokenIssuer(privateKey, { ...(await exportJWK(publicKey)), kid, alg, use });
  }

  /** @param typ the kind of token, as its header names it: "JWT", "at+jwt", "wit+jwt" */
  sign(claims: Claims, typ = "JWT"): Promise<string> {
    const { alg, kid } = this.jwk;
    if (alg === undefined || kid === undefined) throw new Error("a token issuer's key has an alg and a kid");
    return new SignJWT(claims).setProtectedHeader({ alg, kid, typ }).sign(this.#privateKey);
  }
}

/** A token with `alg: none`: anyone can make it. */
export function makeUnsecuredToken(claims: Claims): string {
  return new UnsecuredJWT(claims).encode();
}
