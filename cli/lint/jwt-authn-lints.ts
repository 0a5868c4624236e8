// What a policy takes for granted of jwt_authn, which verifies tokens in its place.

import type { Value } from "../value.ts";
import { seatOf, typedConfigOf } from "./envoy-seat.ts";
import { concerns, isIstioPlugin } from "./istio.ts";
import { type Finding, leftToJwtAuthn, type Lint, type Subject } from "./subject.ts";

export const jwtAuthnLints: readonly Lint[] = [
  {
    id: "jwt-authn-order",
    level: "warning",
    what: "a policy that leans on jwt_authn, which is not before it in the chain",
    find: comesBeforeJwtAuthn,
  },
  {
    id: "jwt-authn-forward",
    level: "warning",
    what: "jwt_authn takes the token out where the policy compares it, or leaves it where the policy cannot",
    find: forwardsOtherwise,
  },
  {
    id: "jwt-authn-payload",
    level: "warning",
    what: "jwt_authn writes the payload into another header, or other metadata, than the policy reads",
    find: writesPayloadElsewhere,
  },
  {
    id: "jwt-authn-issuer",
    level: "warning",
    what: "an issuer that only one of policy and jwt_authn knows",
    find: knowsOtherIssuers,
  },
];

/** Whose tokens jwt_authn verifies, and what it leaves of them: a provider of Envoy's, or a rule of Istio's. */
interface Provider {
  readonly issuer: string;
  readonly forwards: Value | undefined;
  readonly payloadHeader: Value | undefined;
  readonly metadataKey: string;
  /** How forwarding is called there. */
  readonly forwardName: string;
  readonly headerName: string;
  readonly at: Value;
}

const JWT_AUTHN = /filters\.http\.jwt_authn\.v3\.JwtAuthentication$/;
/** Where Istio has the claims, and where the filter looks for them. */
const METADATA_KEY = "payload";

function comesBeforeJwtAuthn({ policy, found }: Subject): Finding[] {
  const seat = seatOf(found.container);
  if (seat === undefined || leftToJwtAuthn(policy).length === 0) return [];
  if (seat.filters.slice(0, seat.index).some(isJwtAuthn)) return [];
  const after = seat.filters.slice(seat.index + 1).find(isJwtAuthn);
  const what = after === undefined ? "is not in this chain" : "comes after holdfast";
  const message = `jwt_authn ${what}, so nobody has verified a token by then, and every token of an issuer with keys from "jwt_authn" is denied; put it before holdfast`;
  return [{ message, place: (after ?? seat.filters[seat.index])?.place ?? found.at("") }];
}

function forwardsOtherwise(subject: Subject): Finding[] {
  return pairsOf(subject).flatMap(({ name, keys, provider }) => {
    const { forwards, forwardName, at } = provider;
    const place = (forwards ?? at).place;
    if (keys.payloadHeader !== undefined && forwards?.isTrue !== true) {
      const message = `jwt_authn takes the token out of the request, and "payloadHeader" of issuer "${name}" compares it with what was verified: every token is denied; set ${forwardName}: true`;
      return [{ message, place }];
    }
    if (keys.payloadHeader === undefined && forwards?.isTrue === true) {
      const message = `jwt_authn leaves the token on the request, and without a "payloadHeader" of issuer "${name}" it cannot be shown to be the verified one: every token is denied; set ${provider.headerName}, and the same "payloadHeader" in the policy`;
      return [{ message, place }];
    }
    return [];
  });
}

