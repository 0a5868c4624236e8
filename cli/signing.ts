// What keys, tokens and proofs for tests have in common.

import type { JWK } from "jose";
import { Failure } from "./failure.ts";
import { readJson } from "./read-json.ts";

/** The algorithms that the filter verifies and the command signs with. */
export const ALGORITHMS = ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "EdDSA"];
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
