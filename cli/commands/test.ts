import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { colors } from "../colors.ts";
import { Failure } from "../failure.ts";
import { loadModule } from "../module.ts";
import {
  addExamples,
  envoyOf,
  envoyOption,
  type ProxyChoice,
  wasmOption,
  workloadOption,
} from "../options.ts";
import { asJunit, asText, failuresIn } from "../policy-tests/report.ts";
import { type Run, runTests } from "../policy-tests/run.ts";
import { Watch } from "../watch.ts";

interface Options extends ProxyChoice {
  readonly junit?: string;
  readonly watch?: boolean;
}

const EXIT_FAILED = 1;
const CLEAR_SCREEN = "\u001b[2J\u001b[H";

export function addTest(program: Command): void {
  const command = program
    .command("test")
    .summary("run tests of policies")
    .description(
      "Runs tests of policies: requests with tokens that are made for them, and what is expected of each (docs/command.md).",
    )
    .argument("<files...>", "YAML files with tests")
    .option("--junit <file>", "also write a JUnit report there")
    .option("-w, --watch", "run them again whenever they or their policies are written")
    .addOption(workloadOption())
    .addOption(envoyOption())
    .addOption(wasmOption())
    .addHelpText("after", "\nExits with 0 when all hold, 1 when one does not, 2 for what cannot be read.")
    .action(test);
  addExamples(
    command,
    "holdfast test policies/*.test.yaml",
    "holdfast test --watch orders.test.yaml",
    "holdfast test --junit report.xml --envoy 1.37.0 orders.test.yaml",
  );
}

async function test(files: readonly string[], options: Options): Promise<void> {
  const module = loadModule(options.wasm);
  if (options.watch === true) return watchAll(module, files, options);
  const runs = await runAll(module, files, options);
  if (failuresIn(runs) > 0) process.exitCode = EXIT_FAILED;
}

async function runAll(
  module: WebAssembly.Module,
  files: readonly string[],
  { envoy, workload, junit }: Options,
): Promise<readonly Run[]> {
  const runs: Run[] = [];
  for (const file of files)
    runs.push(
      await runTests(module, file, { envoy: envoyOf(envoy), ...(workload !== undefined && { workload }) }),
    );
  process.stdout.write(asText(runs));
  if (junit !== undefined) writeReport(junit, asJunit(runs));
  return runs;
}

/** Until it is interrupted: a file that cannot be read is one that is being written. */
async function watchAll(
  module: WebAssembly.Module,
  files: readonly string[],
  options: Options,
): Promise<never> {
  const watch = new Watch();
  watch.add(files);
  for (;;) {
    if (process.stdout.isTTY) process.stdout.write(CLEAR_SCREEN);
    try {
      const runs = await runAll(module, files, options);
      watch.add(runs.flatMap((run) => run.files));
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
      process.stderr.write(`holdfast: ${failure.message}\n`);
    }
    process.stdout.write(colors.dim("waiting for changes; Ctrl-C ends\n"));
    await watch.change();
  }
}

function writeReport(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch {
    throw new Failure(`${path}: cannot be written`);
  }
}
