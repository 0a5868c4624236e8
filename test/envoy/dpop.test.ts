// Proofs of possession at real workers, which share what was spent.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, issuer } from "../../envoy/setup/materials.ts";
import { type Client, callGrpc, get } from "./support/client.ts";
import { allowed, decide, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { discovered, holdfast, typedExtensionConfig } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import {
  Connections,
  assertAllWorked,
  makeKeyHolder,
  obtainNonce,
  origin,
  prepare,
  shown,
} from "./support/proofs.ts";
import { publishResource } from "./support/publish-resource.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld } from "./support/world.ts";

const WORKERS = 4;
/** The kernel spreads them over the workers: with so many, none is left out. */
const CONNECTIONS = 64;
/** Proofs, and how often each is sent at once. */
const PROOFS = 3_000;
const TIMES = 4;

const world = await makeWorld();
const [holder, neighbour, flooder] = [
  await makeKeyHolder(world.issuer),
  await makeKeyHolder(world.issuer),
  await makeKeyHolder(world.issuer),
];
const transport = mtls({ server: world.server, bundle: world.authority.bundle });

function policyWith(dpop: object, clockSkew: string): object {
  const idp = { issuer, audiences: [audience], clockSkew, keys: inlineKeys(world.issuer) };
  return makePolicy({}, { dpop: { origins: [origin], ...dpop }, issuers: { idp } });
}

const usual = policyWith({}, "60s");

const clientOf = (envoy: EnvoyProcess, name: string): Client => ({
  port: envoy.port(name),
  credential: world.web,
  bundle: world.authority.bundle,
});

for (const version of testedEnvoys()) {
  describe(`proofs at ${WORKERS} workers, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let client: Client;
    let connections: Connections;

    before(async () => {
      const listeners = [
        listener({ name: "orders", filters: [holdfast(usual)], transport }),
        listener({ name: "twice", filters: [holdfast(usual), holdfast(usual)], transport }),
      ];
      envoy = await startLaboratory(version, { listeners, workers: WORKERS }, teardown);
      client = clientOf(envoy, "orders");
      connections = await Connections.open(client, CONNECTIONS);
      teardown.defer(() => {
        connections.close();
      });
    });
    after(() => teardown.run());

    it("are asked for a nonce after a start, and pass with it", async () => {
      const refused = await get(client, "/orders/1", shown(prepare(holder)));
      assert.equal(refused.status, 401);
      assert.match(
        refused.headers["www-authenticate"] ?? "",
        /^DPoP realm="holdfast", error="use_dpop_nonce", algs=/,
      );
      assert.equal(refused.headers["cache-control"], "no-store");
      const nonce = refused.headers["dpop-nonce"];
      assert.deepEqual(await decide(envoy, client, shown(prepare(holder, { nonce }))), allowed);
      const stale = `${String(nonce).slice(0, -1)}${String(nonce).endsWith("A") ? "B" : "A"}`;
      const changed = shown(prepare(holder, { nonce: stale }));
      assert.deepEqual(await decide(envoy, client, changed), denied(401, "proof_nonce_absent"));
    });

    it("are asked for a nonce in gRPC, too", async () => {
      const { token, proof } = prepare(holder, { htm: "POST", htu: `${origin}/orders.Orders/Get` });
      const send = (dpop: string) => callGrpc(client, { authorization: `DPoP ${token}`, dpop });
      const refused = await send(proof);
      assert.deepEqual([refused[":status"], refused["grpc-status"]], [200, "16"]);
      assert.match(String(refused["www-authenticate"]), /use_dpop_nonce/);
      const nonce = refused["dpop-nonce"];
      const again = prepare(holder, { htm: "POST", htu: `${origin}/orders.Orders/Get`, nonce });
      assert.notEqual((await send(again.proof))["grpc-status"], "16");
      assert.equal((await send(again.proof))["grpc-status"], "16", "spent");
    });

    it(`are accepted exactly once: each of ${PROOFS}, sent ${TIMES} times at once`, async (test) => {
      const replayed = "wasmcustom.holdfast.deny.proof_replayed";
      const nonce = await obtainNonce(client, holder);
      const before = await envoy.stat(replayed);
      const requests = Array.from({ length: PROOFS }, (_, i) =>
        shown(prepare(i % 2 === 0 ? holder : neighbour, { nonce })),
      );
      const start = Date.now();
      const statuses = await connections.sendEach(requests, () => TIMES);
      test.diagnostic(`${PROOFS * TIMES} requests in ${Date.now() - start} ms`);
      const once = [200, ...Array.from({ length: TIMES - 1 }, () => 401)];
      // 503 is the upstream's, which may have no connection left for one that was let in.
      const letIn = (status: number) => (status === 503 ? 200 : status);
      for (const got of statuses) assert.deepEqual(got.map(letIn).sort(), once);
      for (const reason of ["replay_table_full", "replay_table_busy"])
        assert.equal(await envoy.stat(`wasmcustom.holdfast.deny.${reason}`), 0, reason);
      await eventually("each other one is counted as replayed", async () => {
        return (await envoy.stat(replayed)) - before === PROOFS * (TIMES - 1);
      });
      await assertAllWorked(envoy, WORKERS);
    });

    it("of one key that floods leave those of another alone", async () => {
      const nonce = await obtainNonce(client, flooder);
      const flood = Array.from({ length: PROOFS }, () => shown(prepare(flooder, { nonce })));
      const ordinary = Array.from({ length: 200 }, () => shown(prepare(neighbour, { nonce })));
      const judged = async () => ({
        allowed: await envoy.stat("wasmcustom.holdfast.allow.ok"),
        full: await envoy.stat("wasmcustom.holdfast.deny.replay_table_full"),
        busy: await envoy.stat("wasmcustom.holdfast.deny.replay_table_busy"),
      });
      const before = await judged();
      const [, statuses] = await Promise.all([
        connections.sendEach(flood, () => 2),
        connections.sendEach(ordinary, () => 1),
      ]);
      // By the filter's own account: with so many at once the upstream, too, may have no connection left for one.
      const { allowed, full, busy } = await judged();
      assert.deepEqual(
        { allowed: allowed - before.allowed, full, busy },
        { allowed: PROOFS + ordinary.length, full: 0, busy: 0 },
      );
      assert.ok(
        statuses.flat().every((status) => status === 200 || status === 503),
        String(statuses.flat()),
      );
    });

    it("are judged once where two filters of one proxy judge a request", async () => {
      const twice = clientOf(envoy, "twice");
      const nonce = await obtainNonce(twice, holder);
      const request = shown(prepare(holder, { nonce }));
      assert.deepEqual(await decide(envoy, twice, request), allowed);
      assert.deepEqual(await decide(envoy, twice, request), denied(401, "proof_replayed"));
      assert.deepEqual(await decide(envoy, client, request), denied(401, "proof_replayed"), "nor elsewhere");
    });

    it("of another key, for another token and of a bearer are refused", async () => {
      const nonce = await obtainNonce(client, holder);
      const of = (token: string, by: typeof holder) => shown({ token, proof: prepare(by, { nonce }).proof });
      assert.deepEqual(
        await decide(envoy, client, of(neighbour.token, holder)),
        denied(401, "proof_token_mismatch"),
      );
      const stolen = prepare({ key: neighbour.key, token: holder.token }, { nonce });
      assert.deepEqual(await decide(envoy, client, shown(stolen)), denied(401, "proof_key_mismatch"));
      const asBearer = ["authorization", `Bearer ${holder.token}`];
      assert.deepEqual(await decide(envoy, client, asBearer), denied(401, "dpop_scheme_required"));
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });

  describe(`proofs and a new policy, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let client: Client;
    let watchedFile: string;

    const publish = (policy: object) => publishResource(watchedFile, typedExtensionConfig, holdfast(policy));

    /** Puts a policy in force at every worker. */
    async function update(policy: object): Promise<void> {
      const updates = "extension_config_discovery.http_filter.holdfast.config_reload";
      const before = await envoy.stat(updates);
      await publish(policy);
      await eventually("the policy is taken", async () => (await envoy.stat(updates)) > before);
    }

    before(async () => {
      watchedFile = join(await makeRunFolder(teardown), "policy.json");
      await publish(policyWith({ maxAge: "1s" }, "1s"));
      const listeners = [listener({ name: "orders", filters: [discovered(watchedFile)], transport })];
      envoy = await startLaboratory(version, { listeners, workers: WORKERS }, teardown);
      client = clientOf(envoy, "orders");
    });
    after(() => teardown.run());

    it("spent under one policy are spent under the next, also when it takes older ones", async () => {
      const nonce = await obtainNonce(client, holder);
      const spent = prepare(holder, { nonce });
      assert.deepEqual(await decide(envoy, client, shown(spent)), allowed);
      const expired = denied(401, "proof_expired");
      await eventually("the proof is over, and forgotten", async () => {
        return (await decide(envoy, client, shown(spent))).reason === expired.reason;
      });
      await update(usual);
      for (let i = 0; i < 2 * WORKERS; i++)
        assert.deepEqual(await decide(envoy, client, shown(spent)), denied(401, "proof_nonce_absent"));
      const fresh = prepare(holder, { nonce: await obtainNonce(client, holder) });
      assert.deepEqual(await decide(envoy, client, shown(fresh)), allowed);
      await update(policyWith({ maxAge: "30s" }, "10s"));
      for (let i = 0; i < 2 * WORKERS; i++)
        assert.deepEqual(await decide(envoy, client, shown(fresh)), denied(401, "proof_replayed"));
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
