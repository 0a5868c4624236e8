// When a token was issued and when it ends, and what policy and clock make of it.

import type { Progress, StepName } from "./progress.ts";
import { holding, type Scene, type Step } from "./scene.ts";

const DEFAULT_SKEW = "60s";

/** Nothing for a request of which no claims can be read. */
export function lifetimeSteps(scene: Scene, progress: Progress): Step[] {
  const { claims, issuer, now } = scene;
  if (claims === undefined || issuer === undefined) return [];
  const { clockSkew = DEFAULT_SKEW, maxAge, maxLifetime } = issuer;
  const { exp, nbf, iat } = claims;
  const age = typeof iat === "number" ? now - iat : undefined;
  const length = typeof iat === "number" && typeof exp === "number" ? exp - iat : undefined;
  const line = (name: StepName, found: string, expected: string): Step => {
    const holds = progress.held(name);
    const says = holds === undefined ? "not looked at" : holds ? "holds" : "does not hold";
    return { step: "lifetime", name, says, expected, found, ...holding(holds) };
  };
  const mark = scene.isVerified ? "" : " (unverified)";
  return [
    line("exp", `${date(exp, now)}${mark}`, `a time that is not past by ${clockSkew} or more`),
    ...(nbf === undefined ? [] : [line("nbf", `${date(nbf, now)}${mark}`, notAhead(clockSkew))]),
    ...(iat === undefined && maxAge === undefined && maxLifetime === undefined
      ? []
      : [line("iat", `${date(iat, now)}${mark}`, notAhead(clockSkew))]),
    ...(maxAge === undefined || age === undefined
      ? []
      : [line("maxAge", `${span(age)}${mark}`, `less than ${maxAge} and ${clockSkew}`)]),
    ...(maxLifetime === undefined || length === undefined
      ? []
      : [line("maxLifetime", `${span(length)}${mark}`, `at most ${maxLifetime}`)]),
  ];
}

function notAhead(clockSkew: string): string {
  return `not more than ${clockSkew} ahead`;
}

function date(value: unknown, now: number): string {
  if (value === undefined) return "absent";
  const isDate = typeof value === "number" && Math.abs(value) < 8.64e12;
  if (!isDate) return "malformed";
  const distance = value > now ? `in ${span(value - now)}` : `${span(now - value)} ago`;
  return `${new Date(value * 1000).toISOString()}, ${distance}`;
}

function span(seconds: number): string {
  return `${Math.round(seconds)} s`;
}
