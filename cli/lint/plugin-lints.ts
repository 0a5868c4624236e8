// What is legal and unwise in how a policy is loaded: what happens when the filter fails, and what traffic it sees.

import type { Container } from "../policies.ts";
import type { Value } from "../value.ts";
import { pluginConfigOf, seatOf } from "./envoy-seat.ts";
import { isIstioPlugin, labelsOf, targetRefsOf } from "./istio.ts";
import { tlsOf } from "./listener-tls.ts";
import { type Finding, leftToJwtAuthn, type Lint, presenterFrom, type Subject } from "./subject.ts";

export const pluginLints: readonly Lint[] = [
  {
    id: "fail-open",
    level: "warning",
    what: "without the filter every request passes",
    find: failsOpen,
  },
  {
    id: "no-reload",
    level: "note",
    what: "a filter that failed is not loaded again (`FAIL_RELOAD`): the worker denies until the proxy restarts",
    find: staysFailed,
  },
  {
    id: "wrong-phase",
    level: "warning",
    what: "an Istio plugin that leans on jwt_authn, in another phase than `AUTHZ`",
    find: comesInAnotherPhase,
  },
  {
    id: "wrong-direction",
    level: "warning",
    what: "a policy for requests that come in, where those that leave pass too, or the other way round",
    find: seesOtherDirection,
  },
  {
    id: "waypoint-selector",
    level: "warning",
    what: "a plugin for a waypoint with a `selector`, which waypoints ignore",
    find: selectsAtWaypoint,
  },
  {
    id: "waypoint-peer",
    level: "warning",
    what: "a plugin at a waypoint whose policy reads the live peer, whom a waypoint does not see",
    find: readsPeerAtWaypoint,
  },
];

function failsOpen({ found: { container } }: Subject): Finding[] {
  if (container === undefined) return [];
  const { holder } = container;
  const plugin = pluginConfigOf(container);
  const switches = [
    [holder.get("failStrategy"), "FAIL_OPEN", "FAIL_RELOAD (or FAIL_CLOSE where Istio does not have it)"],
    [plugin?.get("failure_policy"), "FAIL_OPEN", "FAIL_RELOAD"],
    [plugin?.get("fail_open"), true, '"failure_policy": FAIL_RELOAD in its place'],
    [holder.get("failOpen"), true, "false"],
  ] as const;
  return switches.flatMap(([value, open, expected]) => {
    if (value === undefined || value.scalar !== open) return [];
    const message = `${value.name}: without the filter every request passes; expected ${expected}`;
    return [{ message, place: value.place }];
  });
}

function staysFailed({ found: { container } }: Subject): Finding[] {
  if (container === undefined) return [];
  const plugin = pluginConfigOf(container);
  const strategy = isIstioPlugin(container.kind)
    ? container.holder.get("failStrategy")
    : plugin?.get("failure_policy");
  const isKnown = isIstioPlugin(container.kind) || plugin !== undefined;
  const isOpen = strategy?.scalar === "FAIL_OPEN" || plugin?.get("fail_open")?.isTrue === true;
  if (!isKnown || isOpen || strategy?.scalar === "FAIL_RELOAD") return [];
  const since = plugin === undefined ? " (Istio has it from 1.27 on)" : "";
  const message = `${strategy === undefined ? "no FAIL_RELOAD" : strategy.text}: a worker whose filter has failed denies every request until the proxy restarts; expected FAIL_RELOAD${since}`;
  return [{ message, place: (strategy ?? plugin ?? container.holder).place }];
}

function comesInAnotherPhase({ policy, found: { container } }: Subject): Finding[] {
  if (!isIstioPlugin(container?.kind) || leftToJwtAuthn(policy).length === 0) return [];
  const spec = container?.manifest.root.get("spec");
  const phase = spec?.get("phase");
  if (spec === undefined || phase?.text === "AUTHZ") return [];
  const message = `phase is ${phase?.text ?? "not set"}: keys from "jwt_authn" take phase AUTHZ, which comes after it and before RBAC`;
  return [{ message, place: (phase ?? container?.holder.get("url") ?? spec).place }];
}

function seesOtherDirection(subject: Subject): Finding[] {
  const { container } = subject.found;
  if (container === undefined || presenterFrom(subject.policy) === "waypoint") return [];
  if (isIstioPlugin(container.kind)) return seesOtherDirectionInIstio(subject.policy, container);
  const patch = [...container.holder.ancestors()].find((value) => value.has("applyTo"));
  return patch === undefined
    ? seesOtherDirectionInListener(subject.policy, container)
    : seesOtherDirectionInPatch(subject.policy, patch);
}

