// The probe guests of test/envoy/host-*.test.ts log here what they log in Envoy.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, Vm } from "../../cli/host/index.ts";
import type { HttpCall, Plugin, PluginOptions, Request, VmOptions } from "../../cli/host/index.ts";
import { assembleGuest, type GuestScript } from "../envoy/guests/assemble-guest.ts";
import {
  calls,
  livesOn,
  missesStream,
  readsEnvironment,
  repliesFromAnswer,
  resumesFromAnswer,
  resumesFromTick,
  stopAllIterationAndWatermark,
  stopIteration,
  stops,
  trapsBesideWaiting,
} from "../envoy/guests/scripts.ts";
import { pairs } from "../envoy/guests/steps.ts";

function start(script: GuestScript, options: VmOptions & PluginOptions = {}) {
  const host = new Host({ clusters: ["keys"] });
  const vm = Vm.start(host, new WebAssembly.Module(assembleGuest(script)), options);
  const plugin = vm.configure(options);
  assert.ok(plugin.accepted);
  return { host, vm, plugin };
}

function messages(plugin: Plugin): string[] {
  return plugin.logs.map(({ message }) => message);
}

function firstCall(plugin: Plugin): HttpCall {
  const [call] = plugin.httpCalls;
  assert.ok(call);
  return call;
}

describe("an HTTP call's answer, in the root context", () => {
  const answered = (answer: (call: HttpCall) => void) => {
    const { plugin } = start(calls("keys", 400));
    plugin.request({});
    answer(firstCall(plugin));
    return messages(plugin);
  };

  it("is there whole", () => {
    const seen = answered((call) => {
      call.respond({ status: 200, headers: [["etag", '"1"']], body: "hello" });
    });
    assert.deepEqual(seen, [
      ...["call 0", "answered 1", "answer 2 5 0"],
      ...["pairs 0 1", "trailers 0 0", "body 0 5"],
    ]);
  });

  it("may have an empty body", () => {
    const seen = answered((call) => {
      call.respond({ status: 304 });
    });
    assert.deepEqual(seen.slice(2), ["answer 1 0 0", "pairs 0 1", "trailers 0 0", "body 0 0"]);
  });

  it("is nothing where the upstream broke off", () => {
    const seen = answered((call) => {
      call.fail();
      call.respond({ status: 200 });
    });
    assert.deepEqual(seen.slice(2), ["answer 0 0 0", "pairs 0 0", "trailers 0 0", "body 1 0"]);
  });

  it("does not come where the call was refused", () => {
    const { plugin } = start(calls("missing", 400));
    plugin.request({});
    assert.deepEqual(messages(plugin), ["call 2"]);
  });

  it("is told from others by a token that is one of its VM, a multiple of 4", () => {
    const { vm, plugin } = start(calls("keys", 400));
    const other = vm.configure();
    for (const each of [plugin, other, plugin]) each.request({});
    assert.deepEqual(
      vm.httpCalls.map(({ token }) => token),
      [4, 12, 8],
    );
  });
});

