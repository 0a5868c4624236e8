import { randomUUID } from "node:crypto";
import type { Decision } from "../../../envoy/attempts/list-attempts.ts";
import { readDecision } from "../../../envoy/attempts/read-evidence.ts";
import type { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";

/**
 * Sends a GET without TLS and gives what the access log of `envoy` says became of it.
 * @param port of `envoy`, or of a gateway before it
 */
export async function decidePlaintext(
  envoy: EnvoyProcess,
  port: number,
  headers: Readonly<Record<string, string>>,
): Promise<Decision> {
  const requestId = randomUUID();
  const response = await fetch(`http://127.0.0.1:${port}/orders/1`, {
    headers: { "x-request-id": requestId, ...headers },
  });
  await response.body?.cancel();
  return readDecision(envoy, requestId);
}
