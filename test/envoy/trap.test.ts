import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import binaryen from "assemblyscript/binaryen";
import type { Decision } from "../../envoy/attempts/list-attempts.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import type { Config } from "./support/config.ts";
import { allowed, decide } from "./support/decide.ts";
import { type WasmOptions, wasm } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { shippedBackstop } from "./support/shipped.ts";
import { testedEnvoys } from "./support/versions.ts";
import { makeWorld } from "./support/world.ts";

const world = await makeWorld();
const transport = mtls({ server: world.server, bundle: world.authority.bundle });

/** Leaves the verdict `allow`, which the backstop lets pass, and then does `last`: only a trap can deny after that. */
function assembleFilter(last: "nop" | "unreachable"): Config {
  const module = binaryen.parseText(`(module
    (import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "holdfast.verdict")
    (data (i32.const 32) "allow")
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "malloc") (param i32) (result i32) (i32.const 1024))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (drop (call $set_property (i32.const 16) (i32.const 16) (i32.const 32) (i32.const 5)))
      (${last})
      (i32.const 0)))`);
  try {
    return { inline_bytes: Buffer.from(module.emitBinary()).toString("base64") };
  } finally {
    module.dispose();
  }
}

const trapping = assembleFilter("unreachable");
const filters: readonly WasmOptions[] = [
  { name: "harmless", code: assembleFilter("nop"), failurePolicy: "FAIL_CLOSED" },
  { name: "reloaded", code: trapping, failurePolicy: "FAIL_RELOAD" },
  { name: "closed", code: trapping, failurePolicy: "FAIL_CLOSED" },
];
const listeners = filters.map((filter) =>
  listener({ name: filter.name, filters: [wasm(filter), shippedBackstop("enforce")], transport }),
);

/** The filter ran, trapped, and its verdict opened nothing. */
const trapped: Decision = { status: 503, verdict: "allow" };
/** No filter ran at all. */
const closed: Decision = { status: 503 };

for (const version of testedEnvoys()) {
  describe(`a filter that traps, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    const ask = (name: string) =>
      decide(envoy, { port: envoy.port(name), credential: world.web, bundle: world.authority.bundle }, []);
    const reached = () => envoy.stat("cluster.upstream.upstream_rq_total");

    it("would have let the request pass", async () => {
      const before = await reached();
      assert.deepEqual(await ask("harmless"), allowed);
      assert.equal(await reached(), before + 1);
    });

    it("denies under FAIL_RELOAD, in the VM that is made next, too", async () => {
      const before = await reached();
      assert.deepEqual(await ask("reloaded"), trapped);
      // Envoy makes a new VM once the one before it is about a second old; until then it stays closed.
      let next = await ask("reloaded");
      for (const deadline = Date.now() + 10_000; next.verdict === undefined; next = await ask("reloaded")) {
        assert.deepEqual(next, closed);
        assert.ok(Date.now() < deadline, "no new VM within 10 s");
        await sleep(100);
      }
      assert.deepEqual(next, trapped);
      assert.equal(await envoy.stat("wasm.reloaded.vm_reload_success"), 1);
      assert.equal(await reached(), before);
    });

    it("denies under FAIL_CLOSED, and every request after it", async () => {
      const before = await reached();
      assert.deepEqual(await ask("closed"), trapped);
      assert.deepEqual(await ask("closed"), closed);
      assert.equal(await reached(), before);
    });
  });
}
