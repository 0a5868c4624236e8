import type { EnvoyVersion, HeaderPair } from "../host/index.ts";
import type { Outcome } from "../proxy.ts";
import type { RequestRecord } from "../request-record.ts";
import type { Claims } from "./claims.ts";

/** What a policy says of an issuer, as far as it is shown: docs/policy.md. The filter has accepted it before. */
export interface Issuer {
  readonly kind?: string;
  readonly header?: string;
  readonly audiences?: readonly string[];
  readonly presenters?: readonly string[];
  readonly acceptedBy?: readonly string[];
  readonly borders?: Readonly<Record<string, "deny" | { readonly bind?: readonly PolicyBinding[] }>>;
  readonly clockSkew?: string;
  readonly maxAge?: string;
  readonly maxLifetime?: string;
  readonly statusLists?: readonly unknown[];
  readonly introspection?: unknown;
}

/** One entry of a `bind`: the method's name and what it is told. */
export type PolicyBinding = Readonly<Record<string, unknown>>;

export interface Rule {
  readonly name?: string;
  readonly audiences?: readonly string[];
  readonly bind?: readonly PolicyBinding[];
}

export interface Policy {
  readonly trustDomain?: string;
  readonly trustDomainAliases?: readonly string[];
  readonly federatedTrustDomains?: readonly string[];
  readonly presenter?: {
    readonly from?: "peer" | "waypoint" | "self";
    readonly validatedBy?: "envoy" | "listener";
    readonly forwarders?: readonly string[];
    readonly examineCertificate?: boolean;
  };
  readonly issuers?: Readonly<Record<string, Issuer>>;
  readonly revoked?: unknown;
  readonly rules?: readonly Rule[];
}

/** Everything that is known of one decision: what was asked, of whom, and what the filter said. */
export interface Scene {
  readonly policy: Policy;
  readonly request: RequestRecord;
  readonly outcome: Outcome;
  /** Seconds since 1970. */
  readonly now: number;
  readonly envoy: EnvoyVersion;
  /** Of the rule that took the request; undefined where none did. */
  readonly rule: Rule | undefined;
  readonly issuer: Issuer | undefined;
  /** What the token says; undefined where it cannot be read from the request. */
  readonly claims: Claims | undefined;
  /** Whether the filter has found the token's signature good, or somebody whom the policy trusts with it. */
  readonly isVerified: boolean;
}

/** One line of what is shown: what was looked at, and what was found. */
export interface Step {
  readonly step: string;
  /** Of a step that is there more than once. */
  readonly name?: string;
  readonly says: string;
  readonly expected?: string;
  readonly found?: string;
  /** Undefined for what is neither good nor bad, or was not looked at. */
  readonly holds?: boolean;
}

/** The values of a header, in whatever case its name was sent. */
export function headersNamed(headers: readonly HeaderPair[] | undefined, wanted: string): readonly string[] {
  return (headers ?? []).filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
}

/** A step's outcome, left out where it is not known. */
export function holding(holds: boolean | undefined): { readonly holds?: boolean } {
  return holds === undefined ? {} : { holds };
}
