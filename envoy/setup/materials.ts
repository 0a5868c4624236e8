import { Authority, type Credential, type Validity } from "../identity/authority.ts";
import { type Claims, makeUnsecuredToken, TokenIssuer } from "../identity/token-issuer.ts";

/** Must agree with envoy/config. */
export const trustDomain = "example.org";
export const issuer = "https://idp.example.org";
export const audience = "orders";
export const spiffeIds = {
  orders: "spiffe://example.org/ns/shop/sa/orders",
  web: "spiffe://example.org/ns/shop/sa/web",
  thief: "spiffe://example.org/ns/shop/sa/thief",
} as const;

/** The workloads of the demo and the tokens that they try; every key is new. */
export interface Materials {
  readonly bundle: string;
  readonly workloads: Record<keyof typeof spiffeIds, Credential>;
  readonly issuerKey: TokenIssuer;
  readonly tokens: Tokens;
}

/** All meant for `web`, and all but the first and the last with a flaw. */
export interface Tokens {
  readonly good: string;
  readonly expired: string;
  readonly unknownKey: string;
  readonly unsecured: string;
  /** Bound by `cnf` to web's certificate (RFC 8705). */
  readonly certificateBound: string;
}

export async function makeMaterials(validity: Validity): Promise<Materials> {
  const authority = await Authority.create(trustDomain, validity);
  const workloads = {
    orders: await authority.issue(spiffeIds.orders),
    web: await authority.issue(spiffeIds.web),
    thief: await authority.issue(spiffeIds.thief),
  };
  const issuerKey = await TokenIssuer.create("idp-1");
  const tokens = await makeTokens(issuerKey, workloads.web.thumbprint, validity);
  return { bundle: authority.bundle, workloads, issuerKey, tokens };
}

async function makeTokens(issuerKey: TokenIssuer, thumbprint: string, validity: Validity): Promise<Tokens> {
  const stranger = await TokenIssuer.create("stranger-1");
  const claims = claimsFor(spiffeIds.web, validity);
  const anHourAgo = { now: new Date(validity.now.getTime() - 3_600_000), seconds: 60 };
  return {
    good: await issuerKey.sign(claims),
    expired: await issuerKey.sign(claimsFor(spiffeIds.web, anHourAgo)),
    unknownKey: await stranger.sign(claims),
    unsecured: makeUnsecuredToken(claims),
    certificateBound: await issuerKey.sign({ ...claims, cnf: { "x5t#S256": thumbprint } }),
  };
}

/** What the issuer says of a workload. */
export function claimsFor(spiffeId: string, { now, seconds }: Validity): Claims {
  const issuedAt = Math.floor(now.getTime() / 1000);
  return { iss: issuer, aud: audience, sub: spiffeId, iat: issuedAt, exp: issuedAt + seconds };
}
