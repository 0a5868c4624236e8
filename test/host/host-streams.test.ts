import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, Vm } from "../../cli/host/index.ts";
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
    ["proxy_continue_stream", 2],
    ["proxy_continue_stream", 4],
    ["proxy_close_stream", 4],
    ["proxy_set_effective_context", 99],
  ] as const) {
    it(`${call}(${argument}) is BadArgument`, () => {
      assert.equal(probe({ call, args: [argument] }).status, 2);
    });
  }
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

  it("that is refused leaves a token of 0, as Envoy does", () => {
    const result = probe({ call: "proxy_http_call", args: ["nobody", 0, 0, 0, 0, 0, 0, 1000, OUT] });
    assert.equal(result.status, 2);
    assert.equal(result.words[0], 0);
  });
});
