import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Status } from "../../cli/host/index.ts";
import { OUT, probe, returned } from "./support/probe.ts";

const VM_CONFIGURATION = 6;
const PLUGIN_CONFIGURATION = 7;

function read(type: number, start: number, length: number, vmConfiguration = "0123456789") {
  return probe({
    call: "proxy_get_buffer_bytes",
    args: [type, start, length, OUT, OUT + 4],
    vmConfiguration,
  });
}

describe("a buffer", () => {
  it("is read from a place, for a length", () => {
    assert.equal(returned(read(VM_CONFIGURATION, 2, 3)).toString(), "234");
  });

  it("is read to its end by a length that is too large", () => {
    assert.equal(returned(read(VM_CONFIGURATION, 8, -1)).toString(), "89");
  });

  it("is pointer 0 and size 0 where the part is empty", () => {
    for (const result of [
      read(VM_CONFIGURATION, 10, 1),
      read(VM_CONFIGURATION, 11, 1),
      read(VM_CONFIGURATION, 0, 0),
      read(6, 0, 5, ""),
    ]) {
      assert.equal(result.status, Status.Ok);
      assert.deepEqual(result.words.slice(0, 2), [0, 0]);
    }
  });

  it("is BadArgument for a number that does not exist", () => {
    assert.equal(read(9, 0, 1).status, Status.BadArgument);
  });

  it("with the plugin's configuration is there only while it is being configured", () => {
    assert.equal(read(PLUGIN_CONFIGURATION, 0, 1).status, Status.NotFound);
  });

  it("tells its length", () => {
    const args = [VM_CONFIGURATION, OUT, OUT + 4];
    const result = probe({ call: "proxy_get_buffer_status", args, vmConfiguration: "0123456789" });
    assert.deepEqual(result.words.slice(0, 2), [10, 0]);
  });
});
