import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, Status, Vm } from "../../cli/host/index.ts";
import { pairsSize, writePairs } from "../../cli/host/pairs.ts";
import { OUT, probe } from "./support/probe.ts";
import { guest } from "./support/guests.ts";

describe("a paused stream", () => {
  const paused = (configuration: string) => {
    const host = new Host();
    const vm = Vm.start(host, guest("acts_on_paused_stream"));
    const plugin = vm.configure({ configuration });
    const other = plugin.request({});
    const stream = plugin.request({});
    assert.equal(stream.outcome, "pause");
    vm.tick();
    assert.equal(other.outcome, "pause");
    assert.equal(host.vmFailures, 0);
    return stream;
  };

  it("is reached from a tick through the effective context, and not after that is set back", () => {
    assert.equal(paused("").filterState("wasm.mark"), "mark");
  });

  it("goes on when the guest continues it", () => {
    assert.equal(paused("1").outcome, "continue");
  });

  it("ends when the guest resets it", () => {
    const stream = paused("22");
    assert.ok(stream.wasReset && stream.ended);
    assert.equal(stream.reply, undefined);
  });

  it("is answered when the guest replies to it", () => {
    const stream = paused("333");
    assert.equal(stream.outcome, "replied");
    assert.equal(stream.reply?.status, 429);
    assert.equal(stream.reply.details, "told");
    assert.equal(stream.reply.body.toString(), "mark");
    assert.equal(stream.reply.grpcStatus, 8);
  });

  it("stays the effective context across the allocator, which has the VM's own", () => {
    const host = new Host();
    const vm = Vm.start(host, guest("sets_property_in_allocator"));
    const stream = vm.configure().request({});
    vm.tick();
    assert.equal(host.vmFailures, 0);
    assert.equal(stream.filterState("wasm.mark"), "mark");
  });

  it("is out of reach once it has ended: the effective context is refused", () => {
    const vm = Vm.start(new Host(), guest("acts_on_paused_stream"));
    const stream = vm.configure({ configuration: "1" }).request({});
    stream.end();
    vm.tick();
    assert.equal(stream.filterState("wasm.mark"), undefined);
  });
});

describe("a local reply", () => {
  it("stops the stream even if the guest continues, and the first of two is sent", () => {
    const stream = Vm.start(new Host(), guest("replies_twice")).configure().request({});
    assert.equal(stream.outcome, "replied");
    assert.deepEqual(
      { ...stream.reply, body: stream.reply?.body.toString() },
      {
        status: 401,
        details: "guest_denied{first}",
        body: "no entry",
        headers: [["x-a", "b"]],
        grpcStatus: 16,
      },
    );
  });

  it("to another stream stops the one whose callback sent it, as in Envoy, and no later one", () => {
    const plugin = Vm.start(new Host(), guest("replies_to_first_stream")).configure();
    const first = plugin.request({});
    assert.equal(plugin.request({ endOfStream: true }).outcome, "pause");
    assert.equal(first.outcome, "replied");
    assert.equal(plugin.request({ endOfStream: false }).outcome, "continue");
  });

  it("passes through the guest's own response headers", () => {
    const stream = Vm.start(new Host(), guest("replies_twice")).configure().request({});
    assert.deepEqual(stream.responseHeaders, [
      [":status", "401"],
      ["x-a", "b"],
      ["", "no"],
    ]);
  });

  it("has no gRPC status when the guest gives none that exists", () => {
    for (const [given, seen] of [
      [-1, undefined],
      [0, 0],
      [16, 16],
      [17, undefined],
    ] as const) {
      const result = probe({ call: "proxy_send_local_response", args: [403, 0, 0, 0, 0, 0, 0, given] });
      assert.equal(result.stream.reply?.grpcStatus, seen);
    }
  });
});

describe("stream calls with a number that does not exist", () => {
  for (const [call, argument] of [
    ["proxy_continue_stream", 4],
    ["proxy_close_stream", 4],
    ["proxy_set_effective_context", 99],
  ] as const) {
    it(`${call}(${argument}) is BadArgument`, () => {
      assert.equal(probe({ call, args: [argument] }).status, 2);
    });
  }
});

describe("continuing what a filter of HTTP has not", () => {
  it("is Ok downstream and Unimplemented upstream, as in Envoy", () => {
    assert.equal(probe({ call: "proxy_continue_stream", args: [2] }).status, Status.Ok);
    assert.equal(probe({ call: "proxy_continue_stream", args: [3] }).status, Status.Unimplemented);
  });
});

describe("an HTTP call", () => {
  it("is recorded, and its answer comes to the root context once", () => {
    const host = new Host({ clusters: ["keys"] });
    const plugin = Vm.start(host, guest("calls_cluster")).configure({ configuration: "keys" });
    const [call] = plugin.httpCalls;
    assert.ok(call);
    assert.equal(call.request.cluster, "keys");
    assert.equal(call.request.timeoutMilliseconds, 5000);
    assert.equal(call.request.headers.first(":path"), "/k");
    call.respond({ status: 200, body: "answer" });
    call.respond({ status: 200, body: "again" });
    assert.deepEqual(
      plugin.logs.map(({ message }) => message),
      ["answer"],
    );
    assert.deepEqual(plugin.httpCalls, []);
  });

  it("to an unknown cluster is refused at once", () => {
    const host = new Host({ clusters: ["keys"] });
    const plugin = Vm.start(host, guest("calls_cluster")).configure({ configuration: "keyz" });
    assert.equal(plugin.accepted, false);
  });

  it("is forgotten with its root context: an answer comes too late", () => {
    const host = new Host({ clusters: ["keys"] });
    const plugin = Vm.start(host, guest("calls_cluster")).configure({ configuration: "keys" });
    const [call] = plugin.httpCalls;
    plugin.configure("keys");
    call?.respond({ status: 200, body: "late" });
    assert.deepEqual(plugin.logs, []);
  });

  it("needs method, path and authority, and a timeout that is not negative", () => {
    const start = (headers: readonly string[], timeout: number) => {
      const pairs = headers.map((name) => [name, "x"] as const);
      const bytes = Buffer.alloc(pairsSize(pairs));
      writePairs(pairs, bytes, 0);
      const args = ["keys", bytes, 0, 0, 0, 0, timeout, OUT];
      return probe({ call: "proxy_http_call", args, hostOptions: { clusters: ["keys"] } }).status;
    };
    const complete = [":method", ":path", ":authority"];
    assert.equal(start(complete, 0), 0);
    assert.equal(start(complete, -1), 2);
    for (const missing of complete)
      assert.equal(
        start(
          complete.filter((name) => name !== missing),
          0,
        ),
        2,
      );
  });

  it("that is refused leaves a token of 0, as Envoy does", () => {
    const result = probe({ call: "proxy_http_call", args: ["nobody", 0, 0, 0, 0, 0, 0, 1000, OUT] });
    assert.equal(result.status, 2);
    assert.equal(result.words[0], 0);
  });
});
