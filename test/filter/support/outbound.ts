// A sidecar's outbound listener: the presenter is the workload beside it, and requests are for hosts elsewhere.

import type { HostOptions, Request, Stream } from "../../../cli/host/index.ts";
import { issuer, policy } from "./policies.ts";
import { Scene } from "./scene.ts";
import type { Json } from "./json.ts";
import { plaintext } from "./world.ts";

/** Envoy's `TrafficDirection`. */
export const INBOUND = 1n;
export const OUTBOUND = 2n;

/** Node metadata of the sidecar of web, as Istio writes them. */
export const SIDECAR_OF_WEB: Readonly<Record<string, string>> = { NAMESPACE: "shop", SERVICE_ACCOUNT: "web" };

/** Where web's tokens may go unless a test says otherwise. */
export const HOST = "orders.example.org";

/** The usual policy at an outbound listener, with these members in its issuer and in its one rule. */
export function outboundPolicy(egress: Json = { hosts: [HOST] }, rule: Json = {}, members: Json = {}): Json {
  return policy({
    presenter: { from: "self" },
    issuers: { idp: issuer({ egress }) },
    rules: [{ name: "out", ...rule }],
    ...members,
  });
}

/** The usual policy whose refused tokens are taken out. */
export function strippingPolicy(members: Json = {}, rule: Json = {}): Json {
  return outboundPolicy({ hosts: [HOST] }, { token: "optional", onDeny: "strip", ...rule }, members);
}

export class OutboundScene extends Scene {
  constructor(rules: Json = outboundPolicy(), options: HostOptions = {}, node = SIDECAR_OF_WEB) {
    super(rules, { ...options, node: { metadata: node } });
  }

  /** A request of the workload beside the proxy: plaintext, to `HOST` unless it says otherwise. */
  override ask(request: Request = {}): Stream {
    const properties = { "xds.listener_direction": OUTBOUND, ...request.properties };
    return super.ask({ peer: plaintext, authority: HOST, ...request, properties });
  }
}
