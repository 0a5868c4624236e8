import type { TokenIssuer } from "../../../envoy/identity/token-issuer.ts";
import { audience, issuer } from "../../../envoy/setup/materials.ts";
import type { Config } from "./config.ts";
import { holdfast } from "./filters.ts";
import { listener } from "./listener.ts";
import { inlineKeys, makePolicy } from "./world.ts";

/** As Istio tells a proxy whom it stands beside: here the workload `web`. */
export const nodeMetadata = { NAMESPACE: "shop", SERVICE_ACCOUNT: "web" };

export interface OutboundOptions {
  readonly issuer: TokenIssuer;
  /** Absent: orders.example.org and no other. */
  readonly egress?: object;
  /** Absent: one for every request. */
  readonly rules?: readonly object[];
  /** In place of the issuer's own. */
  readonly keys?: object;
}

/** holdfast for tokens that leave. */
export function leaving(options: OutboundOptions): Config {
  const { egress = { hosts: ["orders.example.org"] }, rules, keys = inlineKeys(options.issuer) } = options;
  return holdfast(
    makePolicy(undefined, {
      presenter: { from: "self" },
      issuers: { idp: { issuer, audiences: [audience], keys, egress } },
      ...(rules !== undefined && { rules }),
    }),
  );
}

/** A plaintext listener for requests in one direction, by Envoy's name for it. */
export function directed(direction: string, name: string, ...filters: readonly Config[]): Config {
  return { ...listener({ name, filters }), traffic_direction: direction };
}
