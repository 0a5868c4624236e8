import { setTimeout as sleep } from "node:timers/promises";
import type { EnvoyProcess } from "../process/envoy-process.ts";
import type { Decision } from "./list-attempts.ts";

const deadlineMs = 5_000;
const pollMs = 20;

/** One line of the server's access log, as envoy/config/server.yaml lays it out; null where Envoy had no value. */
interface AccessLogLine {
  readonly request: string;
  readonly status: number;
  readonly details: string | null;
  readonly verdict: string | null;
  readonly reason: string | null;
}

/**
 * What the server's access log says of a request: its status, and the verdict and the reason that holdfast left.
 * @throws Error when the log has no line for the request within 5 seconds.
 */
export async function readDecision(server: EnvoyProcess, requestId: string): Promise<Decision> {
  const line = await poll(async () => {
    const lines = (await server.accessLog()).map((text) => JSON.parse(text) as AccessLogLine);
    return lines.find(({ request }) => request === requestId);
  });
  if (line === undefined) throw new Error(`the server's access log has no line for the request ${requestId}`);
  const reason = /^holdfast_denied\{(\w+)\}$/.exec(line.details ?? "")?.[1] ?? line.reason;
  return {
    status: line.status,
    ...(line.verdict !== null && { verdict: line.verdict }),
    ...(reason !== null && { reason }),
  };
}

/** The counter that holdfast keeps for a decision. */
export function counterOf({ verdict, reason }: Decision): string {
  return `wasmcustom.holdfast.${(verdict ?? "").replace("-", "_")}.${reason ?? "ok"}`;
}

/** Whether a counter of the server goes past `before` within 5 seconds. */
export async function hasGrown(server: EnvoyProcess, counter: string, before: number): Promise<boolean> {
  return (await poll(async () => ((await server.stat(counter)) > before ? true : undefined))) ?? false;
}

async function poll<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined || Date.now() > deadline) return found;
    await sleep(pollMs);
  }
}
