import { inspect } from "node:util";
import { demonstrate } from "./demonstrate.ts";
import { readTask, usage } from "./options.ts";
import { prepare } from "./prepare.ts";
import { ExplainedError } from "./process/explained-error.ts";
import { runOnSignals, Teardown } from "./process/teardown.ts";

/** How long `--keep` and `--prepare` are good for. */
const hours = 12;
const say = (line: string) => process.stdout.write(`${line}\n`);
/** Progress goes to standard error, so that a pipe gets the table alone. */
const report = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const task = readTask(process.argv.slice(2), process.env);
  if (task === "help") {
    process.stdout.write(usage);
    return 0;
  }
  if (task === "prepare") {
    await prepare(hours, say);
    return 0;
  }
  const stage = {
    env: process.env,
    table: { isTerminal: process.stdout.isTTY, write: say },
    report,
    keepHours: task === "keep" ? hours : 0,
  };
  const teardown = new Teardown();
  runOnSignals(teardown);
  try {
    return (await demonstrate(stage, teardown)) ? 0 : 1;
  } finally {
    await teardown.run();
  }
}

/** Says why the demo could not run. What nobody foresaw is a bug, and its stack is what a report of it needs. */
function fail(failure: unknown): void {
  report(failure instanceof ExplainedError ? failure.message : inspect(failure));
  process.exitCode = 2;
}

// Thrown where nobody waits for it, as by a pipe whose reader has gone; what runs is ended as this process exits.
process.once("uncaughtException", (failure) => {
  fail(failure);
  process.exit();
});

try {
  process.exitCode = await main();
} catch (failure) {
  fail(failure);
}
