import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hasGrown } from "../../envoy/attempts/read-evidence.ts";
import { delay, hang, hold, send, sendBody } from "./support/answers.ts";
import { get, getTogether } from "./support/client.ts";
import { allowed, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { fetchers, firstFetchesDone, keySet, startKeyLaboratory } from "./support/key-laboratory.ts";
import { requestsWait } from "./support/requests-wait.ts";
import { mainTestedEnvoy, testedEnvoys } from "./support/versions.ts";
import { makeWorld, webClaims } from "./support/world.ts";

/** The filter lets a request wait for 5 s at most; the rest is for a machine that has much else to do. */
const patienceMs = 15_000;

const world = await makeWorld();
const token = await world.issuer.sign(webClaims());
const keys = send(keySet(world.issuer));

describe("fetched keys at start", { concurrency: 4 }, () => {
  for (const version of testedEnvoys()) {
    it(`decides requests that came before the keys did, once these are there, Envoy ${version}`, async (test) => {
      const held = hold(keys);
      const { envoy, present } = await startKeyLaboratory(test, version, world, { answer: held.answer });
      const decisions = [world.web, world.web, world.thief].map((credential) => present(credential, token));
      await requestsWait(envoy, 3);
      held.release();
      assert.deepEqual(await Promise.all(decisions), [allowed, allowed, denied(401, "spiffe_mismatch")]);
      assert.deepEqual(await present(world.web, token), allowed);
    });

    it(`goes on waiting when the first answer is of no use, and takes the next one, Envoy ${version}`, async (test) => {
      const { server, present } = await startKeyLaboratory(test, version, world, { answer: sendBody("[") });
      const decision = present(world.web, token);
      await eventually("the keys are asked for", () => server.seen.length > 0);
      server.answerWith(keys);
      assert.deepEqual(await decision, allowed);
    });

    it(`denies after a few seconds when the key server is down, and recovers by itself, Envoy ${version}`, async (test) => {
      const started = Date.now();
      const options = { answer: keys, isUp: false };
      const { server, present } = await startKeyLaboratory(test, version, world, options);
      assert.deepEqual(await present(world.web, token), denied(503, "keys_absent"));
      assert.ok(Date.now() - started < patienceMs);
      await server.comeUp();
      await eventually("the keys are there", async () => (await present(world.web, token)).status === 200);
      assert.deepEqual(await present(world.thief, token), denied(401, "spiffe_mismatch"));
    });

    it(`keeps nobody waiting where it only observes, Envoy ${version}`, async (test) => {
      const held = hold(keys);
      const rules = [
        { name: "trial", when: { pathPrefix: "/trial" }, mode: "observe" },
        { name: "orders", when: { pathPrefix: "/orders" } },
      ];
      const options = { answer: held.answer, policy: { rules } };
      const { present, envoy } = await startKeyLaboratory(test, version, world, options);
      const enforced = present(world.web, token, "/orders/1");
      await requestsWait(envoy, 1);
      const observed = await present(world.web, token, "/trial/1");
      assert.deepEqual(observed, { status: 200, verdict: "would-deny", reason: "answer_pending" });
      await requestsWait(envoy, 1);
      held.release();
      assert.deepEqual(await enforced, allowed);
      assert.deepEqual(await present(world.web, token, "/trial/1"), allowed);
    });
  }

  it("serves the first request when the key server takes 300 ms", async (test) => {
    const answer = delay(300, keys);
    const { present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, { answer });
    assert.deepEqual(await present(world.web, token), allowed);
  });

  it("asks for the keys in a way that any server understands", async (test) => {
    const source = { authority: "idp.example.org" };
    const { server, present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: keys,
      source,
    });
    assert.deepEqual(await present(world.web, token), allowed);
    for (const { method, path, headers, body } of server.seen) {
      assert.deepEqual([method, path, body], ["GET", "/jwks", ""]);
      assert.equal(headers.host, "idp.example.org");
      assert.match(headers.accept ?? "", /json/);
      // A compressed answer could not be read.
      assert.equal(headers["accept-encoding"] ?? "identity", "identity");
      assert.equal(headers["if-none-match"], undefined);
    }
  });

  // Servers say these without a thought for who asks often.
  for (const directive of ["no-store", "no-cache", "max-age=0"]) {
    it(`does not ask again at once when the server says cache-control: ${directive}`, async (test) => {
      const { server } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
        answer: send(keySet(world.issuer), { "cache-control": directive }),
      });
      await firstFetchesDone(server);
      await sleep(2_500);
      assert.equal(server.seen.length, fetchers);
    });
  }

  it("denies all after a few seconds when the key server never answers", async (test) => {
    const started = Date.now();
    const { envoy, client } = await startKeyLaboratory(test, mainTestedEnvoy(), world, { answer: hang });
    // More than Envoy can answer in one callback of the filter.
    const statuses = getTogether(client(world.web), Array<string>(500).fill(token));
    await requestsWait(envoy, 500);
    assert.deepEqual(new Set(await statuses), new Set([503]));
    assert.ok(Date.now() - started < patienceMs);
    assert.ok(await hasGrown(envoy, "wasmcustom.holdfast.deny.keys_absent", 499));
  });

  it("denies when the policy names a cluster that Envoy does not have", async (test) => {
    const options = { answer: keys, source: { cluster: "nobody" } };
    const { present, server } = await startKeyLaboratory(test, mainTestedEnvoy(), world, options);
    assert.deepEqual(await present(world.web, token), denied(503, "keys_absent"));
    assert.equal(server.seen.length, 0);
  });

  it("keeps nobody waiting who needs no keys", async (test) => {
    const rules = [
      { name: "health", when: { path: "/healthz" }, token: "none" },
      { name: "orders", when: { pathPrefix: "/orders" } },
    ];
    const { client } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: hang,
      policy: { rules },
    });
    // Had they waited, it would have been in vain, and the status 503.
    assert.equal((await get(client(world.web), "/healthz", [])).status, 200);
    assert.equal((await get(client(world.web), "/orders/1", [])).status, 401);
    assert.equal((await get(client(world.web), "/elsewhere", [])).status, 403);
  });
});
