// Runs everything that CI runs, one stage after the other, and ends with the line that CI reads:
// `N passed, N failed, N skipped`. A stage that is a single command counts as one.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Stage {
  readonly name: string;
  readonly run: () => Promise<Counts>;
}

interface StageResult extends Counts {
  readonly name: string;
}

const root = resolve(import.meta.dirname, "..");

const STAGES: readonly Stage[] = [
  { name: "build", run: () => command("npm", ["run", "--silent", "build"]) },
  { name: "format", run: () => command("npx", ["prettier", "--check", "--log-level", "warn", "."]) },
  { name: "lint", run: () => command("npx", ["eslint", "--max-warnings", "0", "."]) },
  { name: "types", run: () => command("npx", ["tsc"]) },
  { name: "unit", run: unitTests },
  { name: "invariants", run: () => nodeTests("invariants") },
  { name: "host", run: () => nodeTests("host") },
  { name: "filter", run: () => nodeTests("filter") },
  { name: "cli", run: () => nodeTests("cli") },
  { name: "vectors", run: () => nodeTests("vectors") },
  { name: "envoy", run: () => nodeTests("envoy") },
];

const stageNames = STAGES.map(({ name }) => name).join(", ");
const wanted = process.argv.slice(2);
if (wanted.includes("--help")) {
  console.log(
    `Usage: npx tsx test/run.ts [stage ...]\n\nStages, all of them when none is named: ${stageNames}`,
  );
  process.exit();
}
const unknown = wanted.filter((name) => !STAGES.some((stage) => stage.name === name));
if (unknown.length > 0) {
  console.error(`unknown stage: ${unknown.join(", ")}; expected some of: ${stageNames}`);
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), "holdfast-test-"));
try {
  const results = await runStages(STAGES.filter(({ name }) => wanted.length === 0 || wanted.includes(name)));
  const failed = results.filter((result) => result.failed > 0);
  if (failed.length > 0) console.log(`\nfailed stages:`);
  for (const result of failed) console.log(`  ${result.name}: ${describe(result)}`);
  console.log(`\n${describe(sum(results))}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true });
}

async function runStages(stages: readonly Stage[]): Promise<StageResult[]> {
  const results: StageResult[] = [];
  for (const { name, run } of stages) {
    console.log(`\n== ${name}`);
    const started = Date.now();
    const counts = await run();
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    console.log(`== ${name}: ${describe(counts)} (${seconds} s)`);
    results.push({ name, ...counts });
    // Without a module there is nothing that the later stages could say.
    if (name === "build" && counts.failed > 0) break;
  }
  return results;
}

function sum(results: readonly Counts[]): Counts {
  const total = (of: keyof Counts) => results.reduce((count, result) => count + result[of], 0);
  return { passed: total("passed"), failed: total("failed"), skipped: total("skipped") };
}

function describe({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

async function command(program: string, args: readonly string[]): Promise<Counts> {
  const { code } = await run(program, args);
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

async function unitTests(): Promise<Counts> {
  const { code, output } = await run("npx", ["asp", "--no-logo", "--summary"]);
  const summary = /\[Tests\]:\s*(\d+)\s*\/\s*(\d+)/.exec(output);
  const passed = Number(summary?.[1] ?? 0);
  const failed = Number(summary?.[2] ?? 0) - passed;
  // A spec that does not compile is in no count.
  return { passed, failed: code === 0 && passed > 0 ? failed : Math.max(failed, 1), skipped: 0 };
}

async function nodeTests(folder: string): Promise<Counts> {
  const files = readdirSync(join(root, "test", folder))
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join("test", folder, name))
    .sort();
  if (files.length === 0) {
    console.error(`no test/${folder}/*.test.ts: a stage without tests says nothing`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const report = join(scratch, `${folder}.tap`);
  const { code } = await run(process.execPath, [
    "--import",
    "tsx",
    "--test",
    "--test-concurrency=1",
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=tap",
    `--test-reporter-destination=${report}`,
    ...files,
  ]);
  return readTap(readFileSync(report, "utf8"), code);
}

/** The totals that node's TAP ends with. */
function readTap(report: string, code: number): Counts {
  const total = (name: string) => Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(report)?.[1] ?? 0);
  const failed = total("fail") + total("cancelled");
  return {
    passed: total("pass"),
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: total("skipped") + total("todo"),
  };
}

function run(program: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      process.stdout.write(chunk);
    });
    child.on("error", fail);
    child.on("close", (code) => {
      done({ code: code ?? 1, output: stripVTControlCharacters(output) });
    });
  });
}
