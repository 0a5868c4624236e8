// What holds for every command: help with examples, one line for what is wrong, and a quiet end.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { describe, it } from "node:test";
import type { Command } from "commander";
import { parse } from "shell-quote";
import { makeProgram } from "../../cli/program.ts";
import { policy } from "../filter/support/policies.ts";
import { token } from "../filter/support/tokens.ts";
import { NOW, WEB } from "../filter/support/world.ts";
import { Files, holdfast, program, start } from "./support.ts";

const files = new Files();

/** The words that lead to each command there is. */
function pathsOf(command: Command, path: readonly string[] = []): readonly (readonly string[])[] {
  return [path, ...command.commands.flatMap((one) => pathsOf(one, [...path, one.name()]))];
}

function eachCommand(command: Command, change: (one: Command) => void): void {
  change(command);
  for (const one of command.commands) eachCommand(one, change);
}

/** The words of the first holdfast command in a shell line: without the other commands of a pipe, and where output goes. */
function wordsOf(line: string): readonly string[] {
  const words = parse(line, (name) => `$${name}`).map((entry) => {
    if (typeof entry === "string") return entry;
    return "op" in entry && entry.op === "glob" ? (entry as { readonly pattern: string }).pattern : entry;
  });
  const rest = words.slice(words.indexOf("holdfast") + 1);
  const end = rest.findIndex((word) => typeof word !== "string");
  return (end < 0 ? rest : rest.slice(0, end)) as readonly string[];
}

describe("every command", () => {
  for (const path of pathsOf(makeProgram()))
    it(`${["holdfast", ...path].join(" ")} has examples, and takes them`, async () => {
      const { code, out } = await holdfast([...path, "--help"]);
      assert.equal(code, 0);
      const examples = out
        .slice(out.search(/^Examples?:$/m))
        .split("\n")
        .slice(1)
        .filter((line) => line.includes("holdfast "));
      assert.match(out, /^Examples?:$/m);
      assert.ok(examples.length > 0);
      for (const example of examples) {
        const words = wordsOf(example);
        assert.deepEqual(words.slice(0, path.length), path, "an example of this very command");
        await takes(words);
      }
    });
});

/** Fails unless the words are a command with what it needs, or a question for help. */
async function takes(words: readonly string[]): Promise<void> {
  const taken = makeProgram();
  eachCommand(taken, (one) => {
    one.action(() => undefined).exitOverride();
    one.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  });
  try {
    await taken.parseAsync(words, { from: "user" });
  } catch (failure) {
    assert.equal(
      (failure as { readonly exitCode?: number }).exitCode,
      0,
      `${words.join(" ")}: ${String(failure)}`,
    );
  }
}

describe("what is wrong is one line that says where to go on, and ends with 2", () => {
  const cases: Readonly<Record<string, readonly [args: readonly string[], err: RegExp]>> = {
    "an unknown command": [["chekc"], /unknown command 'chekc'; did you mean check\? Try --help\.$/],
    "one of another command": [["token", "jkws"], /unknown command 'jkws'; did you mean jwks\?/],
    "an unknown option": [["check", "--fromat", "x"], /unknown option '--fromat'; did you mean --format\?/],
    "a missing argument": [["check"], /missing required argument 'files'\. Try --help\.$/],
    "a missing option": [["replay"], /required option '-p, --policy <file>' not specified\. Try --help\.$/],
    "a choice that is none": [
      ["test", "x", "--envoy", "2"],
      /'2' is invalid\. Allowed choices are 1\.37, 1\.37\.0, 1\.40, 1\.40\.0\./,
    ],
    "too much": [["completion", "bash", "zsh"], /too many arguments/],
  };
  for (const [name, [args, expected]] of Object.entries(cases))
    it(name, async () => {
      const { code, out, err } = await holdfast(args);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, /^holdfast: [^\n]*\n$/);
      assert.match(err.trimEnd(), expected);
    });

  it("a module that is no filter", async () => {
    const file = files.write("empty.wasm", "\0asm\u0001\0\0\0");
    const under = files.write("good.json", policy());
    const { code, err } = await holdfast(["explain", "-p", under, "--path", "/", "--wasm", file]);
    assert.equal(code, 2);
    assert.match(err, /^holdfast: \S+empty\.wasm: no build of the filter[^\n]*\n$/);
  });

  it("a token that was put in a wrong place is not repeated", async () => {
    const { err } = await holdfast(["--eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJpZHAifQ.c2ln"]);
    assert.match(err, /unknown option/);
    assert.doesNotMatch(err, /eyJ/);
  });
});

describe("an error that nobody expected", () => {
  const broken = {
    NODE_OPTIONS: "--import=data:text/javascript,JSON.stringify=()=>{throw(new(TypeError)('inner'))}",
  };

  it("asks for a report in one line", async () => {
    const { code, out, err } = await holdfast(["token", "key"], "", broken);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(
      err,
      /^holdfast: this should not have happened \(TypeError\); please report it, with what HOLDFAST_STACK=1 shows\n$/,
    );
  });

  it("shows where it comes from to who asks", async () => {
    const { code, err } = await holdfast(["token", "key"], "", { ...broken, HOLDFAST_STACK: "1" });
    assert.equal(code, 2);
    assert.match(err, /TypeError: inner\n\s+at /);
  });

  it("on standard output is one line, too", () => {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [program, "token", "key"], {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    closeSync(full);
    assert.deepEqual([status, stderr], [2, "holdfast: standard output: cannot be written (ENOSPC)\n"]);
  });
});

it("replay runs the filter as the Envoy that was asked for", async () => {
  const under = files.write("by-envoy.json", policy({ presenter: { validatedBy: "envoy" } }));
  const peer = { mtls: true, validated: true, uriSan: WEB };
  const line = JSON.stringify({
    now: NOW,
    path: "/",
    peer,
    headers: [["authorization", `Bearer ${token()}`]],
  });
  for (const [envoy, reason] of [
    ["1.37.0", "peer_not_validated"],
    ["1.40.0", "ok"],
  ] as const) {
    const { out } = await holdfast(["replay", "-p", under, "--envoy", envoy], line);
    assert.equal((JSON.parse(out) as { readonly reason: string }).reason, reason);
  }
});

it("standard input that has nothing yet is waited for, as at a terminal", async () => {
  const under = files.write("good.json", policy());
  const slow = spawn("sh", ["-c", `sleep 0.3; cat '${under}'`], { stdio: ["ignore", "pipe", "inherit"] });
  const shell = ["-c", `exec '${process.execPath}' '${program}' check - <&3`];
  const child = spawn("sh", shell, { stdio: ["ignore", "pipe", "pipe", slow.stdout] });
  let out = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => (out += text));
  await new Promise((ended) => child.once("close", ended));
  assert.equal(out, "ok: 1 file\n");
});

it("Ctrl-C ends a command quietly", async () => {
  const running = start(["replay", "-p", files.write("policy.json", policy())]);
  running.send('{"id":"here"}\n{"id":');
  await running.until(/"id":"here"/);
  const { err } = await running.interrupt();
  assert.equal(err, "");
});

it("says which version it is", async () => {
  for (const option of ["--version", "-V"]) {
    const { code, out } = await holdfast([option]);
    assert.equal(code, 0);
    assert.match(out, /^holdfast \d+\.\d+\.\d+\n$/);
  }
});
