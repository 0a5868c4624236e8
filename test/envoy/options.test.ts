import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readTask, usage } from "../../envoy/options.ts";
import { ExplainedError } from "../../envoy/process/explained-error.ts";

describe("readTask", () => {
  const tasks = { "": "show", "--keep": "keep", "--prepare": "prepare", "--help": "help" };
  for (const [args, task] of Object.entries(tasks)) {
    it(`takes "${args}" for the task to ${task}`, () => {
      assert.equal(readTask(args.split(" ").filter(Boolean), {}), task);
    });
  }

  for (const args of [["--kep"], ["file"], ["--keep=yes"]]) {
    it(`refuses ${args.join(" ")} and says what there is`, () => {
      assert.throws(
        () => readTask(args, {}),
        (failure) => failure instanceof ExplainedError && failure.message.endsWith(usage),
      );
    });
  }

  it("refuses to keep what it does not start", () => {
    assert.throws(() => readTask(["--keep", "--prepare"], {}), /give one of them/);
  });

  for (const name of ["keep", "prepare"]) {
    it(`says how to write --${name} when npm took it for itself`, () => {
      const env = { [`npm_config_${name}`]: "true" };
      assert.throws(() => readTask([], env), new RegExp(`npm run demo -- --${name}$`));
      assert.equal(readTask([`--${name}`], env), name);
    });
  }
});