function writesPayloadElsewhere(subject: Subject): Finding[] {
  return pairsOf(subject).flatMap(({ name, keys, provider }) => {
    const { payloadHeader, headerName, metadataKey, at } = provider;
    const written = payloadHeader?.text.toLowerCase();
    if (keys.payloadHeader !== undefined && written !== keys.payloadHeader) {
      const message = `${headerName} is ${written ?? "not set"}, and issuer "${name}" reads "${keys.payloadHeader}": every token is denied; name the same header in both`;
      return [{ message, place: (payloadHeader ?? at).place }];
    }
    const expected = keys.metadataKey ?? METADATA_KEY;
    if (metadataKey === expected) return [];
    const message = `payload_in_metadata is ${metadataKey === "" ? "not set" : metadataKey}, and issuer "${name}" reads "${expected}": every token is denied; name the same key in both`;
    return [{ message, place: (at.get("payload_in_metadata") ?? at).place }];
  });
}

function knowsOtherIssuers(subject: Subject): Finding[] {
  const { policy, found } = subject;
  const providers = providersOf(subject);
  if (providers.length === 0) return [];
  const known = Object.values(policy.issuers ?? {}).map(({ issuer = "" }) => issuer);
  const unverified = leftToJwtAuthn(policy).flatMap(([name, { issuer = "" }]) => {
    // A provider without an issuer takes any.
    if (providers.some((provider) => provider.issuer === issuer || provider.issuer === "")) return [];
    const message = `jwt_authn verifies no tokens of ${issuer}, so all of issuer "${name}" are denied; add it there, or take it out here`;
    return [{ message, place: found.at(`/issuers/${name}/issuer`) }];
  });
  const unnamed = providers.flatMap(({ issuer, at }) => {
    if (issuer === "" || known.includes(issuer)) return [];
    const message = `jwt_authn verifies tokens of ${issuer}, whom the policy does not name: one of these beside another token is not looked at; name every issuer whose tokens jwt_authn takes`;
    return [{ message, place: (at.get("issuer") ?? at).place }];
  });
  return [...unverified, ...unnamed];
}

/** Each issuer that is left to jwt_authn, with each provider that verifies its tokens. */
function pairsOf(subject: Subject) {
  const providers = providersOf(subject);
  return leftToJwtAuthn(subject.policy).flatMap(([name, { issuer }, keys]) =>
    providers.filter((provider) => provider.issuer === issuer).map((provider) => ({ name, keys, provider })),
  );
}

/** None for a policy that leaves nothing to jwt_authn. */
function providersOf({ policy, found: { container }, scene }: Subject): readonly Provider[] {
  if (container === undefined || leftToJwtAuthn(policy).length === 0) return [];
  if (isIstioPlugin(container.kind))
    return scene.manifests
      .filter(
        (manifest) => manifest.kind === "RequestAuthentication" && concerns(manifest, container.manifest),
      )
      .flatMap(({ root }) => root.get("spec", "jwtRules")?.children ?? [])
      .map(providerInIstio);
  const seat = seatOf(container);
  return (seat?.filters.slice(0, seat.index) ?? [])
    .filter(isJwtAuthn)
    .flatMap((filter) => typedConfigOf(filter)?.config.get("providers")?.children ?? [])
    .map(providerInEnvoy);
}

function providerInIstio(at: Value): Provider {
  return {
    issuer: at.get("issuer")?.text ?? "",
    forwards: at.get("forwardOriginalToken"),
    payloadHeader: at.get("outputPayloadToHeader"),
    metadataKey: METADATA_KEY,
    forwardName: "forwardOriginalToken",
    headerName: "outputPayloadToHeader",
    at,
  };
}

function providerInEnvoy(at: Value): Provider {
  return {
    issuer: at.get("issuer")?.text ?? "",
    forwards: at.get("forward"),
    payloadHeader: at.get("forward_payload_header"),
    metadataKey: at.get("payload_in_metadata")?.text ?? "",
    forwardName: "forward",
    headerName: "forward_payload_header",
    at,
  };
}

/** A filter whose configuration comes later is told by its name. */
function isJwtAuthn(filter: Value): boolean {
  const type = typedConfigOf(filter)?.type;
  return type === undefined
    ? filter.get("name")?.text === "envoy.filters.http.jwt_authn"
    : JWT_AUTHN.test(type);
}
