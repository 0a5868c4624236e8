#!/usr/bin/env node
import { CommanderError } from "commander";
import { Failure } from "./failure.ts";
import { makeProgram } from "./program.ts";

/** What a user can mend, and what only we can. */
const EXIT_USAGE = 2;
/** Shows where an unexpected error comes from, for whoever reports it. */
const STACK_VARIABLE = "HOLDFAST_STACK";

// Whoever reads the output may have seen enough, as `head` does.
process.stdout.on("error", (failure: NodeJS.ErrnoException) => {
  if (failure.code !== "EPIPE")
    end(new Failure(`standard output: cannot be written (${failure.code ?? "unknown"})`));
  process.exit();
});
process.on("uncaughtException", (failure) => {
  end(failure);
  process.exit();
});

try {
  await makeProgram().parseAsync();
} catch (failure) {
  end(failure);
}

function end(failure: unknown): void {
  if (failure instanceof CommanderError) {
    process.exitCode = failure.exitCode === 0 ? 0 : EXIT_USAGE;
    return;
  }
  process.stderr.write(`holdfast: ${lineOf(failure)}\n`);
  process.exitCode = EXIT_USAGE;
}

function lineOf(failure: unknown): string {
  if (failure instanceof Failure) return failure.message;
  const error = failure instanceof Error ? failure : new Error(String(failure));
  if (process.env[STACK_VARIABLE] !== undefined) return error.stack ?? error.message;
  // Its message may have a part of what was read in it.
  return `this should not have happened (${error.name}); please report it, with what ${STACK_VARIABLE}=1 shows`;
}
