import type { FoundPolicy, Place } from "./policies.ts";

export interface Finding {
  readonly rule: string;
  readonly message: string;
  readonly place: Place;
}

interface Bind {
  readonly certificate?: { readonly rotation?: unknown };
  readonly [method: string]: unknown;
}

interface Policy {
  readonly mode?: string;
  readonly presenter?: { readonly from?: string };
  readonly issuers?: Readonly<
    Record<
      string,
      {
        readonly audiences?: unknown;
        readonly kind?: string;
        readonly keys?: unknown;
        readonly introspection?: unknown;
      }
    >
  >;
  readonly rules?: readonly {
    readonly name?: string;
    readonly mode?: string;
    readonly bind?: readonly Bind[];
  }[];
}

type Lint = (policy: Policy, found: FoundPolicy) => readonly Finding[];

/** What is legal and unwise. Each has a name of its own, to be talked about. */
const LINTS: readonly Lint[] = [
  observes,
  hasNoAudience,
  failsOpen,
  comesInAnotherPhase,
  losesRotatedTokens,
  bindsAtWaypoint,
];

/** @param found a policy that the filter accepts */
export function lint(found: FoundPolicy): readonly Finding[] {
  const policy = JSON.parse(found.text) as Policy;
  return LINTS.flatMap((one) => one(policy, found));
}

function observes(policy: Policy, found: FoundPolicy): Finding[] {
  const finding = (pointer: string, what: string): Finding => ({
    rule: "observe-mode",
    message: `${what} only records what it would deny; set "mode" to "enforce" once the counters say that nobody is denied who should not be`,
    place: found.at(pointer),
  });
  const rules = (policy.rules ?? []).flatMap(({ mode, name = "" }, i) =>
    mode === "observe" ? [finding(`/rules/${i}/mode`, `rule "${name}"`)] : [],
  );
  return policy.mode === "observe" ? [finding("/mode", "the policy"), ...rules] : rules;
}

function hasNoAudience(policy: Policy, found: FoundPolicy): Finding[] {
  return Object.entries(policy.issuers ?? {}).flatMap(([name, issuer]) => {
    const needsNone = issuer.kind === "wit-svid" || issuer.introspection === "upstream";
    if (issuer.audiences !== undefined || needsNone) return [];
    const message = `issuer "${name}" has no "audiences": a token that was issued for another service is good here`;
    return [{ rule: "no-audience", message, place: found.at(`/issuers/${name}`) }];
  });
}

function failsOpen(_policy: Policy, { container }: FoundPolicy): Finding[] {
  if (container === undefined) return [];
  const switches: readonly (readonly [names: readonly string[], open: unknown])[] = [
    [["spec", "failStrategy"], "FAIL_OPEN"],
    [["config", "failure_policy"], "FAIL_OPEN"],
    [["config", "fail_open"], true],
    [["failOpen"], true],
  ];
  return switches.flatMap(([names, open]) => {
    if (container.get(...names) !== open) return [];
    const message = `${names.at(-1) ?? ""}: without the filter every request passes; expected FAIL_RELOAD (or FAIL_CLOSE where Istio does not have it)`;
    return [{ rule: "fail-open", message, place: container.placeOf(...names) }];
  });
}

function comesInAnotherPhase(policy: Policy, { container }: FoundPolicy): Finding[] {
  const leansOnJwtAuthn = Object.values(policy.issuers ?? {}).some(
    ({ keys }) => keys === "jwt_authn" || (typeof keys === "object" && keys !== null && "jwt_authn" in keys),
  );
  if (container?.kind !== "WasmPlugin" || !leansOnJwtAuthn) return [];
  const phase = container.get("spec", "phase");
  if (phase === "AUTHZ") return [];
  const message = `phase is ${typeof phase === "string" ? phase : "not set"}: keys from "jwt_authn" take phase AUTHZ, which comes after it and before RBAC`;
  return [
    { rule: "wrong-phase", message, place: container.placeOf("spec", phase === undefined ? "url" : "phase") },
  ];
}

function losesRotatedTokens(policy: Policy, found: FoundPolicy): Finding[] {
  return (policy.rules ?? []).flatMap(({ name = "", bind = [] }, i) =>
    bind.flatMap((one, j) => {
      if (one.certificate === undefined || one.certificate.rotation !== undefined) return [];
      const message = `rule "${name}": a token is refused once its workload's certificate rotates (SPIRE: every 30 minutes); see "rotation"`;
      return [{ rule: "rotation-off", message, place: found.at(`/rules/${i}/bind/${j}`) }];
    }),
  );
}

function bindsAtWaypoint(policy: Policy, { container }: FoundPolicy): Finding[] {
  const hasSelector = container?.kind === "WasmPlugin" && container.get("spec", "selector") !== undefined;
  if (policy.presenter?.from !== "waypoint" || !hasSelector) return [];
  const message = "selector: waypoints ignore it, so the plugin is loaded nowhere there; use targetRefs";
  return [{ rule: "waypoint-selector", message, place: container.placeOf("spec", "selector") }];
}
