// How Envoy writes the addresses of a connection: assembly/text/ip.ts rests on this.

import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import type { GuestScript } from "./guests/assemble-guest.ts";
import { messagesOf, probe } from "./guests/probe.ts";
import { propertyValue } from "./guests/steps.ts";
import type { Config } from "./support/config.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { testedEnvoys } from "./support/versions.ts";

const readsAddresses: GuestScript = {
  onRequestHeaders: [propertyValue("source.address"), propertyValue("destination.address")],
};

const addresses = Object.values(networkInterfaces()).flatMap((ofOne) => ofOne ?? []);
const hasIpv6 = addresses.some(({ address }) => address === "::1");

interface Case {
  readonly name: string;
  readonly bound: Config;
  /** The host to ask, as it stands in a URL; Envoy writes addresses in the same way. */
  readonly host: string;
}

const dualStack: Config = { address: "::", ipv4_compat: true };
const cases: readonly Case[] = [
  { name: "ipv4", bound: { address: "127.0.0.1" }, host: "127.0.0.1" },
  { name: "ipv6", bound: { address: "::1" }, host: "[::1]" },
  { name: "ipv4-on-dual-stack", bound: dualStack, host: "127.0.0.1" },
  { name: "ipv6-on-dual-stack", bound: dualStack, host: "[::1]" },
];

const possible = cases.filter(({ bound }) => hasIpv6 || bound["address"] === "127.0.0.1");

for (const version of testedEnvoys()) {
  describe(`addresses of a connection, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      const listeners = possible.map(({ name, bound }) => ({
        ...probe(name, readsAddresses),
        address: { socket_address: { ...bound, port_value: 0 } },
      }));
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    for (const one of cases) {
      const skip = possible.includes(one) ? false : "this machine has no IPv6 loopback address";
      it(one.name, { skip }, async () => {
        const { name, host } = one;
        const port = envoy.port(name);
        assert.equal((await fetch(`http://${host}:${port}/`)).status, 200);
        const [source = "", destination = ""] = await messagesOf(envoy, name);
        assert.match(textOf(source), /:\d+$/);
        assert.equal(textOf(source).replace(/:\d+$/, ""), host);
        assert.equal(textOf(destination), `${host}:${port}`);
      });
    }
  });
}

/** The text that a line of `propertyValue` shows. */
function textOf(line: string): string {
  const [, status, hex = ""] = line.split(" ");
  assert.equal(status, "0");
  return Buffer.from(hex, "hex").toString("latin1");
}
