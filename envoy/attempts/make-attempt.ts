import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { RunningSetup } from "../setup/start-setup.ts";
import type { Attempt, Decision } from "./list-attempts.ts";
import { counterOf, hasGrown, readDecision } from "./read-evidence.ts";
import { sendRequest } from "./send-request.ts";

/** What came of an attempt. */
export interface Outcome {
  /** The status that the caller got. */
  readonly status: number;
  /** What the server's Envoy says of it. */
  readonly decision: Decision;
  /** Whether the counter of the expected verdict and reason went up. */
  readonly counted: boolean;
  /** The status of the same request at the listener that only validates. */
  readonly validatingOnly: number;
}

/** An attempt, and what came of it. */
export interface Result {
  readonly attempt: Attempt;
  readonly outcome: Outcome;
}

/** Sends an attempt's request to holdfast, then to the listener that only validates, and gathers the evidence. */
export async function makeAttempt({ server, caller }: RunningSetup, attempt: Attempt): Promise<Outcome> {
  const port = caller.port(attempt.caller);
  const authorization = attempt.tokens.flatMap((token) => ["authorization", `Bearer ${token}`]);
  const send = (host: string, requestId: string) =>
    sendRequest({
      port,
      path: "/orders/1",
      headers: ["host", host, "x-request-id", requestId, ...authorization],
    });

  const counter = counterOf(attempt.expected);
  const before = await server.stat(counter);
  const requestId = randomUUID();
  const status = await send(attempt.observed ? "observe.example.org" : "orders.example.org", requestId);
  return {
    status,
    decision: await readDecision(server, requestId),
    counted: await hasGrown(server, counter, before),
    validatingOnly: await send("validating.example.org", randomUUID()),
  };
}

/** Whether everything came as expected. */
export function isAsExpected({ attempt, outcome }: Result): boolean {
  return (
    outcome.status === attempt.expected.status &&
    isDeepStrictEqual(outcome.decision, attempt.expected) &&
    outcome.counted &&
    outcome.validatingOnly === attempt.validatingOnly
  );
}
