import { setTimeout as sleep } from "node:timers/promises";
import { ExplainedError } from "../envoy/process/explained-error.ts";
import type { Column, Trial } from "./column.ts";
import type { Stage } from "./stage.ts";

/** Counters of holdfast reach Envoy with its tick, once a second. */
const COUNTER_PATIENCE_MS = 5_000;

/**
 * Holds a column against what it says of itself, by requests over connections of their own.
 * @throws ExplainedError when one is answered otherwise.
 */
export async function verify(stage: Stage, column: Column): Promise<void> {
  for (const trial of column.trials) await hold(stage, column, trial);
}

async function hold(stage: Stage, column: Column, trial: Trial): Promise<void> {
  const server = stage.server(column);
  const { counter } = trial;
  const before = counter === undefined ? 0 : await server.stat(counter);
  const { status } = await stage.ask(column, trial.presenter, trial.headers);
  if (status !== trial.status)
    throw new ExplainedError(
      `the column "${column.title}" does not do what it says: ${trial.what} was answered ${status}, expected ${trial.status}; nothing is measured.`,
    );
  if (counter !== undefined && !(await moves(() => server.stat(counter), before)))
    throw new ExplainedError(
      `the column "${column.title}" does not do what it says: ${trial.what} did not move ${counter}; nothing is measured.`,
    );
}

async function moves(read: () => Promise<number>, before: number): Promise<boolean> {
  const deadline = Date.now() + COUNTER_PATIENCE_MS;
  while (Date.now() < deadline) {
    if ((await read()) > before) return true;
    await sleep(100);
  }
  return false;
}
