import { randomUUID } from "node:crypto";
import type { Decision } from "../../../envoy/attempts/list-attempts.ts";
import { readDecision } from "../../../envoy/attempts/read-evidence.ts";
import type { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";
import { type Client, get } from "./client.ts";

export const allowed: Decision = { status: 200, verdict: "allow" };

export function denied(status: number, reason: string): Decision {
  return { status, verdict: "deny", reason };
}

/** Sends a GET and gives what the access log says became of it. `headers` are names and values in turn. */
export async function decide(
  envoy: EnvoyProcess,
  client: Client,
  headers: readonly string[],
  path = "/orders/1",
): Promise<Decision> {
  const requestId = randomUUID();
  await get(client, path, ["x-request-id", requestId, ...headers]);
  return readDecision(envoy, requestId);
}

/** The header that carries a bearer token, as `decide` takes it. */
export function bearer(token: string): readonly string[] {
  return ["authorization", `Bearer ${token}`];
}
