// Runs a page of docs/ as its reader does: what it says is done in a fresh folder, in order, and what it shows is held
// against what comes.
//
// - A block behind `<!-- file: NAME -->` is written to that file.
// - A `sh` block is run by bash, which stops at the first command that fails; `<!-- ends with 1 -->` before it says
//   how it ends, unless well.
// - A `text` block right behind a `sh` block is what comes of it, on standard output and error; without one, nothing
//   comes. `…` stands for what differs from run to run, a line of nothing else for any lines.
// - `<!-- policy of FILE: NAME -->` writes the policy in a manifest to a file of its own, in place of what the page has
//   its reader do in a `console` block. Those are not run: they need a cluster, a network, or tools that may be absent.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { after } from "node:test";
import { findPolicies } from "../../cli/policies.ts";
import { environment, program } from "./support.ts";

const docs = resolve(import.meta.dirname, "../../docs");

interface FileStep {
  readonly kind: "file";
  readonly line: number;
  readonly name: string;
  readonly text: string;
}

interface PolicyStep {
  readonly kind: "policy";
  readonly line: number;
  readonly manifest: string;
  readonly name: string;
}

interface RunStep {
  readonly kind: "run";
  readonly line: number;
  readonly script: string;
  readonly code: number;
  readonly shown: string;
}

export type Step = FileStep | PolicyStep | RunStep;

export interface Page {
  readonly name: string;
  readonly text: string;
  readonly steps: readonly Step[];
}

/** Reads a page by its path within docs/. */
export function readPage(name: string): Page {
  const text = readFileSync(join(docs, name), "utf8");
  return { name, text, steps: stepsOf(text) };
}

const MARK =
  /^<!-- (?:file: (?<file>\S+)|ends with (?<code>\d+)|policy of (?<manifest>\S+): (?<policy>\S+)) -->$/;
const FENCE = /^(?<indent> *)```(?<language>\w*)/;

/** What a page has its reader do, in order. */
export function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  const lines = page.split("\n");
  let file: string | undefined;
  let code = 0;
  /** Whether a block of text would be the output of the last step. */
  let expectsOutput = false;
  for (let i = 0; i < lines.length; i++) {
    const line = i + 1;
    const mark = MARK.exec(lines[i] ?? "")?.groups;
    if (mark?.["manifest"] !== undefined)
      steps.push({ kind: "policy", line, manifest: mark["manifest"], name: mark["policy"] ?? "" });
    file = mark?.["file"] ?? file;
    if (mark?.["code"] !== undefined) code = Number(mark["code"]);
    const fence = FENCE.exec(lines[i] ?? "")?.groups;
    if (fence === undefined) {
      if (mark !== undefined || (lines[i] ?? "").trim() !== "") expectsOutput = false;
      continue;
    }
    const indent = fence["indent"] ?? "";
    const end = lines.indexOf(`${indent}\`\`\``, i + 1);
    assert.ok(end > 0, `line ${line}: a block without an end`);
    const text = lines.slice(i + 1, end).map((one) => `${one.slice(indent.length)}\n`);
    i = end;
    const { language } = fence;
    if (file !== undefined) {
      steps.push({ kind: "file", line, name: file, text: text.join("") });
    } else if (language === "sh") {
      steps.push({ kind: "run", line, script: text.join(""), code, shown: "" });
    } else if (language === "text" && expectsOutput) {
      steps.push({ ...(steps.pop() as RunStep), shown: text.join("") });
    }
    expectsOutput = language === "sh" && file === undefined;
    file = undefined;
    code = 0;
  }
  return steps;
}

/** Does what a page says. @throws AssertionError at the first step that does not hold, with its line */
export async function follow({ name, steps }: Page): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-page-"));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const [work, bin] = [join(folder, "work"), join(folder, "bin")];
  mkdirSync(work);
  mkdirSync(bin);
  symlinkSync(program, join(bin, "holdfast"));
  for (const step of steps) {
    const at = `docs/${name}:${step.line}`;
    if (step.kind === "file") writeFileSync(join(work, step.name), step.text);
    else if (step.kind === "policy")
      writeFileSync(join(work, step.name), policyOf(join(work, step.manifest)));
    else await run(step, at, work, bin);
  }
}

function policyOf(manifest: string): string {
  const [found, ...others] = findPolicies([manifest]).policies;
  assert.ok(found !== undefined && others.length === 0, `${manifest}: expected one policy`);
  return found.text;
}

async function run({ script, code, shown }: RunStep, at: string, cwd: string, bin: string): Promise<void> {
  const env = { ...environment, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };
  const bash = spawn("bash", ["-euo", "pipefail", "-c", `exec 2>&1\n${script}`], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  bash.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  const ended = await new Promise<number | null>((resolve, reject) => {
    bash.once("error", reject).once("close", resolve);
  });
  assert.equal(
    ended,
    code,
    `${at}: the block ends with ${String(ended)}, and the page says ${code}:\n${out}`,
  );
  if (!patternOf(shown).test(out))
    assert.equal(out, shown, `${at}: something else comes than the page shows`);
}

/** What a shown text stands for. */
function patternOf(shown: string): RegExp {
  const escaped = shown.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/^…\n/gm, "(?:.*\\n)+?").replaceAll("…", ".+?")}$`);
}
