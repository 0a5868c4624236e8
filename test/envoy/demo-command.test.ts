import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { runCommand } from "../../envoy/process/run-command.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { runOnSignals, Teardown } from "../../envoy/process/teardown.ts";
import { assertNothingRemains, demoCommand, demoEnv, startDemo } from "./support/demo-command.ts";

const runDemo = (...args: string[]) => runCommand(process.execPath, [...demoCommand, ...args]);

describe("npm run demo", () => {
  const teardown = new Teardown();
  let folder: string;

  before(async () => {
    runOnSignals(teardown);
    folder = await makeRunFolder(teardown);
  });
  after(() => teardown.run());

  it("--help explains it", async () => {
    const { code, output } = await runDemo("--help");
    assert.equal(code, 0);
    for (const word of ["--keep", "--prepare", "ENVOY_BIN", "ENVOY_VERSION"])
      assert.ok(output.includes(word), word);
  });

  it("refuses what it cannot do with 2, and no stack trace", async () => {
    const { code, output } = await runDemo("--kep");
    assert.equal(code, 2);
    assert.doesNotMatch(output, /^ +at /m);
  });

  it("says with 2 that npm took an option for itself", async () => {
    const { code, output } = await runCommand("npm", ["run", "--ignore-scripts", "demo", "--keep"]);
    assert.equal(code, 2);
    assert.match(output, /Write: npm run demo -- --keep$/m);
  });

  it("ends with 0 after a table that a program can read", async () => {
    const { code, output } = await runCommand(process.execPath, demoCommand, {
      env: demoEnv(folder),
      stdio: ["ignore", "pipe", "ignore"],
    });
    assert.equal(code, 0, output);
    const [titles, ...rows] = output
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    assert.equal(titles?.at(-1), "as expected");
    assert.deepEqual(
      rows.map((row) => row.at(-1)),
      rows.map(() => "yes"),
    );
    const stolen = rows.find(([title]) => title === "the same token, from another workload");
    assert.deepEqual([stolen?.[2], stolen?.[4]], ["401 deny spiffe_mismatch", "200"]);
  });

  it("ends with 2 after what nobody foresaw, says where, and leaves nothing behind", async () => {
    const demo = startDemo(process.execPath, [...demoCommand, "--keep"], folder, teardown);
    demo.child.stdout?.destroy();
    const [code] = (await once(demo.child, "close")) as [number];
    assert.equal(code, 2, demo.said());
    assert.match(demo.said(), /EPIPE[^]*^ +at /m);
    await assertNothingRemains(folder, demo.said());
  });
});

describe("npm run demo -- --keep", () => {
  let teardown: Teardown;
  let folder: string;

  beforeEach(async () => {
    teardown = new Teardown();
    runOnSignals(teardown);
    folder = await makeRunFolder(teardown);
  });
  afterEach(() => teardown.run());

  const keep = async (command = process.execPath, args: readonly string[] = [...demoCommand, "--keep"]) => {
    const demo = startDemo(command, args, folder, teardown);
    await demo.untilSaid("Ctrl-C ends it");
    return demo;
  };

  it("prints curl lines that work as printed", async (test) => {
    if ((await runCommand("curl", ["--version"]).catch(() => undefined)) === undefined) {
      test.skip("1 check skipped: no curl on this machine");
      return;
    }
    const { said } = await keep();
    const answers: string[] = [];
    for (const line of said()
      .split("\n")
      .filter((text) => text.startsWith("curl "))) {
      answers.push((await runCommand("sh", ["-c", line])).output);
    }
    const counted = answers.pop() ?? "";
    const statuses = answers.map((answer) => /HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
    assert.deepEqual(statuses, ["200", "401", "200", "200", "401", "401"]);
    assert.match(counted, /wasmcustom\.holdfast\.deny\.spiffe_mismatch: [1-9]/);
    assert.doesNotMatch(counted, /: 0$/m, "only what happened shows");
  });

  const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
    it(`leaves nothing behind after ${signal}, even when it comes twice`, async () => {
      const { child, said } = await keep();
      const ended = once(child, "exit");
      child.kill(signal);
      child.kill(signal);
      assert.deepEqual(await ended, [signals[signal], null]);
      await assertNothingRemains(folder, said());
    });
  }

  it("leaves nothing behind when npm is told to stop", async () => {
    const { child, said } = await keep("npm", ["run", "--ignore-scripts", "demo", "--", "--keep"]);
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
    await assertNothingRemains(folder, said());
  });
});
