import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MEMORY_END, OUT, TEXT, UNTOUCHED, probe } from "./support/probe.ts";

const SUCCESS = 0;
const BAD_FILE = 8;
const FAULT = 21;
const NOT_SUPPORTED = 58;

function call(name: string, args: readonly (number | bigint | Uint8Array)[]) {
  return probe({ from: "wasi_snapshot_preview1", call: name, args, hostOptions: { now: () => 7 } });
}

/** fd_write of one vector with the text "probe" in it, or with a span of the caller's. */
function write(file: number, pointer = TEXT + 8, size = 5) {
  const data = Buffer.from("\0\0\0\0\0\0\0\0probe");
  data.writeUInt32LE(pointer, 0);
  data.writeUInt32LE(size, 4);
  return probe({
    from: "wasi_snapshot_preview1",
    call: "fd_write",
    args: [file, TEXT, 1, OUT],
    data,
  });
}

describe("WASI", () => {
  it("fd_write to stdout and stderr goes to the log at info and error", () => {
    for (const [file, level] of [
      [1, "info"],
      [2, "error"],
    ] as const) {
      const result = write(file);
      assert.equal(result.status, SUCCESS);
      assert.equal(result.words[0], 5);
      assert.deepEqual(
        result.host.logs.map((line) => `${line.level}: ${line.message}`),
        [`${level}: probe`],
      );
    }
  });

  it("fd_write elsewhere is a bad file, and from outside of memory a fault", () => {
    assert.equal(write(3).status, BAD_FILE);
    assert.equal(write(1, MEMORY_END, 1).status, FAULT);
  });

  it("clock_time_get has the realtime clock only", () => {
    assert.deepEqual(call("clock_time_get", [0, 0n, OUT]).words.slice(0, 2), [7_000_000_000 % 2 ** 32, 1]);
    assert.equal(call("clock_time_get", [1, 0n, OUT]).status, NOT_SUPPORTED);
  });

  it("random_get fills memory, and refuses what lies outside", () => {
    const { status, words } = call("random_get", [OUT, 16]);
    assert.equal(status, SUCCESS);
    assert.ok(words.some((word) => word !== UNTOUCHED));
    assert.equal(call("random_get", [MEMORY_END, 1]).status, FAULT);
  });

  it("environ_sizes_get refuses what lies outside", () => {
    assert.equal(call("environ_sizes_get", [MEMORY_END, OUT]).status, FAULT);
    assert.equal(call("environ_sizes_get", [OUT, MEMORY_END]).status, FAULT);
  });

  it("has no arguments, and no environment unless it is given", () => {
    for (const name of ["args_sizes_get", "environ_sizes_get"]) {
      assert.deepEqual(call(name, [OUT, OUT + 4]).words.slice(0, 2), [0, 0]);
    }
  });
});
