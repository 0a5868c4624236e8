import type { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";
import { eventually } from "./eventually.ts";

/** Waits until so many requests at the listener `orders` are neither answered nor given to the upstream. */
export async function requestsWait(envoy: EnvoyProcess, count: number): Promise<void> {
  await eventually(`${count} requests wait at the filter`, async () => {
    const inside = await envoy.stat("http.orders.downstream_rq_active");
    return inside - (await envoy.stat("cluster.upstream.upstream_rq_active")) === count;
  });
}
