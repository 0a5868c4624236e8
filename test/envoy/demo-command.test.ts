import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runCommand } from "../../envoy/process/run-command.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { testedEnvoys } from "./support/versions.ts";

const demo = ["--import", "tsx", fileURLToPath(new URL("../../envoy/demo.ts", import.meta.url))];
const [envoy = ""] = testedEnvoys();
const env = { ...process.env, ENVOY_VERSION: envoy };

describe("npm run demo", () => {
  it("--help explains it", async () => {
    const { code, output } = await runCommand(process.execPath, [...demo, "--help"]);
    assert.equal(code, 0);
    for (const word of ["--keep", "--prepare", "ENVOY_BIN", "ENVOY_VERSION"])
      assert.ok(output.includes(word), word);
  });

  for (const flags of [["--kep"], ["--keep", "--prepare"], ["file"]]) {
    it(`${flags.join(" ")} is refused with 2, and no stack trace`, async () => {
      const { code, output } = await runCommand(process.execPath, [...demo, ...flags]);
      assert.equal(code, 2);
      assert.doesNotMatch(output, /^ +at /m);
    });
  }

  it("ends with 0 after a table that a program can read", async () => {
    const { code, output } = await runCommand(process.execPath, demo, {
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    assert.equal(code, 0, output);
    const [titles, ...rows] = output
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    assert.deepEqual(titles, ["attempt", "expected", "with holdfast", "validating only", "as expected"]);
    assert.deepEqual(
      rows.map((row) => row.at(-1)),
      rows.map(() => "yes"),
    );
    const stolen = rows.find(([title]) => title === "the same token, from another workload");
    assert.deepEqual(stolen?.slice(2, 4), ["401 deny spiffe_mismatch", "200"]);
  });
});

describe("npm run demo -- --keep", () => {
  const teardown = new Teardown();
  let kept: ChildProcess;
  let said: string;

  before(async () => {
    kept = spawn(process.execPath, [...demo, "--keep"], { env, stdio: ["ignore", "pipe", "pipe"] });
    teardown.defer(() => void kept.kill("SIGTERM"));
    said = await untilSaid(kept, "Ctrl-C ends it");
  });
  after(() => teardown.run());

  it("prints curl lines that work as printed", async (test) => {
    if ((await runCommand("curl", ["--version"]).catch(() => undefined)) === undefined) {
      test.skip("1 check skipped: no curl on this machine");
      return;
    }
    const answers: string[] = [];
    for (const line of said.split("\n").filter((text) => text.startsWith("curl "))) {
      answers.push((await runCommand("sh", ["-c", line])).output);
    }
    const counted = answers.pop();
    const statuses = answers.map((answer) => /HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
    assert.deepEqual(statuses, ["200", "401", "200", "200", "401", "401"]);
    assert.match(counted ?? "", /wasmcustom\.holdfast\.deny\.spiffe_mismatch: \d/);
  });

  it("leaves nothing behind after Ctrl-C", async () => {
    const [folder = ""] = /\/\S*holdfast-\w+/.exec(said) ?? [];
    await access(folder);
    const ended = once(kept, "exit");
    kept.kill("SIGINT");
    assert.deepEqual(await ended, [130, null]);
    await assert.rejects(access(folder));
    const [adminOrigin = ""] = /http:\/\/127\.0\.0\.1:\d+(?=\/stats)/.exec(said) ?? [];
    await assert.rejects(fetch(adminOrigin), "the server's Envoy is gone");
  });
});

/** Collects what a process writes until it has said `words`. */
async function untilSaid(child: ChildProcess, words: string): Promise<string> {
  let said = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const deadline = Date.now() + 60_000;
  while (!said.includes(words)) {
    assert.ok(Date.now() < deadline && child.exitCode === null, said);
    await sleep(50);
  }
  return said;
}
