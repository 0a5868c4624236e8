import { key } from "./tokens.ts";
import type { Json } from "./json.ts";
import { AUDIENCE, ISSUER, TRUST_DOMAIN } from "./world.ts";

/** The usual issuer, with other members over it. */
export function issuer(members: Json = {}): Json {
  return { issuer: ISSUER, audiences: [AUDIENCE], keys: { jwks: { keys: [key.jwk] } }, ...members };
}

/** The usual policy, with other members over it. */
export function policy(members: Json = {}): Json {
  return {
    trustDomain: TRUST_DOMAIN,
    presenter: { validatedBy: "listener" },
    issuers: { idp: issuer() },
    ...members,
  };
}

/** The usual policy with one rule for every request. */
export function policyWithRule(rule: Json): Json {
  return policy({ rules: [{ name: "all", ...rule }] });
}

/** The usual policy with other members in its issuer. */
export function policyWithIssuer(members: Json): Json {
  return policy({ issuers: { idp: issuer(members) } });
}
