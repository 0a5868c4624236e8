import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, Status } from "../../cli/host/index.ts";
import type { Fault } from "../../cli/host/index.ts";
import { HEAP, OUT, UNTOUCHED, probe, returned } from "./support/probe.ts";
import type { ProbeOptions } from "./support/probe.ts";

const SAN = "spiffe://example.org/a";
const SAN_PATH = "connection\0uri_san_peer_certificate";
const readSan: ProbeOptions = {
  call: "proxy_get_property",
  args: [SAN_PATH, OUT, OUT + 4],
  request: { peer: { mtls: true, uriSan: SAN } },
};
const readAbsent: ProbeOptions = { ...readSan, request: {} };

/** Sites are known once a module has been loaded, so a first, healthy probe goes ahead. */
function faulty(options: ProbeOptions, fault: Fault) {
  const host = new Host();
  probe({ ...options, host });
  host.calls.inject(options.call, fault);
  return probe({ ...options, host });
}

describe("an injected fault", () => {
  it("with a status returns it and writes nothing", () => {
    for (const status of Object.values(Status)) {
      const result = faulty(readSan, { status });
      assert.equal(result.status, status);
      assert.deepEqual(result.words.slice(0, 2), [UNTOUCHED, UNTOUCHED]);
    }
  });

  it("empty is Ok with pointer 0 and size 0", () => {
    const result = faulty(readSan, { result: "empty" });
    assert.equal(result.status, Status.Ok);
    assert.deepEqual(result.words.slice(0, 2), [0, 0]);
  });

  it("short is the first half of the true result", () => {
    const result = faulty(readSan, { result: "short" });
    assert.equal(result.status, Status.Ok);
    assert.equal(returned(result).toString(), SAN.slice(0, SAN.length / 2));
  });

  it("short is one zero byte where there was nothing", () => {
    assert.deepEqual(returned(faulty(readAbsent, { result: "short" })), Buffer.from([0]));
  });

  it("oversized claims 2 GiB", () => {
    assert.deepEqual(faulty(readSan, { result: "oversized" }).words.slice(0, 2), [HEAP, 0x7fff_ffff]);
  });

  it("large asks the guest for 2 MiB, and gives nothing where it has no room", () => {
    assert.deepEqual(faulty(readSan, { result: "large" }).words.slice(0, 2), [0, 0]);
  });

  it("garbage has the size of the true result and other bytes", () => {
    const result = faulty(readSan, { result: "garbage" });
    assert.equal(returned(result).length, SAN.length);
    assert.notEqual(returned(result).toString(), SAN);
    assert.equal(returned(faulty(readAbsent, { result: "garbage" })).length, 64);
  });

  it("garbage in a number is all ones; other results leave it unwritten", () => {
    const readClock: ProbeOptions = { call: "proxy_get_current_time_nanoseconds", args: [OUT] };
    assert.deepEqual(faulty(readClock, { result: "garbage" }).words.slice(0, 2), [0xffff_ffff, 0xffff_ffff]);
    assert.deepEqual(faulty(readClock, { result: "empty" }).words.slice(0, 2), [UNTOUCHED, UNTOUCHED]);
  });

  it("in a call without results is Ok with nothing done", () => {
    const result = faulty({ call: "proxy_set_property", args: ["k", "v"] }, { result: "empty" });
    assert.equal(result.status, Status.Ok);
    assert.equal(result.stream.filterState("wasm.k"), undefined);
  });

  it("hits only the nth call where a number is given", () => {
    const host = new Host();
    probe({ ...readSan, host });
    host.calls.inject("proxy_get_property", { status: Status.InternalFailure }, 2);
    const statuses = [1, 2, 3].map(() => probe({ ...readSan, host }).status);
    assert.deepEqual(statuses, [Status.Ok, Status.InternalFailure, Status.Ok]);
  });

  it("ends when cleared", () => {
    const host = new Host();
    probe({ ...readSan, host });
    host.calls.inject("proxy_get_property", { status: Status.NotFound });
    host.calls.clearFaults();
    assert.equal(probe({ ...readSan, host }).status, Status.Ok);
  });

  it("in an import that nothing has is refused with the names there are", () => {
    const host = new Host();
    probe({ ...readSan, host });
    const inject = () => {
      host.calls.inject("proxy_get_propperty", { status: 1 });
    };
    assert.throws(inject, /proxy_get_propperty; expected one of: .*proxy_get_property/);
  });
});

describe("host calls", () => {
  it("that no module imports have no count, so that a misspelt name cannot pass for 0", () => {
    assert.throws(() => new Host().calls.count("proxy_log"), /no loaded module imports proxy_log/);
  });

  it("are counted by import, faulty ones included", () => {
    const host = new Host();
    probe({ ...readSan, host });
    host.calls.inject("proxy_get_property", { status: 1 });
    probe({ ...readSan, host });
    assert.equal(host.calls.count("proxy_get_property"), 2);
    assert.equal(host.calls.counts().get("proxy_set_shared_data"), 2);
    host.calls.resetCounts();
    assert.equal(host.calls.count("proxy_get_property"), 0);
  });
});
