import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, Vm } from "../../cli/host/index.ts";
import type { Plugin } from "../../cli/host/index.ts";
import { guest } from "./support/guests.ts";

describe("streams and plugins in one VM", () => {
  it("interleave: each callback gets its own stream and root", () => {
    const host = new Host();
    const vm = Vm.start(host, guest("logs_callbacks"));
    const [one, two] = [vm.configure(), vm.configure()];
    const [a, b] = [one.request({}), two.request({})];
    const c = one.request({});
    b.end();
    a.end();
    c.end();
    assert.deepEqual(messages(one).slice(3), [
      ...["create 31", "request 34"],
      ...["create 51", "request 54"],
      ...["log 30", "done 30", "delete 30"],
      ...["log 50", "done 50", "delete 50"],
    ]);
    assert.deepEqual(messages(two).slice(3), ["create 42", "request 44", "log 40", "done 40", "delete 40"]);
  });

  it("have request headers until the request has gone on, and once more in on_log", () => {
    const host = new Host();
    const stream = Vm.start(host, guest("reads_headers_late")).configure().request({});
    stream.respond({ status: 200 });
    stream.end();
    assert.equal(host.vmFailures, 0);
  });

  it("end only once", () => {
    const plugin = Vm.start(new Host(), guest("logs_callbacks")).configure();
    const stream = plugin.request({});
    stream.end();
    stream.end();
    assert.equal(messages(plugin).filter((line) => line === "delete 20").length, 1);
  });
});

describe("a new configuration", () => {
  it("takes new requests at once; the old root context goes with its last stream", () => {
    const plugin = Vm.start(new Host(), guest("logs_callbacks")).configure({ configuration: "a" });
    const [first, second] = [plugin.request({}), plugin.request({})];
    assert.equal(plugin.configure("bc"), true);
    const third = plugin.request({});
    first.end();
    assert.ok(!messages(plugin).includes("delete 10"));
    second.end();
    third.end();
    assert.deepEqual(messages(plugin).slice(7), [
      ...["create 40", "vm_start 40", "configure 42"],
      ...["create 54", "request 54"],
      ...["log 20", "done 20", "delete 20"],
      ...["log 30", "done 30", "delete 30"],
      ...["done 10", "delete 10"],
      ...["log 50", "done 50", "delete 50"],
    ]);
  });

  it("that is refused leaves the running one in place and goes away itself", () => {
    const plugin = Vm.start(new Host(), guest("logs_callbacks")).configure({ configuration: "a" });
    assert.equal(plugin.configure("refuse"), false);
    assert.equal(plugin.accepted, false);
    assert.deepEqual(messages(plugin).slice(-2), ["done 20", "delete 20"]);
    plugin.request({});
    assert.equal(messages(plugin).at(-2), "create 31");
  });

  it("waits for proxy_done where on_done asks for it", () => {
    const vm = Vm.start(new Host(), guest("defers_done"));
    const plugin = vm.configure();
    vm.tick();
    plugin.configure("");
    assert.deepEqual(messages(plugin), []);
    vm.tick();
    assert.deepEqual(messages(plugin), ["delete"]);
    vm.tick();
    assert.deepEqual(messages(plugin), ["delete"]);
  });
});

describe("a trap", () => {
  it("answers the stream with 503 and is counted once", () => {
    const host = new Host();
    const stream = Vm.start(host, guest("traps_on_headers")).configure().request({});
    stream.end();
    assert.equal(stream.outcome, "trapped");
    assert.equal(stream.reply?.status, 503);
    assert.equal(stream.reply.details, "wasm_fail_stream");
    assert.equal(host.vmFailures, 1);
    assert.match(host.logs.at(-1)?.message ?? "", /trapped: unreachable/);
  });

  it("in the allocator and then in the callback counts once", () => {
    const host = new Host();
    Vm.start(host, guest("traps_twice")).configure().request({});
    assert.equal(host.vmFailures, 1);
  });

  it("may also be a stack that ran out", () => {
    const host = new Host();
    assert.equal(Vm.start(host, guest("recurses_without_end")).configure().request({}).outcome, "trapped");
    assert.equal(host.vmFailures, 1);
  });

  it("under FAIL_RELOAD is followed by a new VM, for every plugin of the old one", () => {
    const host = new Host();
    const vm = Vm.start(host, guest("traps_on_end_of_stream"));
    const [one, two] = [vm.configure(), vm.configure()];
    const before = one.request({ endOfStream: false });
    assert.equal(one.request({ endOfStream: true }).outcome, "trapped");
    assert.ok(vm.failed);
    assert.equal(two.request({ endOfStream: false }).outcome, "continue");
    assert.equal(one.request({ endOfStream: false }).outcome, "continue");
    assert.ok(!vm.failed);
    before.end();
    assert.equal(host.vmFailures, 1);
  });

  it("under FAIL_CLOSED answers all later requests with 503", () => {
    const host = new Host();
    const vm = Vm.start(host, guest("traps_on_end_of_stream"), { failurePolicy: "FAIL_CLOSED" });
    const plugin = vm.configure();
    plugin.request({ endOfStream: true });
    const later = plugin.request({ endOfStream: false });
    assert.equal(later.outcome, "trapped");
    assert.equal(later.reply?.status, 503);
    assert.equal(host.vmFailures, 1);
  });

  it("while configuring refuses the configuration", () => {
    const host = new Host();
    assert.equal(Vm.start(host, guest("traps_on_configure")).configure().accepted, false);
    assert.equal(host.vmFailures, 1);
  });
});

function messages(plugin: Plugin): string[] {
  return plugin.logs.map(({ message }) => message);
}
