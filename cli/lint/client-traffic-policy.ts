// How Envoy Gateway sets up the listeners of a gateway, by what a ClientTrafficPolicy says.

import type { Container } from "../policies.ts";
import type { Value } from "../value.ts";
import { concerns } from "./istio.ts";
import type { Finding, Scene } from "./subject.ts";

/** How the modes of `x-forwarded-client-cert` are called there. */
const MODES: Readonly<Record<string, string>> = {
  APPEND_FORWARD: "AppendForward",
  FORWARD_ONLY: "ForwardOnly",
};

/** The ClientTrafficPolicies that were given for the gateway of an extension policy; none for anything else. */
export function clientTrafficOf(container: Container | undefined, scene: Scene): readonly Value[] {
  if (container?.kind !== "EnvoyExtensionPolicy") return [];
  return scene.manifests
    .filter((manifest) => manifest.kind === "ClientTrafficPolicy" && concerns(manifest, container.manifest))
    .flatMap(({ root }) => root.get("spec") ?? []);
}

/** Whether certificates are neither required nor validated. */
export function validatesNobody(spec: Value): Finding[] {
  const validation = spec.get("tls", "clientValidation");
  if (validation === undefined) {
    const message =
      'nobody is asked for a certificate, so every token is denied (peer_absent): "validatedBy": "listener" takes tls.clientValidation with caCertificateRefs';
    return [{ message, place: (spec.get("tls") ?? spec).place }];
  }
  const optional = validation.get("optional");
  if (optional?.isTrue !== true) return [];
  const message =
    'clients may come without a certificate, and every token of theirs is denied (peer_absent): "validatedBy": "listener" takes optional: false';
  return [{ message, place: optional.place }];
}

/** Where sessions can be resumed, which is off there by default. */
export function resumptionOf(spec: Value): Value | undefined {
  const resumption = spec.get("tls", "session", "resumption");
  return resumption?.has("stateless") === true || resumption?.has("stateful") === true
    ? resumption
    : undefined;
}

/** Whether `x-forwarded-client-cert` is treated otherwise than the policy says of the listener. */
export function forwardsOtherwise(spec: Value, expected: string): Finding[] {
  const forwarded = spec.get("headers", "xForwardedClientCert");
  const mode = forwarded?.get("mode");
  const wanted = MODES[expected] ?? expected;
  if (mode?.text !== wanted) {
    const message = `xForwardedClientCert has mode ${mode?.text ?? "Sanitize"}, and the policy reads the header as ${expected} leaves it: it takes somebody else for the caller, or nobody; set mode: ${wanted}`;
    return [{ message, place: (mode ?? forwarded ?? spec).place }];
  }
  const added = forwarded?.get("certDetailsToAdd");
  if (expected !== "APPEND_FORWARD" || added?.children.some(({ text }) => text === "URI") === true) return [];
  const message =
    "Envoy's own element of x-forwarded-client-cert has no URI, so it does not name the forwarder, and what it forwards is denied (xfcc_mismatch); add URI to certDetailsToAdd";
  return [{ message, place: (added ?? mode).place }];
}
