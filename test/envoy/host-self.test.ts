// What a filter learns of the proxy that it runs in: docs/host.md rests on this.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import type { GuestScript } from "./guests/assemble-guest.ts";
import { messagesOf, probe } from "./guests/probe.ts";
import { propertyValue, say } from "./guests/steps.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { testedEnvoys } from "./support/versions.ts";

const asked = [
  "xds.node.metadata.NAMESPACE",
  "xds.node.metadata.SERVICE_ACCOUNT",
  "xds.node.metadata.NOT_THERE",
  "node.metadata.NAMESPACE",
  "xds.node.user_agent_build_version.version.minor_number",
  "xds.listener_direction",
].map((path) => propertyValue(path));

const asks: GuestScript = {
  onConfigure: [say("configured"), ...asked],
  onRequestHeaders: [say("requested"), ...asked],
};

/** Envoy's numbers for them. */
const directions = [
  ["UNSPECIFIED", 0],
  ["INBOUND", 1],
  ["OUTBOUND", 2],
] as const;

const metadata = { NAMESPACE: "shop", SERVICE_ACCOUNT: "web" };

for (const version of testedEnvoys()) {
  describe(`what a filter learns of its own proxy, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      const listeners = directions.map(([direction]) => ({
        ...probe(direction, asks),
        traffic_direction: direction,
      }));
      envoy = await startLaboratory(version, { listeners, nodeMetadata: metadata }, teardown);
    });
    after(() => teardown.run());

    /** Of a listener's guest: what it saw in this callback, by property. */
    async function seenIn(callback: string, listener: string): Promise<string[]> {
      await fetch(`http://127.0.0.1:${envoy.port(listener)}/`);
      const lines = await messagesOf(envoy, listener);
      const first = lines.findIndex((line) => line.startsWith(callback));
      return lines.slice(first + 1, first + 1 + asked.length);
    }

    it("shows the node's metadata, also while it is configured", async () => {
      for (const callback of ["configured", "requested"]) {
        assert.deepEqual((await seenIn(callback, "INBOUND")).slice(0, 4), [
          `xds.node.metadata.NAMESPACE 0 ${hex("shop")}`,
          `xds.node.metadata.SERVICE_ACCOUNT 0 ${hex("web")}`,
          "xds.node.metadata.NOT_THERE 1 ",
          "node.metadata.NAMESPACE 1 ",
        ]);
      }
    });

    it("shows Envoy's version, also while it is configured", async () => {
      const minor = Number(version.split(".")[1]).toString(16);
      for (const callback of ["configured", "requested"])
        assert.equal(
          (await seenIn(callback, "INBOUND"))[4],
          `xds.node.user_agent_build_version.version.minor_number 0 ${minor}00000000000000`,
        );
    });

    for (const [listener, number] of directions) {
      it(`says of each request that its listener is ${listener}, and says nothing while it is configured`, async () => {
        const path = "xds.listener_direction";
        assert.equal((await seenIn("requested", listener)).at(-1), `${path} 0 0${number}00000000000000`);
        assert.equal((await seenIn("configured", listener)).at(-1), `${path} 1 `);
      });
    }
  });
}

function hex(text: string): string {
  return Buffer.from(text).toString("hex");
}
