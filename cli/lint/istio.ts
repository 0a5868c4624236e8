// Which of Istio's manifests concern the same workloads.

import type { Manifest } from "../manifests.ts";
import type { Value } from "../value.ts";

/** Istio's default for the namespace whose manifests are for all others, too. */
const ROOT_NAMESPACE = "istio-system";

/** The kinds in which Istio loads a filter. */
export function isIstioPlugin(kind: string | undefined): boolean {
  return kind === "WasmPlugin" || kind === "TrafficExtension";
}

/** Whether one manifest may concern workloads of the other's: it does not say anything that keeps them apart. */
export function concerns({ root: one }: Manifest, { root: other }: Manifest): boolean {
  return shareNamespace(one, other) && shareTargets(one, other) && shareLabels(one, other);
}

function shareNamespace(one: Value, other: Value): boolean {
  const [here, there] = [one, other].map((root) => root.get("metadata", "namespace")?.text ?? "");
  return here === there || [here, there].some((name) => name === "" || name === ROOT_NAMESPACE);
}

function shareTargets(one: Value, other: Value): boolean {
  const [here = [], there = []] = [one, other].map(targetsOf);
  if (here.length > 0 && there.length > 0) return here.some((target) => there.includes(target));
  return !((here.length > 0 && labelsOf(other).size > 0) || (there.length > 0 && labelsOf(one).size > 0));
}

function shareLabels(one: Value, other: Value): boolean {
  const there = labelsOf(other);
  return [...labelsOf(one)].every(([name, value]) => (there.get(name) ?? value) === value);
}

/** What a manifest is attached to: gateways, waypoints, services. */
export function targetRefsOf(root: Value): readonly Value[] {
  const one = root.get("spec", "targetRef");
  return [...(one === undefined ? [] : [one]), ...(root.get("spec", "targetRefs")?.children ?? [])];
}

function targetsOf(root: Value): readonly string[] {
  return targetRefsOf(root).map((ref) => `${ref.get("kind")?.text ?? ""}/${ref.get("name")?.text ?? ""}`);
}

/** The labels of the workloads that a manifest is for; none for all of its namespace. */
export function labelsOf(root: Value): ReadonlyMap<string, string> {
  const labels =
    root.get("spec", "selector", "matchLabels") ?? root.get("spec", "workloadSelector", "labels");
  return new Map((labels?.children ?? []).map(({ name, text }) => [name, text]));
}
