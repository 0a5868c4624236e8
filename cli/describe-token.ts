import { createHash } from "node:crypto";
import type { HeaderPair } from "./host/index.ts";

const CARRIERS = ["authorization", "workload-identity-token"];

/** What a request's token says of itself, as far as it can be read: not the token. */
export function describeToken(headers: readonly HeaderPair[], now: number): string {
  const carried = headers.filter(([name]) => CARRIERS.includes(name.toLowerCase()));
  if (carried.length === 0) return "none in authorization or workload-identity-token";
  return carried.map(([name, value]) => `${name}: ${describe(value, now)}`).join("; ");
}

function describe(value: string, now: number): string {
  const [scheme, token] = value.includes(" ")
    ? [value.slice(0, value.indexOf(" ")), value.slice(value.indexOf(" ") + 1)]
    : ["", value];
  const fingerprint = createHash("sha256").update(token.trim(), "latin1").digest("hex").slice(0, 16);
  const masked = `${scheme === "" ? "" : `${scheme} `}sha256:${fingerprint}`;
  const claims = claimsOf(token.trim());
  if (claims === undefined) return `${masked}, which is no JWT`;
  const said = ["iss", "sub", "aud"].flatMap((name) =>
    claims[name] === undefined ? [] : [`${name} ${JSON.stringify(claims[name])}`],
  );
  const exp = claims["exp"];
  if (typeof exp === "number")
    said.push(exp > now ? `ends in ${Math.round(exp - now)} s` : `ended ${Math.round(now - exp)} s ago`);
  if (claims["cnf"] !== undefined) said.push(`cnf ${Object.keys(claims["cnf"] as object).join(", ")}`);
  return `${masked}, says ${said.join(", ")}`;
}

function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
