// Requests that wait for keys, and are judged from an answer and not in their own callback: borders and services are the same for them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Authority, type Credential } from "../../envoy/identity/authority.ts";
import { audience, issuer, spiffeIds } from "../../envoy/setup/materials.ts";
import { hold, send } from "./support/answers.ts";
import { type Client, get } from "./support/client.ts";
import { allowed, bearer, denied } from "./support/decide.ts";
import { exchange } from "./support/exchange.ts";
import { holdfast } from "./support/filters.ts";
import { fetchedKeys, keySet, teardownOf } from "./support/key-laboratory.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { directed, leaving, nodeMetadata } from "./support/outbound.ts";
import { getPlaintext } from "./support/plaintext.ts";
import { requestsWait } from "./support/requests-wait.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { testedEnvoys } from "./support/versions.ts";
import { makePolicy, makeWorld, validity, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
const partnersId = spiffeIds.web.replace("example.org", "partner.example");
const partners = await Authority.create("partner.example", validity);
const partnersWeb = await partners.issue(partnersId);
const [outsider, neighbour] = [await world.authority.issue(), await world.authority.issue()];

const webToken = await world.issuer.sign(webClaims());
const partnersToken = await world.issuer.sign(webClaims({ sub: partnersId }));
const outsidersToken = await world.issuer.sign(
  webClaims({ sub: "alice", cnf: { "x5t#S256": outsider.thumbprint } }),
);

const policy = makePolicy(undefined, {
  federatedTrustDomains: ["partner.example"],
  issuers: {
    idp: {
      issuer,
      audiences: [audience],
      keys: fetchedKeys(),
      acceptedBy: [spiffeIds.orders],
      borders: { federated: { bind: [{ network: { sources: ["192.0.2.0/24"] } }] }, outside: {} },
    },
  },
});
const bundle = `${world.authority.bundle}\n${partners.bundle}`;
const orders = listener({
  name: "orders",
  filters: [holdfast(policy)],
  transport: mtls({ server: world.server, bundle }),
});

describe("requests that wait for keys", () => {
  for (const version of testedEnvoys()) {
    it(`are held to the borders that they cross, Envoy ${version}`, async (test) => {
      const teardown = teardownOf(test);
      const held = hold(send(keySet(world.issuer)));
      const clusters = { idp: (await ScriptedServer.start(held.answer, teardown)).port };
      const envoy = await startLaboratory(version, { listeners: [orders], clusters }, teardown);
      const present = async (credential: Credential, token: string) => {
        const client: Client = { port: envoy.port("orders"), credential, bundle };
        return (await exchange(envoy, (all) => get(client, "/orders/1", all), bearer(token))).decision;
      };
      const cases = [
        [web, webToken, allowed],
        [thief, webToken, denied(401, "spiffe_mismatch")],
        [outsider, outsidersToken, allowed],
        [neighbour, outsidersToken, denied(401, "certificate_mismatch")],
        [outsider, webToken, denied(401, "spiffe_id_absent")],
        [partnersWeb, partnersToken, denied(401, "source_not_admitted")],
        [partnersWeb, webToken, denied(401, "spiffe_mismatch")],
      ] as const;
      const decisions = cases.map(([credential, token]) => present(credential, token));
      await requestsWait(envoy, cases.length);
      held.release();
      assert.deepEqual(
        await Promise.all(decisions),
        cases.map(([, , decision]) => decision),
      );
      await assertNoVmFailed(envoy);
    });

    it(`leave for the hosts that they were sent to, Envoy ${version}`, async (test) => {
      const teardown = teardownOf(test);
      const held = hold(send(keySet(world.issuer)));
      const clusters = { idp: (await ScriptedServer.start(held.answer, teardown)).port };
      const rules = [{ name: "all", token: "optional", onDeny: "strip" }];
      const filter = leaving({ issuer: world.issuer, rules, keys: fetchedKeys() });
      const listeners = [directed("OUTBOUND", "orders", filter)];
      const envoy = await startLaboratory(version, { listeners, clusters, nodeMetadata }, teardown);
      const leave = (host: string) =>
        exchange(envoy, (headers) => getPlaintext(envoy.port("orders"), { host, headers }), bearer(webToken));
      const requests = [leave("orders.example.org"), leave("evil.example")] as const;
      await requestsWait(envoy, requests.length);
      held.release();
      const [admitted, stripped] = await Promise.all(requests);
      assert.deepEqual(admitted.decision, allowed);
      assert.equal(admitted.received("authorization").length, 1);
      const reason = "egress_host_not_admitted";
      assert.deepEqual(stripped.decision, { status: 200, verdict: "strip", reason });
      assert.deepEqual(stripped.received("authorization"), []);
      await assertNoVmFailed(envoy);
    });
  }
});
