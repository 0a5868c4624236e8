// What Envoy makes of data that VMs share. docs/host.md rests on this.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { assembleGuest } from "./guests/assemble-guest.ts";
import { linesOf, messagesOf, probe } from "./guests/probe.ts";
import { offersValue, sharesValue } from "./guests/scripts.ts";
import { eventually } from "./support/eventually.ts";
import { wasm } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener } from "./support/listener.ts";
import { testedEnvoys } from "./support/versions.ts";

const hex = (text: string): string => Buffer.from(text).toString("hex");

/** A guest in a VM whose `vm_id` others may have as well. */
function sharing(name: string, vmId: string, value: string) {
  const code = { inline_bytes: Buffer.from(assembleGuest(offersValue(value))).toString("base64") };
  return listener({ name, filters: [wasm({ name, vmId, code, failurePolicy: "FAIL_RELOAD" })] });
}

const listeners = [
  probe("steps", sharesValue),
  sharing("one", "together", "of one"),
  sharing("other", "together", "of other"),
  sharing("apart", "apart", "of apart"),
];

for (const version of testedEnvoys()) {
  describe(`shared data, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners, workers: 2 }, teardown);
    });
    after(() => teardown.run());

    async function ask(name: string): Promise<void> {
      const response = await fetch(`http://127.0.0.1:${envoy.port(name)}/`, {
        headers: { connection: "close" },
      });
      assert.equal(response.status, 200);
      await response.arrayBuffer();
    }

    it("is absent with status 1, is put once with version 0xFFFFFFFF, and replaced only by its version or by 0", async () => {
      await ask("steps");
      let messages: string[] = [];
      await eventually("all of it is logged", async () => {
        messages = await messagesOf(envoy, "steps");
        return messages.length === 13;
      });
      assert.deepEqual(messages, [
        ...["read 1 ", "version 0"],
        ...["write 0", "write 8", `read 0 ${hex("first")}`, "version 1"],
        ...["write 0", "write 8", `read 0 ${hex("second")}`],
        ...["write 0", `read 0 ${hex("third")}`],
        ...["write 0", "read 0 "],
      ]);
    });

    it("is one for both workers, and for every plugin with the same vm_id; for no other", async () => {
      await ask("one");
      await ask("other");
      await ask("apart");
      assert.deepEqual((await messagesOf(envoy, "one")).slice(0, 2), ["write 0", `read 0 ${hex("of one")}`]);
      assert.deepEqual((await messagesOf(envoy, "other")).slice(0, 2), [
        "write 8",
        `read 0 ${hex("of one")}`,
      ]);
      assert.deepEqual((await messagesOf(envoy, "apart")).slice(0, 2), [
        "write 0",
        `read 0 ${hex("of apart")}`,
      ]);
      for (let i = 0; i < 24; i++) await ask("one");
      const later = (await linesOf(envoy, "one")).slice(2);
      assert.deepEqual(
        new Set(later.map(({ message }) => message)),
        new Set(["write 8", `read 0 ${hex("of one")}`]),
      );
      assert.equal(new Set(later.map(({ thread }) => thread)).size, 2, "both workers were asked");
    });
  });
}
