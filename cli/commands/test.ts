import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { colors } from "../colors.ts";
import { Failure } from "../failure.ts";
import { loadModule } from "../module.ts";
import { type Run, runTests } from "../policy-tests.ts";

interface Options {
  readonly junit?: string;
  readonly wasm?: string;
}

const EXIT_FAILED = 1;

export function addTest(program: Command): void {
  program
    .command("test")
    .summary("run tests of policies")
    .description(
      "Runs tests of policies: requests with tokens that are made for them, and what is expected of each (docs/command.md).",
    )
    .argument("<files...>", "YAML files with tests")
    .option("--junit <file>", "also write a JUnit report there")
    .option("--wasm <file>", "another build of the filter")
    .addHelpText("after", "\nExample:\n  holdfast test policies/*.test.yaml")
    .action(test);
}

async function test(files: readonly string[], options: Options): Promise<void> {
  const module = loadModule(options.wasm);
  const runs: Run[] = [];
  for (const file of files) runs.push(await runTests(module, file));
  process.stdout.write(runs.map(asText).join("") + summary(runs));
  if (options.junit !== undefined) writeReport(options.junit, asJunit(runs));
  if (failuresIn(runs) > 0) process.exitCode = EXIT_FAILED;
}

function writeReport(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch {
    throw new Failure(`${path}: cannot be written`);
  }
}

function failuresIn(runs: readonly Run[]): number {
  return runs.flatMap(({ results }) => results).filter(({ differences }) => differences.length > 0).length;
}

function asText({ file, results, idleRules }: Run): string {
  const lines = results.flatMap(({ name, differences }) => [
    `  ${differences.length === 0 ? colors.green("ok  ") : colors.red("FAIL")} ${name}`,
    ...differences.map(
      ({ member, expected, got }) =>
        `         ${member}: expected ${colors.green(JSON.stringify(expected))}, got ${colors.red(JSON.stringify(got))}`,
    ),
  ]);
  const idle =
    idleRules.length === 0 ? [] : [`  ${colors.yellow("no request fell under")} ${idleRules.join(", ")}`];
  return [file, ...lines, ...idle, ""].join("\n");
}

function summary(runs: readonly Run[]): string {
  const failed = failuresIn(runs);
  const all = runs.flatMap(({ results }) => results).length;
  return `${all - failed} passed, ${failed} failed\n`;
}

function asJunit(runs: readonly Run[]): string {
  const suites = runs.map(({ file, results }) => {
    const cases = results.map(({ name, differences }) => {
      const said = differences.map(
        ({ member, expected, got }) =>
          `${member}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`,
      );
      const failure = said.length === 0 ? "" : `<failure message="${escape(said.join("; "))}"/>`;
      return `<testcase name="${escape(name)}">${failure}</testcase>`;
    });
    return `<testsuite name="${escape(file)}" tests="${results.length}">${cases.join("")}</testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>${suites.join("")}</testsuites>\n`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
