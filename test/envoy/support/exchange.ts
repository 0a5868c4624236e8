import { randomUUID } from "node:crypto";
import type { Decision } from "../../../envoy/attempts/list-attempts.ts";
import { readDecision } from "../../../envoy/attempts/read-evidence.ts";
import type { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";
import type { Answer } from "./client.ts";

/** Names and values in turn. */
export type Headers = readonly string[];

/** What became of a request on both sides of the filter. */
export interface Exchange {
  readonly decision: Decision;
  /** What the upstream got of a header, by the name that it got: each of its values. */
  readonly received: (name: string) => readonly string[];
}

/** What the upstream of a laboratory answers. */
interface Echo {
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/**
 * Sends a request, and gives what the access log says became of it and what reached the laboratory's upstream; for a request that did
 * not get there, nothing did.
 * @param send one request with these headers, and perhaps more
 */
export async function exchange(
  envoy: EnvoyProcess,
  send: (headers: Headers) => Promise<Pick<Answer, "status" | "body">>,
  headers: Headers,
): Promise<Exchange> {
  const requestId = randomUUID();
  const { status, body } = await send(["x-request-id", requestId, ...headers]);
  const echo = status === 200 ? (JSON.parse(body) as Echo) : { headers: [] };
  return {
    decision: await readDecision(envoy, requestId),
    received: (name) => echo.headers.filter((header) => header[0] === name).map(([, value]) => value),
  };
}