function seesOtherDirectionInIstio(policy: Subject["policy"], { manifest }: Container): Finding[] {
  const spec = manifest.root.get("spec");
  const match = spec?.get("match");
  const modes = match?.children.map((one) => one.get("mode")?.text ?? "") ?? [];
  const isBoth = modes.length === 0 || modes.some((mode) => mode !== "CLIENT" && mode !== "SERVER");
  const place = (match ?? spec ?? manifest.root).place;
  if (presenterFrom(policy) === "self") {
    if (!isBoth && !modes.includes("SERVER")) return [];
    const message =
      'the policy is for tokens that leave ("from": "self"), and the plugin also sees what comes in: every token there is denied; set "match" to [{ mode: CLIENT }]';
    return [{ message, place }];
  }
  // What is attached by targetRefs stands at a gateway or waypoint, and such a label selects a gateway: these send for nobody.
  if (!isBoth || targetRefsOf(manifest.root).length > 0 || selectsGateway(manifest.root)) return [];
  const message =
    'without a "match" for one direction Istio loads the plugin for what the workload sends, too, where nobody shows a certificate: its own calls are denied; set "match" to [{ mode: SERVER }], or at a gateway to [{ mode: CLIENT }]';
  return [{ message, place }];
}

function selectsGateway(root: Value): boolean {
  const labels = labelsOf(root);
  return labels.has("istio") || labels.has("gateway.networking.k8s.io/gateway-name");
}

function seesOtherDirectionInPatch(policy: Subject["policy"], patch: Value): Finding[] {
  const context = patch.get("match", "context");
  const seen = context?.text ?? "ANY";
  const place = (context ?? patch).place;
  if (presenterFrom(policy) === "self") {
    if (seen === "SIDECAR_OUTBOUND") return [];
    const message = `context is ${seen}: a policy for tokens that leave ("from": "self") denies those that come in; expected SIDECAR_OUTBOUND`;
    return [{ message, place }];
  }
  if (seen !== "SIDECAR_OUTBOUND" && seen !== "ANY") return [];
  const message = `context is ${seen}: the filter also sees what the workload sends, where nobody shows a certificate, and denies it; expected SIDECAR_INBOUND, or GATEWAY`;
  return [{ message, place }];
}

function seesOtherDirectionInListener(policy: Subject["policy"], container: Container): Finding[] {
  const { listener, chain } = seatOf(container) ?? {};
  if (listener === undefined) return [];
  const direction = listener.get("traffic_direction");
  const isOutbound = direction?.text === "OUTBOUND";
  const place = (direction ?? listener).place;
  if (presenterFrom(policy) === "self" && !isOutbound) {
    const message =
      'the policy is for tokens that leave ("from": "self"), and every request through a listener that is not marked as outbound is denied (listener_not_outbound); expected traffic_direction: OUTBOUND, if this one is for the workload beside it only';
    return [{ message, place }];
  }
  // Istio's gateways have outbound listeners, too, and clients that show certificates there.
  const isPlaintext = chain !== undefined && tlsOf(chain) === undefined;
  if (presenterFrom(policy) === "peer" && isOutbound && isPlaintext) {
    const message =
      'an outbound listener takes what the workload beside it sends, where nobody shows a certificate: every request that needs a token is denied; expected a policy with "from": "self" here';
    return [{ message, place }];
  }
  return [];
}

function selectsAtWaypoint({ policy, found: { container } }: Subject): Finding[] {
  const selector = container?.manifest.root.get("spec", "selector");
  if (presenterFrom(policy) !== "waypoint" || !isIstioPlugin(container?.kind) || selector === undefined)
    return [];
  const message = "selector: waypoints ignore it, so the plugin is loaded nowhere there; use targetRefs";
  return [{ message, place: selector.place }];
}

function readsPeerAtWaypoint({ policy, found: { container }, scene }: Subject): Finding[] {
  if (presenterFrom(policy) !== "peer" || container === undefined || !isIstioPlugin(container.kind))
    return [];
  const waypoints = scene.manifests
    .filter(({ root, kind }) => kind === "Gateway" && isWaypointClass(root.get("spec", "gatewayClassName")))
    .map(({ root }) => root.get("metadata", "name")?.text ?? "");
  return targetRefsOf(container.manifest.root).flatMap((ref) => {
    const [kind = "", name = ""] = [ref.get("kind")?.text, ref.get("name")?.text];
    // Services are attached to at their waypoint only.
    const isService = kind === "Service" || kind === "ServiceEntry";
    const isClass = kind === "GatewayClass" && name === WAYPOINT_CLASS;
    if (!isService && !isClass && !(kind === "Gateway" && waypoints.includes(name))) return [];
    const message = `${kind} ${name}: the plugin runs at a waypoint, which sees no peer certificate, and so denies every token (peer_absent); set "presenter" to { "from": "waypoint" }`;
    return [{ message, place: ref.place }];
  });
}

const WAYPOINT_CLASS = "istio-waypoint";

function isWaypointClass(name: Value | undefined): boolean {
  return name?.text === WAYPOINT_CLASS;
}
