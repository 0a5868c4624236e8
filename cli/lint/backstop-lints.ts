// Whether an RBAC filter closes what holdfast does not see.

import type { Container } from "../policies.ts";
import type { Value } from "../value.ts";
import { seatOf, typedConfigOf } from "./envoy-seat.ts";
import { concerns, isIstioPlugin } from "./istio.ts";
import {
  type Finding,
  type Lint,
  observesAnywhere,
  type Policy,
  type Scene,
  type Subject,
} from "./subject.ts";

export const backstopLints: readonly Lint[] = [
  {
    id: "no-backstop",
    level: "warning",
    what: "a policy that enforces, and no RBAC filter behind it that wants `wasm.holdfast.verdict`; a note where a plugin stands alone",
    find: hasNoBackstop,
  },
  {
    id: "narrow-backstop",
    level: "warning",
    what: "a backstop that blocks what the policy lets pass: it accepts no `would-deny`, or no `strip`",
    find: isBlockedByBackstop,
  },
];

const RBAC = /filters\.http\.rbac\.v3\.RBAC$/;
const VERDICT = "wasm.holdfast.verdict";

function hasNoBackstop({ policy, found, scene }: Subject): Finding[] {
  // It comes last in a rollout: before everything enforces it would block what is only observed.
  if (found.container === undefined || observesAnywhere(policy)) return [];
  if (backstopsOf(found.container, scene).length > 0) return [];
  const isEnvoy = /^Envoy(Filter)?$/.test(found.container.kind);
  const remedy = isEnvoy
    ? "add an RBAC filter behind it, as docs/envoy.md has one"
    : isIstioPlugin(found.container.kind)
      ? "apply envoy/istio/backstop/backstop.yaml, or give the file that has yours as well"
      : "add one as docs/envoy.md has it, with an EnvoyPatchPolicy";
  const message = `no RBAC filter behind holdfast wants ${VERDICT}: where holdfast is skipped, as by a route that disables it, every request passes; ${remedy}`;
  const place = found.container.holder.place;
  return [isEnvoy ? { message, place } : { message, place, level: "note" }];
}

function isBlockedByBackstop({ policy, found, scene }: Subject): Finding[] {
  if (found.container === undefined) return [];
  const wanted = [...(observesAnywhere(policy) ? ["would-deny"] : []), ...(strips(policy) ? ["strip"] : [])];
  return backstopsOf(found.container, scene).flatMap((backstop) => {
    const rules = rulesOf(backstop);
    const action = rules?.get("action")?.text ?? "ALLOW";
    if (rules === undefined || action !== "ALLOW") return [];
    const said = [...rules.all()].map(({ text }) => text);
    return wanted.flatMap((verdict) => {
      if (said.some((text) => text.includes(verdict))) return [];
      const what = verdict === "strip" ? "that has lost a refused token" : "that is only observed";
      const message = `the backstop does not accept the verdict ${verdict}: it blocks every request ${what}; add it beside allow, or apply the backstop when all rules enforce`;
      return [{ message, place: rules.place }];
    });
  });
}

function strips({ rules = [] }: Policy): boolean {
  return rules.some(({ onDeny }) => onDeny === "strip");
}

/** The RBAC filters that close behind this one: those of its chain; for what others load, those of the manifests given. */
function backstopsOf(container: Container, scene: Scene): readonly Value[] {
  const seat = seatOf(container);
  const behind = seat?.filters.slice(seat.index + 1).filter(isBackstop) ?? [];
  if (container.kind === "Envoy" || behind.length > 0) return behind;
  return scene.manifests
    .filter((manifest) => manifest.kind !== "" && concerns(manifest, container.manifest))
    .flatMap(({ root }) => [...root.all()].filter(isBackstop));
}

/** A filter that is on, and asks for the verdict: shadow rules only count. */
function isBackstop(filter: Value): boolean {
  if (filter.get("disabled")?.isTrue === true) return false;
  const rules = rulesOf(filter);
  return rules !== undefined && [...rules.all()].some(({ text }) => text.includes(VERDICT));
}

function rulesOf(filter: Value): Value | undefined {
  const { type = "", config } = typedConfigOf(filter) ?? {};
  return RBAC.test(type) ? config?.get("rules") : undefined;
}
