import type { Json } from "./json.ts";
import { AUDIENCE, ISSUER, NOW, WEB } from "./world.ts";
import { makeKey, sign } from "./keys.ts";
import type { IssuerKey } from "./keys.ts";

/** The issuer's usual key. */
export const key = makeKey("ES256", "k1");

/** Claims of a token that web may use for five minutes. */
export const CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: WEB, iat: NOW, exp: NOW + 300 };

/** A well-made token with these claims over the usual ones. */
export function token(claims: Json = {}, by: IssuerKey = key): string {
  return tokenOf({ alg: by.algorithm, kid: by.jwk["kid"] }, { ...CLAIMS, ...claims }, by);
}

/** A token with exactly this header and payload, rightly signed. */
export function tokenOf(header: Json, payload: Json, by: IssuerKey = key): string {
  return tokenOfText(JSON.stringify(header), JSON.stringify(payload), by);
}

/** As `tokenOf`, for JSON that `JSON.stringify` would never write. Text is UTF-8. */
export function tokenOfText(header: string | Buffer, payload: string | Buffer, by: IssuerKey = key): string {
  const input = `${base64url(header)}.${base64url(payload)}`;
  return `${input}.${sign(by, input).toString("base64url")}`;
}

/** The usual header and claims around a signature of the caller's own. */
export function tokenSignedBy(signature: Buffer | string): string {
  const input = token().split(".").slice(0, 2).join(".");
  return `${input}.${typeof signature === "string" ? signature : signature.toString("base64url")}`;
}

export function base64url(text: string | Buffer): string {
  return Buffer.from(text as string).toString("base64url");
}

export function payloadOf(compact: string): string {
  return compact.split(".")[1] ?? "";
}