describe("a stopped request", () => {
  const stopped = (returns: number, request: Request, permitted = false) => {
    const { plugin } = start(stops(returns), { allowOnHeadersStopIteration: permitted });
    return plugin.request(request).outcome;
  };

  it("waits, with a body or without, and a number that is no status stops it too", () => {
    for (const returns of [stopIteration, 3, stopAllIterationAndWatermark, 5, 0x7fff_ffff]) {
      assert.equal(stopped(returns, {}), "pause");
      assert.equal(stopped(returns, { endOfStream: false }), "pause");
    }
  });

  it("goes on with its body where a plain StopIteration is permitted", () => {
    assert.equal(stopped(stopIteration, {}, true), "pause");
    assert.equal(stopped(stopIteration, { endOfStream: false }, true), "continue");
    assert.equal(stopped(stopAllIterationAndWatermark, { endOfStream: false }, true), "pause");
  });

  it("is none where the guest returns 2: the request goes on", () => {
    assert.equal(stopped(2, {}), "continue");
  });

  it("is resumed with others from the callback of an answer", () => {
    const { plugin } = start(resumesFromAnswer);
    const streams = [1, 2, 3].map(() => plugin.request({}));
    firstCall(plugin).respond({ status: 200 });
    assert.deepEqual(
      streams.map((stream) => [stream.outcome, stream.filterState("wasm.holdfast.verdict")]),
      Array(3).fill(["continue", "allow"]),
    );
    const each = ["as 0", "headers 0 1", "request.path 0", "mark 0", "resume 0", "headers 0 0"];
    assert.deepEqual(messages(plugin), [...Array<string>(3).fill("call 0"), ...each, ...each, ...each]);
  });

  it("is resumed from a tick", () => {
    const { vm, plugin } = start(resumesFromTick);
    const stream = plugin.request({});
    assert.equal(plugin.tickPeriodMilliseconds, 20);
    vm.tick();
    assert.equal(stream.outcome, "continue");
  });

  it("is answered with others from the callback of an answer, which ends it", () => {
    const { host, plugin } = start(repliesFromAnswer);
    const streams = Array.from({ length: 32 }, () => plugin.request({}));
    firstCall(plugin).respond({ status: 200 });
    for (const stream of streams) assert.deepEqual([stream.reply?.status, stream.ended], [403, true]);
    assert.equal(host.vmFailures, 0);
    const deleted = messages(plugin).filter((message) => message.startsWith("deleted"));
    assert.deepEqual(
      deleted,
      streams.map(({ id }) => `deleted ${id}`),
    );
  });

  it("takes the VM down when one callback answers 400 of them", () => {
    const { host, plugin } = start(repliesFromAnswer);
    const streams = Array.from({ length: 400 }, () => plugin.request({}));
    firstCall(plugin).respond({ status: 200 });
    const trapped = streams.filter(({ outcome }) => outcome === "trapped");
    assert.ok(trapped.length > 0 && trapped.length < 272);
    for (const { reply } of trapped) assert.equal(reply?.details, "wasm_fail_stream");
    assert.equal(host.vmFailures, 1);
  });

  it("that its client has left is gone for the guest, which gets the answer all the same", () => {
    const { plugin } = start(missesStream);
    const stream = plugin.request({});
    const call = firstCall(plugin);
    stream.end();
    call.respond({ status: 200 });
    assert.deepEqual(messages(plugin), ["call 0", "deleted 2", "as 2", "answer 1 0 0"]);
  });

  it("keeps its headers to the end when it ends while it waits", () => {
    const { plugin } = start({ ...stops(stopAllIterationAndWatermark), onDelete: [pairs("headers", 0)] });
    plugin.request({}).end();
    assert.deepEqual(messages(plugin), ["headers 0 1"]);
  });

  it("gets nothing at all when its VM traps", () => {
    const { host, plugin } = start(trapsBesideWaiting);
    const waiting = plugin.request({});
    assert.equal(plugin.request({}).outcome, "trapped");
    assert.deepEqual([waiting.outcome, waiting.reply], ["pause", undefined]);
    assert.equal(host.vmFailures, 1);
  });
});

describe("the environment", () => {
  it("is read through WASI", () => {
    const { plugin } = start(readsEnvironment, { environment: { SECRET: "a=b c", EMPTY: "", ACCENT: "é" } });
    assert.deepEqual(messages(plugin), ["environment 0 0 3", "SECRET=a=b c\0EMPTY=\0ACCENT=é\0"]);
  });

  it("is empty unless it is given", () => {
    assert.deepEqual(messages(start(readsEnvironment).plugin), ["environment 0 0 0", ""]);
  });
});

describe("an old root context", () => {
  it("lives until the drain is over when the listener is new: it ticks, is answered, and resumes its streams", () => {
    const { vm, plugin } = start(livesOn);
    const [resumed, left] = [plugin.request({}), plugin.request({})];
    const call = firstCall(plugin);
    assert.ok(plugin.configureListener("new"));
    vm.tick();
    assert.deepEqual(messages(plugin).slice(-2), ["ticked 1", "ticked 4"]);
    call.respond({ status: 200 });
    assert.deepEqual([resumed.outcome, resumed.filterState("wasm.holdfast.verdict")], ["continue", "allow"]);
    resumed.end();
    plugin.endDrain();
    assert.ok(left.ended);
    assert.deepEqual(messages(plugin).slice(-2), ["deleted 3", "deleted 1"]);
    vm.tick();
    assert.equal(messages(plugin).at(-1), "ticked 4");
  });

  it("drains also without a stream", () => {
    const { vm, plugin } = start(livesOn);
    plugin.configureListener("new");
    vm.tick();
    plugin.endDrain();
    assert.deepEqual(messages(plugin).slice(4), ["ticked 1", "ticked 2", "deleted 1"]);
  });

  it("goes with its last stream when only the filter's configuration is new", () => {
    const { vm, plugin } = start(livesOn);
    const stream = plugin.request({});
    plugin.configure("new");
    vm.tick();
    assert.ok(messages(plugin).includes("ticked 1"));
    stream.end();
    assert.equal(messages(plugin).at(-1), "deleted 1");
  });
});
