import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Status } from "../../cli/host/index.ts";
import type { Request } from "../../cli/host/index.ts";
import { HEAP, MEMORY_END, OUT, UNTOUCHED, probe, returned } from "./support/probe.ts";

const SAN = "spiffe://example.org/ns/shop/sa/cart";
const PATH = "connection\0uri_san_peer_certificate";
const request: Request = { peer: { mtls: true, uriSan: SAN } };

describe("a host call that returns bytes", () => {
  it("allocates through the guest, then writes pointer and size", () => {
    const result = probe({ call: "proxy_get_property", args: [PATH, OUT, OUT + 4], request });
    assert.equal(result.status, Status.Ok);
    assert.deepEqual(result.words, [HEAP, SAN.length, UNTOUCHED, UNTOUCHED]);
    assert.equal(returned(result).toString(), SAN);
  });

  it("allocates through malloc where that is the allocator", () => {
    const result = probe({
      call: "proxy_get_property",
      args: [PATH, OUT, OUT + 4],
      allocatorName: "malloc",
      request,
    });
    assert.equal(returned(result).toString(), SAN);
  });

  it("finds its memory again after the allocator has grown it", () => {
    const result = probe({
      call: "proxy_get_property",
      args: [PATH, OUT, OUT + 4],
      allocator: "grow",
      request,
    });
    assert.equal(result.status, Status.Ok);
    assert.equal(returned(result).toString(), SAN);
    assert.equal(result.vm.memoryPages, 2);
  });

  it("writes pointer 0 and size 0 for an empty value and never allocates for it", () => {
    const path = "connection\0requested_server_name";
    const result = probe({
      call: "proxy_get_property",
      args: [path, OUT, OUT + 4],
      allocator: "trap",
      request,
    });
    assert.equal(result.status, Status.Ok);
    assert.deepEqual(result.words, [0, 0, UNTOUCHED, UNTOUCHED]);
    assert.equal(result.host.vmFailures, 0);
  });
});

describe("an empty value never allocates", () => {
  it("as the property of an empty header", () => {
    const result = probe({
      call: "proxy_get_property",
      args: ["request\0headers\0x-empty", OUT, OUT + 4],
      allocator: "trap",
      request: { headers: [["x-empty", ""]] },
    });
    assert.equal(result.status, Status.Ok);
    assert.deepEqual(result.words.slice(0, 2), [0, 0]);
    assert.equal(result.host.vmFailures, 0);
  });
});

describe("a host call that fails writes nothing", () => {
  const untouched = [UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED];

  it("when the value is absent", () => {
    const result = probe({ call: "proxy_get_property", args: [PATH, OUT, OUT + 4], allocator: "trap" });
    assert.equal(result.status, Status.NotFound);
    assert.deepEqual(result.words, untouched);
    assert.equal(result.host.vmFailures, 0);
  });

  for (const allocator of ["null", "past_memory"] as const) {
    it(`when the allocator gives ${allocator}`, () => {
      const result = probe({ call: "proxy_get_property", args: [PATH, OUT, OUT + 4], allocator, request });
      assert.equal(result.status, Status.InvalidMemoryAccess);
      assert.deepEqual(result.words, untouched);
    });
  }

  it("when the allocator traps, which fails the VM but lets the outer callback end", () => {
    const result = probe({
      call: "proxy_get_property",
      args: [PATH, OUT, OUT + 4],
      allocator: "trap",
      request,
    });
    assert.equal(result.status, Status.InvalidMemoryAccess);
    assert.deepEqual(result.words, untouched);
    assert.equal(result.host.vmFailures, 1);
    assert.equal(result.stream.outcome, "trapped");
  });
});

describe("an address outside of memory is InvalidMemoryAccess", () => {
  const calls: readonly (readonly [string, string, readonly (number | string)[]])[] = [
    ["an out-pointer past memory", "proxy_get_property", [PATH, MEMORY_END, OUT]],
    ["an out-pointer that straddles the end", "proxy_get_property", [PATH, MEMORY_END - 3, OUT]],
    ["an out-pointer above 2 GiB", "proxy_get_property", [PATH, -4, OUT]],
    ["a span that runs past memory", "proxy_get_property", [MEMORY_END - 2, 3, OUT, OUT + 4]],
    ["a span whose sum wraps at 32 bits", "proxy_get_property", [16, -8, OUT, OUT + 4]],
    ["an empty span beyond the end", "proxy_get_property", [MEMORY_END + 1, 0, OUT, OUT + 4]],
    ["a log message", "proxy_log", [2, MEMORY_END - 1, 2]],
    ["a header name", "proxy_get_header_map_value", [0, MEMORY_END, 1, OUT, OUT + 4]],
    ["the clock's out-pointer", "proxy_get_current_time_nanoseconds", [MEMORY_END - 7]],
    ["the body of a local reply", "proxy_send_local_response", [401, 0, 0, MEMORY_END, 1, 0, 0, -1]],
    [
      "arguments of a foreign function",
      "proxy_call_foreign_function",
      ["verify_signature", -1, 2, OUT, OUT + 4],
    ],
    ["a metric's out-pointer", "proxy_define_metric", [0, "m", MEMORY_END - 1]],
  ];
  for (const [what, call, args] of calls) {
    it(what, () => {
      assert.equal(probe({ call, args, request }).status, Status.InvalidMemoryAccess);
    });
  }

  it("an empty span at the very end is inside", () => {
    assert.equal(probe({ call: "proxy_log", args: [2, MEMORY_END, 0] }).status, Status.Ok);
  });
});
