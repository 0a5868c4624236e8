import { audience, issuer, trustDomain } from "../envoy/setup/materials.ts";
import type { Config } from "../test/envoy/support/config.ts";
import { holdfast } from "../test/envoy/support/filters.ts";
import type { Json } from "../test/filter/support/json.ts";
import type { World } from "./world.ts";

/** A policy with the issuer of the benchmark; `changes` replace or add members at its top. */
export function policy({ key }: World, changes: Json = {}): Json {
  return {
    trustDomain,
    presenter: { from: "peer", validatedBy: "listener" },
    issuers: { idp: { issuer, audiences: [audience], keys: { jwks: { keys: [key.jwk] } } } },
    rules: [{ name: "orders", bind: [{ spiffe: { claim: "sub" } }] }],
    ...changes,
  };
}

/** holdfast in a VM of its own: what one column has remembered does not help another. */
export function holdfastAlone(column: string, rules: Json): Config {
  return holdfast(rules, { vmId: `holdfast-${column}` });
}
