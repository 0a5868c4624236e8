import { Authority, type Credential } from "../envoy/identity/authority.ts";
import { claimsFor, spiffeIds, trustDomain } from "../envoy/setup/materials.ts";
import type { Json } from "../test/filter/support/json.ts";
import { type IssuerKey, makeKey } from "../test/filter/support/keys.ts";
import { tokenOf } from "../test/filter/support/tokens.ts";
import type { Presenter } from "./column.ts";

/** Seconds that certificates and tokens are good: longer than any run. */
const seconds = 12 * 3_600;

/** Who there is in the benchmark. */
export interface World {
  readonly bundle: string;
  readonly server: Credential;
  readonly workloads: Readonly<Record<Presenter, Credential>>;
  /** The token issuer's, ES256. */
  readonly key: IssuerKey;
  readonly claims: Json;
}

export async function makeWorld(): Promise<World> {
  const validity = { now: new Date(), seconds };
  const authority = await Authority.create(trustDomain, validity);
  const workloads = {
    web: await authority.issue(spiffeIds.web),
    thief: await authority.issue(spiffeIds.thief),
  };
  const server = await authority.issue(spiffeIds.orders);
  const claims = claimsFor(spiffeIds.web, validity);
  return { bundle: authority.bundle, server, workloads, key: makeKey("ES256", "idp-1"), claims };
}

/** Bytes of a usual access token. */
export const USUAL_SIZE = 700;

/** A token for `web` of about `size` bytes: it is filled up with groups, as large tokens are in practice. */
export function mintToken({ key, claims }: World, changes: Json = {}, size = USUAL_SIZE): string {
  const header = { alg: key.algorithm, kid: key.jwk["kid"], typ: "JWT" };
  const said = { ...claims, ...changes };
  const filled = (count: number) => ({
    ...said,
    groups: Array.from({ length: count }, (_, i) => `engineering-team-${String(i).padStart(4, "0")}`),
  });
  const bare = tokenSize(header, filled(0));
  // A group takes 23 bytes of JSON and a comma, four thirds of that in base64url.
  return tokenOf(header, filled(Math.max(0, Math.round((size - bare) / 32))), key);
}

/** Bytes of a compact JWS with an ES256 signature. */
function tokenSize(header: Json, payload: Json): number {
  const encoded = (part: Json) => Math.ceil((JSON.stringify(part).length * 4) / 3);
  return encoded(header) + encoded(payload) + 86 + 2;
}
