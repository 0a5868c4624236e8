// What keys, tokens and proofs for tests have in common.

import { type JsonWebKey, createPrivateKey } from "node:crypto";
import type { JWK } from "jose";
import { Failure } from "./failure.ts";
import { readJson } from "./read-json.ts";

/** The algorithms that the filter verifies and the command signs with. */
export const ALGORITHMS = ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "EdDSA"];
/** Those of the algorithms that are not RSA's. */
const KEY_FORMS: Readonly<Record<string, { readonly kty: string; readonly crv?: string }>> = {
  ES256: { kty: "EC", crv: "P-256" },
  ES384: { kty: "EC", crv: "P-384" },
  ES512: { kty: "EC", crv: "P-521" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
};
const SECRET_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** @throws Failure for what is no key of `holdfast token key` */
export function readKey(file: string): JWK {
  const key = readJson(file) as JWK;
  const isKey = typeof key === "object" && typeof key.kty === "string" && ALGORITHMS.includes(key.alg ?? "");
  if (!isKey)
    throw new Failure(`${file}: expected a JWK with "kty" and "alg", as "holdfast token key" makes them`);
  return key;
}

/** The same of one that can sign by its `alg`. */
export function readPrivateKey(file: string): JWK {
  const key = readKey(file);
  if (key.d === undefined)
    throw new Failure(`${file}: has no private part; give the file that "holdfast token key" has made`);
  const { kty, crv } = KEY_FORMS[key.alg ?? ""] ?? { kty: "RSA", crv: undefined };
  if (key.kty !== kty || key.crv !== crv)
    throw new Failure(
      `${file}: ${key.alg ?? ""} takes a key with "kty" ${kty}${crv === undefined ? "" : ` and "crv" ${crv}`}`,
    );
  try {
    createPrivateKey({ key: key as JsonWebKey, format: "jwk" });
  } catch {
    throw new Failure(
      `${file}: no key: its parts do not belong together; make one with "holdfast token key"`,
    );
  }
  return key;
}

/** What of it may be shown. */
export function publicPart(key: JWK, without: readonly string[] = []): JWK {
  return Object.fromEntries(
    Object.entries(key).filter(([name]) => !SECRET_MEMBERS.includes(name) && !without.includes(name)),
  );
}

/** The time that `--now` says, in seconds since 1970. */
export function secondsOf(now: string | undefined): number {
  const seconds = now === undefined ? Math.floor(Date.now() / 1000) : Number(now);
  if (!Number.isInteger(seconds) || seconds <= 0)
    throw new Failure(`--now ${now ?? ""}: expected seconds since 1970, such as 1800000000`);
  return seconds;
}

/** Seconds of a duration such as 5m. */
export function lengthOf(duration: string): number {
  const [, count = "", unit = ""] = /^(\d+)([smh])$/.exec(duration) ?? [];
  const seconds = Number(count) * (UNITS[unit] ?? 0);
  if (seconds === 0) throw new Failure(`--for ${duration}: expected a duration such as 30s, 5m or 8h`);
  return seconds;
}
