import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, LoadError, Vm } from "../../cli/host/index.ts";
import { guest } from "./support/guests.ts";

describe("a module is refused", () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ["has_abi_0_2_0", /proxy_abi_version_0_2_0: expected it to export proxy_abi_version_0_2_1/],
    ["has_no_allocator", /expected it to export proxy_on_memory_allocate or malloc/],
    ["has_no_memory", /expected an export named "memory"/],
    ["traps_at_start", /unreachable/],
    ["calls_host_at_start", /restricted callback proxy_get_current_time_nanoseconds/],
  ];
  for (const [name, message] of refused) {
    it(`that ${name}`, () => {
      const load = () => Vm.start(new Host(), guest(name));
      assert.throws(load, (error) => error instanceof LoadError && message.test(error.message));
    });
  }

  it("that imports_unknown_functions, with every missing name and no other", () => {
    const load = () => Vm.start(new Host(), guest("imports_unknown_functions"));
    const missing =
      "env.proxy_make_coffee (function), env.constructor (function), kitchen.proxy_log (function);";
    assert.throws(load, (error) => error instanceof LoadError && error.message.includes(`: ${missing}`));
  });
});

describe("a module is started", () => {
  it("by _initialize once a VM, then per plugin by create, vm_start and configure with the sizes", () => {
    const host = new Host();
    const vm = Vm.start(host, guest("logs_callbacks"), { configuration: "vm" });
    const first = vm.configure({ configuration: "abc" });
    const second = vm.configure({ configuration: "" });
    const lines = host.logs.map(({ message }) => message);
    assert.deepEqual(lines, [
      "initialize 00",
      "create 10",
      "vm_start 12",
      "configure 13",
      "create 20",
      "vm_start 22",
      "configure 20",
    ]);
    assert.ok(first.accepted && second.accepted);
  });

  it("and refused when on_vm_start says so", () => {
    const plugin = Vm.start(new Host(), guest("refuses_vm_start")).configure();
    assert.equal(plugin.accepted, false);
    assert.throws(() => plugin.request({}), /refused this plugin's configuration/);
  });

  it("with malloc as its allocator when it has two, as in Envoy", () => {
    const host = new Host();
    const stream = Vm.start(host, guest("has_two_allocators")).configure().request({});
    assert.equal(stream.outcome, "continue");
    assert.equal(host.vmFailures, 0);
  });
});
