import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Teardown } from "../../envoy/process/teardown.ts";

describe("Teardown", () => {
  it("runs the newest step first, and each once", async () => {
    const ran: string[] = [];
    const teardown = new Teardown();
    teardown.defer(() => void ran.push("folder"));
    teardown.defer(() => void ran.push("process"));
    await Promise.all([teardown.run(), teardown.run()]);
    assert.deepEqual(ran, ["process", "folder"]);
  });

  it("runs the other steps when one fails, and tells of it", async () => {
    const ran: string[] = [];
    const teardown = new Teardown();
    teardown.defer(() => void ran.push("folder"));
    teardown.defer(() => Promise.reject(new Error("process")));
    await assert.rejects(teardown.run(), AggregateError);
    assert.deepEqual(ran, ["folder"]);
  });
});
