// Which fields of a filter state object a filter can read: what Istio says of a waypoint's peer is such an object, under this name.
// docs/host.md rests on this.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, issuer, spiffeIds } from "../../envoy/setup/materials.ts";
import type { GuestScript } from "./guests/assemble-guest.ts";
import { messagesOf, probeFilter } from "./guests/probe.ts";
import { propertyValue } from "./guests/steps.ts";
import type { Config } from "./support/config.ts";
import { decidePlaintext } from "./support/decide-plaintext.ts";
import { allowed, denied } from "./support/decide.ts";
import { holdfast, setFilterState } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();

const peerKey = "downstream_peer";
/** An object with fields, though not with those of Istio's: a plain Envoy has no such objects. */
const withAddress = setFilterState(
  { [peerKey]: "192.0.2.7:80" },
  "envoy.network.transport_socket.original_dst_address",
);
const withText = setFilterState({ [peerKey]: "192.0.2.7" });
const principal = setFilterState({ "io.istio.peer_principal": spiffeIds.web });

const asked = ["ip", "port", "name", "namespace", "cluster"].map(
  (field) => `filter_state.${peerKey}.${field}`,
);
const asks: GuestScript = { onRequestHeaders: asked.map((path) => propertyValue(path)) };

const ofPod = await world.issuer.sign(
  webClaims({
    sub: "system:serviceaccount:shop:web",
    "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" }, pod: { name: "web-1" } },
  }),
);

/** @param members of the issuer */
function atWaypoint(members: object, binding: object): Config {
  return holdfast(
    makePolicy(undefined, {
      presenter: { from: "waypoint" },
      issuers: {
        idp: {
          kind: "kubernetes",
          issuer,
          audiences: [audience],
          keys: inlineKeys(world.issuer),
          ...members,
        },
      },
      rules: [{ name: "all", bind: [{ kubernetes: binding }] }],
    }),
  );
}

const bindsAccount = atWaypoint({}, {});
const bindsPod = atWaypoint({}, { pod: true });
const asksForCluster = atWaypoint({ borders: { cluster: {} } }, {});

/** What is known of the peer; the last may not be an object at all. */
const peers = { "an address": [withAddress], "a text": [withText], nothing: [] };

const listeners = Object.entries(peers).flatMap(([what, filters]) => [
  listener({ name: what, filters: [...filters, probeFilter(what.replace(" ", "-"), asks)] }),
  listener({ name: `${what}: account`, filters: [principal, ...filters, bindsAccount] }),
  listener({ name: `${what}: pod`, filters: [principal, ...filters, bindsPod] }),
  listener({ name: `${what}: cluster`, filters: [principal, ...filters, asksForCluster] }),
]);

for (const version of testedEnvoys()) {
  describe(`fields of filter state, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      const nodeMetadata = { CLUSTER_ID: "east" };
      envoy = await startLaboratory(version, { listeners, nodeMetadata }, teardown);
    });
    after(() => teardown.run());

    async function seen(what: string): Promise<string[]> {
      await fetch(`http://127.0.0.1:${envoy.port(what)}/`);
      return messagesOf(envoy, what.replace(" ", "-"));
    }

    it("can be read by name, where the object has them", async () => {
      assert.deepEqual(await seen("an address"), [
        `filter_state.downstream_peer.ip 0 ${hex("192.0.2.7")}`,
        "filter_state.downstream_peer.port 0 5000000000000000",
        "filter_state.downstream_peer.name 1 ",
        "filter_state.downstream_peer.namespace 1 ",
        "filter_state.downstream_peer.cluster 1 ",
      ]);
    });

    for (const what of ["a text", "nothing"]) {
      it(`are not there of ${what}`, async () => {
        assert.deepEqual(
          await seen(what),
          asked.map((path) => `${path} 1 `),
        );
      });
    }

    for (const what of Object.keys(peers)) {
      it(`${what}: a waypoint's peer is of no known pod and of no known cluster, and of its account all the same`, async () => {
        const present = (name: string) =>
          decidePlaintext(envoy, envoy.port(`${what}: ${name}`), { authorization: `Bearer ${ofPod}` });
        assert.deepEqual(await present("account"), allowed);
        assert.deepEqual(await present("pod"), denied(401, "pod_unknown"));
        assert.deepEqual(await present("cluster"), denied(403, "cluster_unknown"));
      });
    }

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}

function hex(text: string): string {
  return Buffer.from(text).toString("hex");
}
