import type { Manifest } from "../manifests.ts";
import type { FoundPolicy } from "../policies.ts";
import type { Place } from "../value.ts";
import type { EnvoyVersion } from "../envoy-images.ts";

/** A policy as the filter has accepted it, as far as lints look at it. */
export interface Policy {
  readonly name?: string;
  readonly mode?: string;
  readonly presenter?: {
    readonly from?: "peer" | "waypoint" | "self";
    readonly validatedBy?: "envoy" | "listener";
    readonly examineCertificate?: boolean;
    readonly trustForwardedFor?: boolean;
    readonly forwardClientCertDetails?: string;
  };
  readonly dpop?: { readonly origins?: unknown };
  readonly wpt?: unknown;
  readonly issuers?: Readonly<Record<string, Issuer>>;
  readonly revoked?: { readonly feed?: { readonly unsigned?: boolean; readonly onStale?: string } };
  readonly rules?: readonly Rule[];
}

export interface Issuer {
  readonly issuer?: string;
  readonly audiences?: unknown;
  readonly kind?: string;
  readonly keys?: unknown;
  readonly introspection?: unknown;
  readonly borders?: Readonly<Record<string, unknown>>;
  readonly statusLists?: readonly { readonly onStale?: string }[];
}

export interface Rule {
  readonly name?: string;
  readonly mode?: string;
  readonly token?: string;
  readonly issuers?: readonly string[];
  readonly audiences?: unknown;
  readonly bind?: readonly Bind[];
  readonly onDeny?: string;
  readonly revalidate?: unknown;
}

/** A binding: one member, named for its method. */
export interface Bind {
  readonly spiffe?: { readonly patterns?: unknown };
  readonly certificate?: { readonly rotation?: unknown };
  readonly network?: {
    readonly sources?: unknown;
    readonly addressClaim?: unknown;
    readonly serverNames?: unknown;
  };
  readonly actor?: { readonly priorActors?: unknown };
  readonly firstUse?: { readonly by?: string };
  readonly proxyPrincipals?: unknown;
  readonly cel?: unknown;
  readonly anyOf?: readonly Bind[];
}

/** What a lint looks at: one policy, and what was given with it. */
export interface Subject {
  readonly policy: Policy;
  readonly found: FoundPolicy;
  readonly scene: Scene;
}

/** All that was given. */
export interface Scene {
  readonly policies: readonly FoundPolicy[];
  readonly manifests: readonly Manifest[];
  /** The Envoy that the user says will run; undefined for what the files say, if they do. */
  readonly envoy: EnvoyVersion | undefined;
}

/** A warning is for something that is wrong as it stands; a note is for what only its owner can know. */
export type Level = "warning" | "note";

export interface Finding {
  /** What, why it matters, and what to do. */
  readonly message: string;
  readonly place: Place;
  /** Unless it is the lint's own. */
  readonly level?: Level;
}

export interface Lint {
  /** To talk about it, and in what is for programs. */
  readonly id: string;
  readonly level: Level;
  /** What it finds, in a few words: SARIF and docs/command.md have it. */
  readonly what: string;
  readonly find: (subject: Subject) => readonly Finding[];
}

/** A policy that may be refused, and then says nothing. */
export function policyOf(found: FoundPolicy): Policy {
  try {
    return JSON.parse(found.text) as Policy;
  } catch {
    return {};
  }
}

/** Where the presenter is seen. */
export function presenterFrom({ presenter }: Policy): "peer" | "waypoint" | "self" {
  return presenter?.from ?? "peer";
}

/** All bindings of a policy, those in an `anyOf` and at borders too, by the JSON pointers to them. */
export function bindsOf(policy: Policy): readonly (readonly [pointer: string, bind: Bind])[] {
  const rules = (policy.rules ?? []).flatMap(({ bind }, i) => flattened(`/rules/${i}/bind`, bind));
  const borders = Object.entries(policy.issuers ?? {}).flatMap(([name, { borders = {} }]) =>
    Object.entries(borders).flatMap(([border, open]) => {
      const { bind } = open as { readonly bind?: readonly Bind[] };
      return flattened(`/issuers/${name}/borders/${border}/bind`, bind);
    }),
  );
  return [...rules, ...borders];
}

function flattened(pointer: string, binds: readonly Bind[] = []): (readonly [string, Bind])[] {
  return binds.flatMap((bind, i) => [
    [`${pointer}/${i}`, bind] as const,
    ...flattened(`${pointer}/${i}/anyOf`, bind.anyOf),
  ]);
}

/** What jwt_authn has to leave of the tokens of an issuer that is left to it; undefined for another issuer. */
export interface JwtAuthnKeys {
  readonly payloadHeader?: string;
  readonly metadataKey?: string;
}

export function jwtAuthnKeysOf({ keys }: Issuer): JwtAuthnKeys | undefined {
  if (keys === "jwt_authn") return {};
  if (typeof keys !== "object" || keys === null || !("jwt_authn" in keys)) return undefined;
  return keys.jwt_authn as JwtAuthnKeys;
}

/** The issuers that are left to jwt_authn, by their names in the policy. */
export function leftToJwtAuthn(policy: Policy): readonly (readonly [string, Issuer, JwtAuthnKeys])[] {
  return Object.entries(policy.issuers ?? {}).flatMap(([name, issuer]) => {
    const keys = jwtAuthnKeysOf(issuer);
    return keys === undefined ? [] : [[name, issuer, keys] as const];
  });
}

/** Where the policy, or a rule of it, only observes. */
export function observesAnywhere({ mode, rules = [] }: Policy): boolean {
  return mode === "observe" || rules.some((rule) => rule.mode === "observe");
}

/** Whether what was shown or spent is remembered: proofs, and who came first. */
export function remembersTokens(policy: Policy): boolean {
  const hasFirstUse = bindsOf(policy).some(([, { firstUse }]) => firstUse !== undefined);
  return policy.dpop !== undefined || policy.wpt !== undefined || hasFirstUse;
}
