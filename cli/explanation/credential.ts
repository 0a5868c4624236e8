// What a request's token says of itself, as far as it can be read: not the token.

import { createHash } from "node:crypto";
import type { HeaderPair } from "../host/index.ts";
import { type Claims, claimsOf, isObject } from "./claims.ts";
import { headersNamed, type Issuer, type Policy } from "./scene.ts";

const USUAL_HEADER = "authorization";
const WIT_HEADER = "workload-identity-token";
/** Anything else before a blank may be a part of the token. */
const SCHEMES = /^(bearer|dpop|basic)$/i;

/** A header value that may hold a token, as it is shown. */
interface Carried {
  readonly header: string;
  readonly scheme: string;
  readonly token: string;
}

/** What is shown of all that may be tokens. @param now seconds since 1970 */
export function describeTokens(
  policy: Policy,
  headers: readonly HeaderPair[],
  now: number,
  isVerified: boolean,
): string {
  const carried = carriersOf(policy).flatMap((header) => tokensIn(headers, header));
  if (carried.length === 0) return `none in ${carriersOf(policy).join(", ")}`;
  return carried.map((one) => describe(one, now, isVerified)).join("; ");
}

/** What the token of an issuer says; undefined unless there is exactly one, and it is a JWT. */
export function claimsFor(issuer: Issuer | undefined, headers: readonly HeaderPair[]): Claims | undefined {
  const header = issuer === undefined ? USUAL_HEADER : headerOf(issuer);
  const [only, ...others] = tokensIn(headers, header);
  return only === undefined || others.length > 0 ? undefined : claimsOf(only.token);
}

function headerOf({ header, kind = "" }: Issuer): string {
  return header ?? (kind.startsWith("wit") ? WIT_HEADER : USUAL_HEADER);
}

function carriersOf({ issuers = {} }: Policy): readonly string[] {
  return [...new Set([USUAL_HEADER, WIT_HEADER, ...Object.values(issuers).map(headerOf)])];
}

function tokensIn(headers: readonly HeaderPair[], header: string): readonly Carried[] {
  return headersNamed(headers, header).map((value) => {
    const [, scheme = "", token = ""] = /^(\S+) +(.*)$/s.exec(value) ?? [];
    return SCHEMES.test(scheme)
      ? { header, scheme: `${scheme} `, token: token.trim() }
      : { header, scheme: "", token: value.trim() };
  });
}

function describe({ header, scheme, token }: Carried, now: number, isVerified: boolean): string {
  const fingerprint = createHash("sha256").update(token, "latin1").digest("hex").slice(0, 16);
  const masked = `${header}: ${scheme}sha256:${fingerprint}`;
  const claims = claimsOf(token);
  if (claims === undefined) return `${masked}, which is no JWT`;
  return `${masked}, says${isVerified ? "" : " (unverified)"} ${summaryOf(claims, now).join(", ")}`;
}

function summaryOf(claims: Claims, now: number): readonly string[] {
  const said = ["iss", "sub", "aud"].flatMap((name) =>
    claims[name] === undefined ? [] : [`${name} ${JSON.stringify(claims[name])}`],
  );
  const { exp, cnf } = claims;
  if (typeof exp === "number")
    said.push(exp > now ? `ends in ${Math.round(exp - now)} s` : `ended ${Math.round(now - exp)} s ago`);
  if (isObject(cnf)) said.push(`cnf ${Object.keys(cnf).join(", ")}`);
  return said;
}
