#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { addCheck } from "./commands/check.ts";
import { addExplain } from "./commands/explain.ts";
import { addReplay } from "./commands/replay.ts";
import { addSchema } from "./commands/schema.ts";
import { addTest } from "./commands/test.ts";
import { addToken } from "./commands/token.ts";
import { Failure } from "./failure.ts";

/** What a user can mend, and a finding or a deny that was asked about. */
const EXIT_USAGE = 2;

const program = new Command("holdfast")
  .description("Answers whether a policy lets a request in, and why: by the same filter that Envoy runs.")
  .showHelpAfterError("Try --help.")
  .exitOverride();
addCheck(program);
addExplain(program);
addReplay(program);
addSchema(program);
addTest(program);
addToken(program);

// Whoever reads the output may have seen enough, as `head` does.
process.stdout.on("error", (failure: NodeJS.ErrnoException) => {
  if (failure.code !== "EPIPE") throw failure;
  process.exit();
});

try {
  await program.parseAsync();
} catch (failure) {
  if (failure instanceof CommanderError) {
    process.exitCode = failure.exitCode === 0 ? 0 : EXIT_USAGE;
  } else if (failure instanceof Failure) {
    process.stderr.write(`holdfast: ${failure.message}\n`);
    process.exitCode = EXIT_USAGE;
  } else {
    throw failure;
  }
}
