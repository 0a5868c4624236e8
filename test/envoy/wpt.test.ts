// Workloads' proofs of possession at real workers, which share what was spent.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TokenIssuer } from "../../envoy/identity/token-issuer.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { trustDomain } from "../../envoy/setup/materials.ts";
import { ALGORITHMS, makeKey } from "../filter/support/keys.ts";
import { digest } from "../filter/support/proofs.ts";
import { type Client, callGrpc, get } from "./support/client.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { Connections, assertAllWorked, origin } from "./support/proofs.ts";
import { testedEnvoys } from "./support/versions.ts";
import { type Workload, makeWorkload, proofOf } from "./support/workload-proofs.ts";
import { inlineKeys, makePolicy, makeWorld } from "./support/world.ts";

const WORKERS = 2;
/** The kernel spreads them over the workers: with so many, none is left out. */
const CONNECTIONS = 32;
/** Proofs, and how often each is sent at once. */
const PROOFS = 200;
const TIMES = 4;
/** Seconds that proofs are good. With the clocks' difference, twice, it is how long none is taken after a start. */
const LIFETIME = 5;

const world = await makeWorld();
const witKey = await TokenIssuer.create("wit-svid-1", "ES256", "wit-svid");
const [workload, neighbour] = [await makeWorkload(witKey), await makeWorkload(witKey)];
const access = "2YotnFZFEjr1zCsicMWpAA";

const policy = makePolicy(undefined, {
  wpt: { origins: [origin], maxLifetime: `${LIFETIME}s` },
  issuers: { wits: { kind: "wit-svid", trustDomain, clockSkew: "1s", keys: inlineKeys(witKey) } },
});

const fresh = (of: Workload = workload, claims: object = {}) => proofOf(of, LIFETIME, claims);

for (const version of testedEnvoys()) {
  describe(`workloads' proofs at ${WORKERS} workers, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let client: Client;

    before(async () => {
      const transport = mtls({ server: world.server, bundle: world.authority.bundle });
      const listeners = [listener({ name: "orders", filters: [holdfast(policy)], transport })];
      envoy = await startLaboratory(version, { listeners, workers: WORKERS }, teardown);
      client = { port: envoy.port("orders"), credential: world.web, bundle: world.authority.bundle };
    });
    after(() => teardown.run());

    it("are not taken right after a start, and are as soon as none from before is good any more", async () => {
      const first = await decide(envoy, client, fresh());
      assert.deepEqual(first, denied(503, "replay_unknown"));
      await eventually("a proof is taken", async () => {
        const next = await decide(envoy, client, fresh());
        if (next.verdict === "deny") assert.deepEqual(next, first);
        return next.verdict === "allow";
      });
    });

    it("pass once, and their token again with another", async () => {
      const request = fresh();
      assert.deepEqual(await decide(envoy, client, request), allowed);
      for (let i = 0; i < 4 * WORKERS; i++)
        assert.deepEqual(await decide(envoy, client, request), denied(401, "proof_replayed"));
      const refused = await get(client, "/orders/1", request);
      assert.equal(refused.headers["www-authenticate"], 'Bearer realm="holdfast", error="invalid_token"');
      assert.equal(refused.body, "invalid_token");
      assert.deepEqual(await decide(envoy, client, fresh()), allowed);
    });

    it(`are accepted exactly once: each of ${PROOFS}, sent ${TIMES} times at once`, async (test) => {
      const connections = await Connections.open(client, CONNECTIONS);
      test.after(() => {
        connections.close();
      });
      const replayed = "wasmcustom.holdfast.deny.proof_replayed";
      const before = await envoy.stat(replayed);
      const requests = Array.from({ length: PROOFS }, (_, i) => fresh(i % 2 === 0 ? workload : neighbour));
      const statuses = await connections.sendEach(requests, () => TIMES);
      const once = [200, ...Array.from({ length: TIMES - 1 }, () => 401)];
      // 503 is the upstream's, which may have no connection left for one that was let in.
      const letIn = (status: number) => (status === 503 ? 200 : status);
      for (const got of statuses) assert.deepEqual(got.map(letIn).sort(), once);
      await eventually("each other one is counted as replayed", async () => {
        return (await envoy.stat(replayed)) - before === PROOFS * (TIMES - 1);
      });
      await assertAllWorked(envoy, WORKERS);
    });

    for (const algorithm of ALGORITHMS) {
      it(`of ${algorithm} are good by the key that the token names`, async () => {
        const holder = await makeWorkload(witKey, makeKey(algorithm));
        assert.deepEqual(await decide(envoy, client, fresh(holder)), allowed);
        const forged = fresh({ key: makeKey(algorithm), wit: holder.wit });
        assert.deepEqual(await decide(envoy, client, forged), denied(401, "proof_signature_invalid"));
      });
    }

    it("of another key, for another token, for another path, or of nobody are refused", async () => {
      const refusals = [
        [fresh({ key: neighbour.key, wit: workload.wit }), "proof_signature_invalid"],
        [fresh(workload, { wth: digest(neighbour.wit) }), "proof_token_mismatch"],
        [fresh(workload, { aud: `${origin}/orders/2` }), "proof_target_mismatch"],
        [proofOf(workload, LIFETIME + 30), "proof_lifetime_too_long"],
        [proofOf(workload, -2), "proof_expired"],
        [["workload-identity-token", workload.wit], "proof_absent"],
        [[...fresh(), "workload-proof-token", "x"], "proof_duplicate"],
      ] as const;
      for (const [request, reason] of refusals)
        assert.deepEqual(await decide(envoy, client, request), denied(401, reason));
    });

    it("hold for whoever has the key, whatever his certificate, and for no thief without it", async () => {
      const thief = { ...client, credential: world.thief };
      const own = await makeWorkload(witKey);
      assert.deepEqual(await decide(envoy, thief, fresh(own)), allowed);
      const stolen = fresh({ key: own.key, wit: workload.wit });
      assert.deepEqual(await decide(envoy, thief, stolen), denied(401, "proof_signature_invalid"));
    });

    it("speak of the access token that comes along", async () => {
      const mismatch = denied(401, "proof_other_token_mismatch");
      const said = { ath: digest(access) };
      assert.deepEqual(await decide(envoy, client, [...fresh(workload, said), ...bearer(access)]), allowed);
      assert.deepEqual(await decide(envoy, client, [...fresh(workload, said), ...bearer("other")]), mismatch);
      assert.deepEqual(await decide(envoy, client, [...fresh(), ...bearer(access)]), mismatch);
      assert.deepEqual(await decide(envoy, client, fresh(workload, said)), mismatch);
    });

    it("are good once in gRPC, too", async () => {
      const [name = "", wit = "", other = "", proof = ""] = fresh(workload, {
        aud: `${origin}/orders.Orders/Get`,
      });
      const headers = { [name]: wit, [other]: proof };
      assert.notEqual((await callGrpc(client, headers))["grpc-status"], "16");
      const refused = await callGrpc(client, headers);
      assert.deepEqual([refused[":status"], refused["grpc-status"]], [200, "16"]);
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
