import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hasGrown } from "../../envoy/attempts/read-evidence.ts";
import { TokenIssuer } from "../../envoy/identity/token-issuer.ts";
import { hang, send, sendStatus, sendTagged } from "./support/answers.ts";
import { allowed, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { keySet, startKeyLaboratory } from "./support/key-laboratory.ts";
import { mainTestedEnvoy, testedEnvoys } from "./support/versions.ts";
import { makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web } = world;
const fresh = await TokenIssuer.create("idp-2");
const oldToken = await world.issuer.sign(webClaims());
const freshToken = await fresh.sign(webClaims());
const stale = denied(503, "keys_stale");

describe("an outage of the key server", { concurrency: 4 }, () => {
  for (const version of testedEnvoys()) {
    it(`is not felt until the keys are stale, denies then, and ends by itself, Envoy ${version}`, async (test) => {
      const { server, present, envoy } = await startKeyLaboratory(test, version, world, {
        answer: send(keySet(world.issuer)),
        source: { refresh: "1s", staleFor: "4s" },
      });
      assert.deepEqual(await present(web, oldToken), allowed);
      await server.goDown();
      const lastAnswer = server.seen.at(-1)?.at ?? 0;
      assert.deepEqual(await present(web, oldToken), allowed);
      let lastServed = Date.now();
      await eventually("the keys are stale", async () => {
        const decision = await present(web, oldToken);
        if (decision.status === 200) lastServed = Date.now();
        else assert.deepEqual(decision, stale);
        return decision.status !== 200;
      });
      const servedFor = lastServed - lastAnswer;
      assert.ok(servedFor > 2_000, `served for ${servedFor} ms only`);
      assert.ok(await hasGrown(envoy, "wasmcustom.holdfast.keys.failed", 1));
      assert.deepEqual(await present(web, await world.issuer.sign(webClaims())), stale, "a token never seen");

      await server.comeUp();
      await eventually("the keys are fresh", async () => (await present(web, oldToken)).status === 200);
    });
  }

  it("is none while the server says that nothing has changed", async (test) => {
    const tag = '"v1"';
    const { server, present, envoy } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: sendTagged(keySet(world.issuer), tag),
      source: { refresh: "1s", staleFor: "3s" },
    });
    assert.deepEqual(await present(web, oldToken), allowed);
    // Longer than the keys would last without being confirmed.
    await sleep(4_500);
    assert.deepEqual(await present(web, oldToken), allowed);
    assert.ok(await hasGrown(envoy, "wasmcustom.holdfast.keys.confirmed", 2));
    const tags = server.seen.map(({ headers }) => headers["if-none-match"]);
    const untagged = tags.filter((sent) => sent === undefined).length;
    assert.ok(untagged <= 3, `each VM has its own keys, and asks once without a tag, but ${untagged} did`);
    assert.ok(tags.every((sent) => sent === undefined || sent === tag));

    server.answerWith(sendTagged(keySet(fresh), '"v2"'));
    await eventually("the new keys are there", async () => (await present(web, freshToken)).status === 200);
    assert.deepEqual(await present(web, oldToken), denied(401, "key_unknown"));
    const asksWithNewTag = () => server.seen.at(-1)?.headers["if-none-match"] === '"v2"';
    await eventually("the new tag is sent", asksWithNewTag);
  });

  it("denies nothing that can be decided without keys", async (test) => {
    const { server, present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: send(keySet(world.issuer)),
      source: { refresh: "1s", staleFor: "2s" },
      policy: { rules: [{ name: "health", when: { path: "/healthz" }, token: "none" }, { name: "rest" }] },
    });
    await server.goDown();
    await eventually("the keys are stale", async () => (await present(web, oldToken)).status === 503);
    assert.equal((await present(web, oldToken, "/healthz")).status, 200);
    assert.deepEqual(await present(web, "no.token"), denied(401, "token_malformed"));
  });

  it("is one when 304 answers a question that was not asked", async (test) => {
    const answer = sendStatus(304);
    const { server, present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, { answer });
    const decision = present(web, oldToken);
    await eventually("the keys are asked for", () => server.seen.length > 0);
    assert.deepEqual(await decision, denied(503, "keys_absent"));
    server.answerWith(send(keySet(world.issuer)));
    await eventually("the keys are there", async () => (await present(web, oldToken)).status === 200);
  });

  it("is one when the server answers no more", async (test) => {
    const { server, present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: send(keySet(world.issuer)),
      source: { refresh: "1s", staleFor: "3s" },
    });
    assert.deepEqual(await present(web, oldToken), allowed);
    server.answerWith(hang);
    await eventually("the keys are stale", async () => (await present(web, oldToken)).status === 503);
    assert.deepEqual(await present(web, oldToken), stale);
    server.answerWith(send(keySet(world.issuer)));
    await eventually("the keys are fresh", async () => (await present(web, oldToken)).status === 200);
  });
});
