import { Authority, type Credential, type Validity } from "../../../envoy/identity/authority.ts";
import { type Claims, TokenIssuer } from "../../../envoy/identity/token-issuer.ts";
import { claimsFor, issuer, audience, spiffeIds, trustDomain } from "../../../envoy/setup/materials.ts";

/** How long every certificate and token of a test is good. */
export const validity: Validity = { now: new Date(), seconds: 3_600 };

/** Who there is in a test: workloads, the authority that vouches for them, and the token issuer. */
export interface World {
  readonly authority: Authority;
  readonly server: Credential;
  readonly web: Credential;
  readonly thief: Credential;
  readonly issuer: TokenIssuer;
}

export async function makeWorld(): Promise<World> {
  const authority = await Authority.create(trustDomain, validity);
  return {
    authority,
    server: await authority.issue(spiffeIds.orders),
    web: await authority.issue(spiffeIds.web),
    thief: await authority.issue(spiffeIds.thief),
    issuer: await TokenIssuer.create("idp-1"),
  };
}

/** What the issuer says of the workload `web`, with changes. */
export function webClaims(changes: Claims = {}): Claims {
  return { ...claimsFor(spiffeIds.web, validity), ...changes };
}

/** A policy with one issuer for every request; `changes` replace or add members at its top. */
export function makePolicy(keys: unknown, changes: object = {}): object {
  return {
    trustDomain,
    presenter: { from: "peer", validatedBy: "listener" },
    issuers: { idp: { issuer, audiences: [audience], keys } },
    ...changes,
  };
}

/** The member `keys` of an issuer whose keys stand in the policy. */
export function inlineKeys(...issuers: readonly TokenIssuer[]): object {
  return { jwks: { keys: issuers.map(({ jwk }) => jwk) } };
}
