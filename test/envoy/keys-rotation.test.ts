import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasGrown } from "../../envoy/attempts/read-evidence.ts";
import { TokenIssuer } from "../../envoy/identity/token-issuer.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { hang, send } from "./support/answers.ts";
import { getTogether } from "./support/client.ts";
import { allowed, bearer, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import {
  everybodyFetched,
  fetchers,
  firstFetchesDone,
  keySet,
  startKeyLaboratory,
} from "./support/key-laboratory.ts";
import { Load } from "./support/load.ts";
import { requestsWait } from "./support/requests-wait.ts";
import { mainTestedEnvoy, testedEnvoys } from "./support/versions.ts";
import { makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web } = world;
const old = world.issuer;
const fresh = await TokenIssuer.create("idp-2");
const unpublished = await TokenIssuer.create("idp-3");

/** Different tokens of one issuer, over and over: more than one, so that not all is answered from a cache. */
async function tokensOf(issuer: TokenIssuer, count = 40): Promise<() => string> {
  const tokens = await Promise.all(
    Array.from({ length: count }, (_, i) => issuer.sign(webClaims({ jti: String(i) }))),
  );
  let next = 0;
  return () => tokens[next++ % tokens.length] ?? "";
}

const oldTokens = await tokensOf(old);
const freshTokens = await tokensOf(fresh);

/** 200 tokens, each of a key of its own that nobody published. */
const strangersTokens = await Promise.all(
  Array.from({ length: 200 }, async (_, i) => {
    const stranger = await TokenIssuer.create(`stranger-${i}`);
    return stranger.sign(webClaims());
  }),
);

describe("key rotation", { concurrency: 4 }, () => {
  for (const version of testedEnvoys()) {
    it(`loses no request when a key is published, then used, and then the old one withdrawn, Envoy ${version}`, async (test) => {
      const started = Date.now();
      const { envoy, server, client, present } = await startKeyLaboratory(test, version, world, {
        answer: send(keySet(old)),
        source: { refresh: "1s" },
      });
      let nextToken = oldTokens;
      const load = Load.start(test, client(web), () => bearer(nextToken()));
      server.answerWith(send(keySet(old, fresh)));
      await everybodyFetched(server);
      nextToken = freshTokens;
      await answersGiven(load, 300);
      server.answerWith(send(keySet(fresh)));
      await everybodyFetched(server);
      await answersGiven(load, 300);
      await assertAllServed(envoy, load);

      const withdrawn = async () => (await present(web, oldTokens())).reason === "key_unknown";
      await eventually("no token of the withdrawn key is taken, whoever saw it before", withdrawn);
      assertNoStorm(server.seen.length, started);
    });

    it(`loses no request when a new key is used as soon as it is published, Envoy ${version}`, async (test) => {
      const { envoy, server, client } = await startKeyLaboratory(test, version, world, {
        answer: send(keySet(old)),
      });
      let nextToken = oldTokens;
      const load = Load.start(test, client(web), () => bearer(nextToken()));
      await answersGiven(load, 100);
      await firstFetchesDone(server);
      const fetched = server.seen.length;
      server.answerWith(send(keySet(old, fresh)));
      nextToken = freshTokens;
      await answersGiven(load, 300);
      await assertAllServed(envoy, load);
      assert.equal(server.seen.length - fetched, 1, "the worker asked once, and nobody else had to");
    });

    it(`asks once for a flood of keys that nobody published, and serves the others meanwhile, Envoy ${version}`, async (test) => {
      const { envoy, server, client, present } = await startKeyLaboratory(test, version, world, {
        answer: send(keySet(old)),
      });
      assert.deepEqual(await present(web, oldTokens()), allowed);
      await firstFetchesDone(server);
      const fetched = server.seen.length;
      const load = Load.start(test, client(web), () => bearer(oldTokens()));
      const statuses = await getTogether(client(world.thief), strangersTokens);
      assert.deepEqual(new Set(statuses), new Set([401]));
      assert.ok(await hasGrown(envoy, "wasmcustom.holdfast.deny.key_unknown", strangersTokens.length - 1));
      await assertAllServed(envoy, load);
      assert.equal(server.seen.length - fetched, 1);
    });
  }

  it("takes no token of a key that another one has replaced under its name", async (test) => {
    const { server, present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: send(keySet(old)),
      source: { refresh: "1s" },
    });
    const token = oldTokens();
    assert.deepEqual(await present(web, token), allowed);
    assert.deepEqual(await present(web, token), allowed);
    const successor = await TokenIssuer.create(old.jwk.kid ?? "");
    server.answerWith(send(keySet(successor)));
    await eventually("the token is refused", async () => (await present(web, token)).status !== 200);
    assert.deepEqual(await present(web, token), denied(401, "signature_invalid"));
    assert.deepEqual(await present(web, await successor.sign(webClaims())), allowed);
  });

  it("asks again early for an unknown key, ten seconds later", async (test) => {
    const { server, present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: send(keySet(old)),
    });
    assert.deepEqual(await present(web, await unpublished.sign(webClaims())), denied(401, "key_unknown"));
    await firstFetchesDone(server);
    const fetched = server.seen.length;
    server.answerWith(send(keySet(old, fresh)));
    const taken = async () => (await present(web, freshTokens())).status === 200;
    await eventually("the new key is fetched without waiting for the next refresh", taken);
    assert.equal(server.seen.length - fetched, 1);
  });

  it("asks for one presenter's new key although another has just made it ask for nothing", async (test) => {
    const { server, present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: send(keySet(old)),
    });
    const madeUp = await unpublished.sign(webClaims());
    assert.deepEqual(await present(world.thief, madeUp), denied(401, "key_unknown"));
    server.answerWith(send(keySet(old, fresh)));
    const taken = async () => (await present(web, freshTokens())).status === 200;
    await eventually("the new key is fetched before the other one may ask again", taken, 5_000);
  });

  it("cannot say that a key is unknown when nobody answers, and keeps no others waiting", async (test) => {
    const { envoy, server, present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: send(keySet(old)),
    });
    assert.deepEqual(await present(web, oldTokens()), allowed);
    await firstFetchesDone(server);
    server.answerWith(hang);
    const decision = present(web, await unpublished.sign(webClaims()));
    await requestsWait(envoy, 1);
    assert.deepEqual(await present(web, oldTokens()), allowed);
    await requestsWait(envoy, 1);
    assert.deepEqual(await decision, denied(503, "key_unconfirmed"));
  });

  for (const headers of [
    { "cache-control": "public, max-age=1" },
    { "cache-control": "max-age=600", age: "599" },
  ]) {
    it(`asks again as soon as ${JSON.stringify(headers)} says`, async (test) => {
      const { server, present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
        answer: send(keySet(old), headers),
      });
      assert.deepEqual(await present(web, oldTokens()), allowed);
      const fetched = server.seen.length;
      const started = Date.now();
      await everybodyFetched(server);
      assertNoStorm(server.seen.length - fetched, started);
    });
  }
});

/**
 * Fails when there were more fetches than keys that are good for a second explain.
 * @param started milliseconds since the epoch
 */
function assertNoStorm(fetches: number, started: number): void {
  const seconds = (Date.now() - started) / 1000;
  // Jitter takes away half of the second at most; then there are the first fetch, and an early one for an unknown key.
  const most = fetchers * (2 * seconds + 2);
  assert.ok(fetches <= most, `${fetches} fetches in ${seconds} s`);
}

async function answersGiven(load: Load, more: number): Promise<void> {
  const { answered } = load;
  await eventually(`${more} more answers`, () => load.answered >= answered + more);
}

async function assertAllServed(envoy: EnvoyProcess, load: Load): Promise<void> {
  const tally = await load.stop();
  assert.deepEqual(
    Object.keys(tally),
    ["200"],
    JSON.stringify(tally) + (await envoy.admin("/stats?filter=wasmcustom.holdfast.deny")),
  );
}
