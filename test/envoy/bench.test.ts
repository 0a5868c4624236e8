// `npm run bench`, as little of it as shows that it works. Where there is no h2load it has to say so.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { buildEmptyGuest } from "../../bench/build-empty-guest.ts";
import type { GroupResult } from "../../bench/results.ts";
import { quantile, summarize } from "../../bench/statistics.ts";
import { endWithThisProcess } from "../../envoy/process/end-with-this-process.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { demoEnv } from "./support/demo-command.ts";

const command = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));

describe("npm run bench", () => {
  let teardown: Teardown;
  /** Gets the report, and whatever the run leaves. */
  let folder: string;

  beforeEach(async () => {
    teardown = new Teardown();
    folder = await makeRunFolder(teardown);
  });
  afterEach(() => teardown.run());

  const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const child = spawn(process.execPath, ["--import", "tsx", command, ...args], {
      env: { ...demoEnv(folder), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    endWithThisProcess(child);
    return child;
  };
  const run = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => finish(start(args, env));
  const quick = (columns: string) => [
    ...["--quick", "--only", "warm", "--columns", columns, "--output", join(folder, "report")],
  ];
  const assertNothingLeft = async () => {
    const left = await readdir(folder);
    assert.deepEqual(
      left.filter((name) => name.startsWith("holdfast-")),
      [],
    );
  };

  it("without h2load it says how to install it, and ends with 2", async () => {
    const { code, err } = await run(["--quick"], { PATH: folder });
    assert.equal(code, 2);
    assert.match(err, /^h2load is not on PATH.*apt-get install nghttp2-client[^\n]*\n$/s);
  });

  it("refuses what it does not know, and ends with 2", async () => {
    for (const [args, complaint] of [
      [["--only", "hot"], /^--only: there is no group hot; expected some of: warm, /],
      [["--rounds", "few"], /^--rounds is "few"; expected a whole number above 0\./],
      [["--fast"], /^Unknown option '--fast'/],
    ] as const) {
      const { code, out, err } = await run(args);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, complaint);
    }
  });

  if (!hasH2load()) return;

  it("measures columns against the one without filters, and reports", async () => {
    const { code, out, err } = await run(quick("empty,spiffe"));
    assert.equal(code, 0, err);
    const text = await readFile(join(folder, "report", "warm.json"), "utf8");
    const { columns } = JSON.parse(text) as GroupResult;
    assert.deepEqual(
      columns.map(({ id, added, rounds }) => [id, added !== undefined, rounds.length]),
      [
        ["none", false, 2],
        ["empty", true, 2],
        ["spiffe", true, 2],
      ],
    );
    for (const { cpu } of columns) assert.ok(cpu.minimum > 0, text);
    assert.equal(await readFile(join(folder, "report", "report.md"), "utf8"), out);
    assert.match(out, /^\| holdfast, spiffe +\|/m);
    assert.match(await readFile(join(folder, "report", "report.svg"), "utf8"), /^<svg[^]*holdfast, spiffe/);
    await assertNothingLeft();
  });

  it("measures nothing of a filter that lets a stolen token pass", async () => {
    const guest = await buildEmptyGuest(folder);
    const { code, out, err } = await run(quick("rust"), { BENCH_RUST_WASM: guest });
    assert.deepEqual([code, out], [2, ""]);
    assert.match(
      err,
      /the column "Rust Wasm filter[^"]*" does not do what it says: a stolen token was answered 200, expected 403/,
    );
    await assertNothingLeft();
  });

  it("leaves nothing behind when it is stopped", async () => {
    const child = start(["--only", "warm", "--columns", "empty", "--rounds", "100000"]);
    const finished = finish(child);
    const measures = new Promise((resolve) => {
      child.stderr.on("data", (chunk) => {
        if (String(chunk).includes("round 5 of")) resolve(true);
      });
    });
    await Promise.race([measures, finished]);
    child.kill("SIGINT");
    assert.equal((await finished).code, 130);
    await assertNothingLeft();
  });
});

describe("the statistics of the benchmark", () => {
  it("the median is in the interval with 95 %, for any distribution", () => {
    const upTo = (count: number) => Array.from({ length: count }, (_, i) => count - i);
    assert.deepEqual(summarize([3]), { median: 3, minimum: 3, interval: [3, 3] });
    assert.deepEqual(summarize(upTo(5)), { median: 3, minimum: 1, interval: [1, 5] });
    // Binomial, p = 1/2: leaving out one at each end of 10 leaves 97.9 %, two leave 89.1 %.
    assert.deepEqual(summarize(upTo(10)), { median: 5.5, minimum: 1, interval: [2, 9] });
    assert.deepEqual(summarize(upTo(25)), { median: 13, minimum: 1, interval: [8, 18] });
  });

  it("a quantile is a value that was there", () => {
    assert.deepEqual(
      [0, 0.5, 0.99, 1].map((share) => quantile([4, 1, 3, 2], share)),
      [1, 3, 4, 4],
    );
  });
});

function hasH2load(): boolean {
  try {
    return execFileSync("h2load", ["--version"], { stdio: "pipe" }).length > 0;
  } catch {
    return false;
  }
}

async function finish(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  let [out, err] = ["", ""];
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}
