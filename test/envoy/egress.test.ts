// Tokens that leave: holdfast at the outbound listeners of a workload's own proxy.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { EnvoyExited, type EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, spiffeIds } from "../../envoy/setup/materials.ts";
import { allowed, bearer, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { type Headers, exchange } from "./support/exchange.ts";
import { discovered, typedExtensionConfig } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { directed, leaving, nodeMetadata } from "./support/outbound.ts";
import { type PlaintextRequest, getPlaintext, getPlaintextHttp2 } from "./support/plaintext.ts";
import { publishResource } from "./support/publish-resource.ts";
import { testedEnvoys } from "./support/versions.ts";
import { makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const token = await world.issuer.sign(webClaims());
const forBilling = await world.issuer.sign(webClaims({ aud: [audience, "billing"] }));
const thiefsToken = await world.issuer.sign(webClaims({ sub: spiffeIds.thief }));

const egress = {
  hosts: ["orders.example.org", "*.partner.example", "stock.example:8443"],
  audiences: { billing: ["billing.example"] },
};

const outbound = leaving({ issuer: world.issuer, egress });
const listeners = [
  directed("OUTBOUND", "outbound", outbound),
  directed("INBOUND", "inbound", outbound),
  directed("UNSPECIFIED", "undirected", outbound),
];

for (const version of testedEnvoys()) {
  describe(`tokens that leave, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let watchedFile: string;

    before(async () => {
      watchedFile = join(await makeRunFolder(teardown), "filter.json");
      await admit("orders.example.org");
      const updated = directed("OUTBOUND", "updated", discovered(watchedFile));
      const all = [...listeners, updated];
      envoy = await startLaboratory(version, { listeners: all, nodeMetadata }, teardown);
    });
    after(() => teardown.run());

    const admit = (host: string) =>
      publishResource(
        watchedFile,
        typedExtensionConfig,
        leaving({ issuer: world.issuer, egress: { hosts: [host] } }),
      );

    function send(name: string, headers: Headers, request: Partial<PlaintextRequest> = {}) {
      const ask = (all: Headers) => getPlaintext(envoy.port(name), { ...request, headers: all });
      return exchange(envoy, ask, headers);
    }

    const leave = async (host: string, compact = token, name = "outbound") =>
      (await send(name, bearer(compact), { host })).decision;

    for (const host of [
      "orders.example.org",
      "ORDERS.example.org",
      "orders.example.org.",
      "orders.example.org:8080",
      "eu.partner.example",
      "a.b.partner.example:443",
      "stock.example:8443",
    ]) {
      it(`a token leaves for ${host}`, async () => {
        assert.deepEqual(await leave(host), allowed);
      });
    }

    for (const host of [
      "evil.example",
      "partner.example",
      "evilpartner.example",
      "partner.example.evil.example",
      "orders.example.org.evil.example",
      "stock.example",
      "stock.example:443",
      "127.0.0.1",
      "billing.example",
    ]) {
      it(`a token does not leave for ${host}`, async () => {
        assert.deepEqual(await leave(host), denied(403, "egress_host_not_admitted"));
      });
    }

    it("a token leaves for the hosts of an audience that it names", async () => {
      assert.deepEqual(await leave("billing.example", forBilling), allowed);
      assert.deepEqual(await leave("evil.example", forBilling), denied(403, "egress_host_not_admitted"));
    });

    it("headers that name another host change nothing", async () => {
      for (const name of ["x-forwarded-host", "forwarded", "x-envoy-original-host", "x-host"]) {
        const spoof = [name, name === "forwarded" ? "host=orders.example.org" : "orders.example.org"];
        const { decision } = await send("outbound", [...bearer(token), ...spoof], { host: "evil.example" });
        assert.deepEqual(decision, denied(403, "egress_host_not_admitted"), name);
      }
    });

    it("the host that is judged is the one that the upstream is asked for", async () => {
      const to = (host: string, path: string) => send("outbound", bearer(token), { host, path });
      const named = await to("evil.example", "http://orders.example.org/orders/1");
      assert.deepEqual(named.decision, allowed);
      assert.deepEqual(named.received("host"), ["orders.example.org"]);
      const other = await to("orders.example.org", "http://evil.example/orders/1");
      assert.deepEqual(other.decision, denied(403, "egress_host_not_admitted"));
    });

    it("over HTTP/2, too, where host is not what :authority is", async () => {
      for (const [authority, host, decision] of [
        ["orders.example.org", "evil.example", allowed],
        ["evil.example", "orders.example.org", denied(403, "egress_host_not_admitted")],
      ] as const) {
        const ask = (headers: Headers) =>
          getPlaintextHttp2(envoy.port("outbound"), {
            ":authority": authority,
            host,
            ...Object.fromEntries(pairsOf(headers)),
          });
        const exchanged = await exchange(envoy, ask, bearer(token));
        assert.deepEqual(exchanged.decision, decision);
        if (decision === allowed) assert.deepEqual(exchanged.received("host"), [authority]);
      }
    });

    it("a request for two hosts at once is for none", async () => {
      for (const [host, other] of [
        ["orders.example.org", "evil.example"],
        ["evil.example", "orders.example.org"],
      ] as const) {
        const { decision } = await send("outbound", [...bearer(token), "host", other], { host });
        assert.deepEqual(decision, denied(400, "authority_ambiguous"));
      }
    });

    it("another workload's token does not leave", async () => {
      assert.deepEqual(await leave("orders.example.org", thiefsToken), denied(401, "spiffe_mismatch"));
    });

    for (const name of ["inbound", "undirected"]) {
      it(`who comes by a listener that is ${name} is not the local workload`, async () => {
        const decision = await leave("orders.example.org", token, name);
        assert.deepEqual(decision, denied(403, "listener_not_outbound"));
      });
    }

    it("hosts change with the policy, while Envoy runs", async () => {
      assert.deepEqual(await leave("orders.example.org", token, "updated"), allowed);
      await admit("billing.example");
      const isAdmitted = async () => (await leave("billing.example", token, "updated")).status === 200;
      await eventually("the new host is admitted", isAdmitted);
      const former = await leave("orders.example.org", token, "updated");
      assert.deepEqual(former, denied(403, "egress_host_not_admitted"));
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });

  describe(`a policy for tokens that leave, Envoy ${version}`, () => {
    const teardown = new Teardown();
    after(() => teardown.run());

    for (const [what, metadata] of [
      ["knows nothing of itself", {}],
      ["knows no service account", { NAMESPACE: "shop" }],
      ["has a service account that is no segment", { NAMESPACE: "shop", SERVICE_ACCOUNT: "web/x" }],
    ] as const) {
      it(`keeps an Envoy that ${what} from starting`, async () => {
        const options = { listeners: [directed("OUTBOUND", "outbound", outbound)], nodeMetadata: metadata };
        await assert.rejects(startLaboratory(version, options, teardown), (failure) => {
          assert.ok(failure instanceof EnvoyExited);
          assert.match(failure.log, /refused at "\/presenter\/from".*NAMESPACE/);
          return true;
        });
      });
    }

    // Istio's gateways and waypoints: others than their own workload come through their outbound listeners.
    for (const nodeId of [
      "router~10.0.0.1~gateway.edge~edge.svc",
      "waypoint~10.0.0.2~waypoint.shop~shop.svc",
    ]) {
      it(`keeps an Envoy that is ${nodeId.split("~")[0] ?? ""} from starting`, async () => {
        const options = { listeners: [directed("OUTBOUND", "outbound", outbound)], nodeMetadata, nodeId };
        await assert.rejects(startLaboratory(version, options, teardown), (failure) => {
          assert.ok(failure instanceof EnvoyExited);
          assert.match(failure.log, /refused at "\/presenter\/from".*beside one workload/);
          return true;
        });
      });
    }
  });
}

function pairsOf(headers: Headers): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) pairs.push([headers[at] ?? "", headers[at + 1] ?? ""]);
  return pairs;
}
