// What a server says was taken back reaches requests through a real Envoy, and so do its outages.

import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { type TestContext, describe, it } from "node:test";
import { deflateSync } from "node:zlib";
import { hasGrown } from "../../envoy/attempts/read-evidence.ts";
import { type Claims, TokenIssuer } from "../../envoy/identity/token-issuer.ts";
import { audience, issuer, spiffeIds } from "../../envoy/setup/materials.ts";
import { hang, hold, send, sendBody, sendStatus, trickle } from "./support/answers.ts";
import { tlsOptions } from "./support/client.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { holdfast } from "./support/filters.ts";
import { fetchers, teardownOf } from "./support/key-laboratory.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { Load } from "./support/load.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { requestsWait } from "./support/requests-wait.ts";
import {
  type RevocationLaboratory,
  SECURITY,
  openEndless,
  startRevocationLaboratory,
} from "./support/revocation-laboratory.ts";
import { type Answer, ScriptedServer } from "./support/scripted-server.ts";
import { mainTestedEnvoy, testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
const feedKey = await TokenIssuer.create("feed-1");
const otherKey = await TokenIssuer.create("feed-2");

const taken = await world.issuer.sign(webClaims({ jti: "taken" }));
const kept = await world.issuer.sign(webClaims({ jti: "kept" }));
const ofThief = await world.issuer.sign(webClaims({ jti: "his", sub: spiffeIds.thief }));

/** A refresh and a tick, and what a machine with much else to do needs on top. */
const REACH_MS = 2_000 + 5_000;

function feedPolicy(feed: object = {}, members: object = {}): object {
  const keys = inlineKeys(feedKey);
  const usual = { cluster: SECURITY, path: "/revocations", refresh: "1s", staleFor: "1h", keys };
  return makePolicy(inlineKeys(world.issuer), { revoked: { feed: { ...usual, ...feed } }, ...members });
}

async function feed(members: Claims, by = feedKey): Promise<Answer> {
  return sendBody(await by.sign(members, "revocations+jwt"), { "content-type": "application/jwt" });
}

const nothing = await feed({ version: 1 });
const takesOne = await feed({ version: 2, ids: ["taken"] });

const document = await feedKey.sign({ version: 3 }, "revocations+jwt");
const givesBack = sendBody(document);

/** Each would give the token back. Nine are refused, and two are no documents. */
const badAnswers: Readonly<Record<string, Answer>> = {
  "an older version": nothing,
  "another key": await feed({ version: 3 }, otherKey),
  "another typ": sendBody(await feedKey.sign({ version: 3 }, "at+jwt")),
  "no signature": send({ version: 3 }),
  "an unknown member": await feed({ version: 3, unknown: true }),
  "half a document": sendBody(document.slice(0, -10)),
  nothing: sendBody(""),
  "two megabytes": await feed({ version: 3, iss: "x".repeat(2_000_000) }),
  HTML: sendBody("<html>"),
  "404": sendStatus(404),
  "500": sendStatus(500),
};

/** One Envoy with a listener and a feed of its own for each bad answer, which the server does not give yet. */
async function startFeeds(test: TestContext, version: string) {
  const { bundle } = world.authority;
  const teardown = teardownOf(test);
  const startServer = () => ScriptedServer.start(takesOne, teardown);
  const servers = await Promise.all(
    Object.entries(badAnswers).map(async ([flaw, bad]) => ({ flaw, bad, server: await startServer() })),
  );
  const transport = mtls({ server: world.server, bundle });
  const listeners = servers.map(({ flaw }) =>
    listener({ name: flaw, filters: [holdfast(feedPolicy({ cluster: flaw }))], transport }),
  );
  const clusters = Object.fromEntries(servers.map(({ flaw, server }) => [flaw, server.port]));
  const envoy = await startLaboratory(version, { listeners, clusters }, teardown);
  teardown.defer(() => assertNoVmFailed(envoy));
  const feeds = servers.map((one) => ({
    ...one,
    decide: (token: string) =>
      decide(envoy, { port: envoy.port(one.flaw), credential: web, bundle }, bearer(token)),
  }));
  return { envoy, feeds };
}

async function isRefused({ present }: RevocationLaboratory, token: string, reason: string): Promise<void> {
  await eventually(
    `${reason} is the answer`,
    async () => (await present(web, token)).reason === reason,
    REACH_MS,
  );
}

describe("a revocation feed", { concurrency: 2 }, () => {
  for (const version of testedEnvoys()) {
    it(`takes tokens, presenters and certificates back, and gives them back, Envoy ${version}`, async (test) => {
      const options = { policy: feedPolicy(), answer: nothing };
      const laboratory = await startRevocationLaboratory(test, version, world, options);
      const { server, present } = laboratory;
      assert.deepEqual(await present(web, taken), allowed);

      server.answerWith(takesOne);
      await isRefused(laboratory, taken, "token_revoked");
      assert.deepEqual(await present(web, taken), denied(401, "token_revoked"));
      assert.deepEqual(await present(web, kept), allowed);

      server.answerWith(await feed({ version: 3, presenters: [spiffeIds.web] }));
      await isRefused(laboratory, kept, "presenter_revoked");
      assert.deepEqual(await present(thief, ofThief), allowed);

      server.answerWith(await feed({ version: 4, certificates: [web.thumbprint] }));
      await isRefused(laboratory, kept, "certificate_revoked");
      assert.deepEqual(await present(thief, ofThief), allowed);

      server.answerWith(await feed({ version: 5 }));
      const isGivenBack = async () => (await present(web, taken)).status === 200;
      await eventually("all is given back", isGivenBack, REACH_MS);
    });

    it(`closes what goes on with a token that is taken back, and nothing else, Envoy ${version}`, async (test) => {
      const rules = [{ name: "all", revalidate: { every: "1h" } }];
      const options = { policy: feedPolicy({}, { rules }), answer: nothing };
      const { envoy, server, client } = await startRevocationLaboratory(test, version, world, options);
      const session = connectHttp2(`https://127.0.0.1:${envoy.port("orders")}`, tlsOptions(client(web)));
      try {
        const [bad, good] = [openEndless(session, taken), openEndless(session, kept)];
        assert.deepEqual(await Promise.all([bad.begun, good.begun]), [200, 200]);
        server.answerWith(takesOne);
        await eventually("it is closed", bad.isClosed, REACH_MS);
        assert.equal(await envoy.stat("wasmcustom.holdfast.close.token_revoked"), 1);
        assert.equal(good.isClosed(), false);
      } finally {
        session.destroy();
      }
    });

    it(`that is out is not felt until it is stale, denies then, and ends by itself, Envoy ${version}`, async (test) => {
      const options = { policy: feedPolicy({ staleFor: "4s" }), answer: takesOne };
      const { envoy, server, present } = await startRevocationLaboratory(test, version, world, options);
      assert.deepEqual(await present(web, kept), allowed);
      await server.goDown();
      const lastAnswer = server.seen.at(-1)?.at ?? 0;
      assert.deepEqual(await present(web, kept), allowed);
      assert.deepEqual(await present(web, taken), denied(401, "token_revoked"));
      let lastServed = Date.now();
      await eventually("it is stale", async () => {
        const decision = await present(web, kept);
        if (decision.status === 200) lastServed = Date.now();
        else assert.deepEqual(decision, denied(503, "revocations_stale"));
        return decision.status !== 200;
      });
      assert.ok(lastServed - lastAnswer > 2_000, `served for ${lastServed - lastAnswer} ms only`);
      assert.ok(await hasGrown(envoy, "wasmcustom.holdfast.revocations.failed", 1));

      await server.comeUp();
      await eventually("it is fresh", async () => (await present(web, kept)).status === 200);
      assert.deepEqual(await present(web, taken), denied(401, "token_revoked"));
    });

    it(`that answers badly leaves what was there, and is counted, Envoy ${version}`, async (test) => {
      const { envoy, feeds } = await startFeeds(test, version);
      const counted = (what: string) => envoy.stat(`wasmcustom.holdfast.revocations.${what}`);
      for (const { decide } of feeds) assert.deepEqual(await decide(taken), denied(401, "token_revoked"));
      const allFetched = async () => (await counted("fetched")) === feeds.length * fetchers;
      await eventually("both VMs have every feed", allFetched);
      const asked = feeds.map(({ server }) => server.seen.length);
      for (const { server, bad } of feeds) server.answerWith(bad);
      for (const [index, { flaw, server, decide }] of feeds.entries()) {
        // A VM that failed may ask once more before the other one asks at all.
        const bothAsked = (asked[index] ?? 0) + fetchers + 1;
        await eventually(`both VMs get ${flaw}`, () => server.seen.length >= bothAsked);
        assert.deepEqual(await decide(taken), denied(401, "token_revoked"), flaw);
        assert.deepEqual(await decide(kept), allowed, flaw);
      }
      assert.ok(await hasGrown(envoy, "wasmcustom.holdfast.revocations.refused", 9 * fetchers - 1));
      assert.ok(await hasGrown(envoy, "wasmcustom.holdfast.revocations.failed", 2 * fetchers - 1));
      assert.ok(await allFetched());
      assert.match(
        await envoy.log(),
        /revocations from cluster 404, path \/revocations not fetched: status 404/,
      );
      assert.match(await envoy.log(), /revocations from cluster nothing, path \/revocations refused at /);
      for (const { server } of feeds) server.answerWith(givesBack);
      for (const { flaw, decide } of feeds) {
        await eventually(
          `a good one is taken after ${flaw}`,
          async () => (await decide(taken)).status === 200,
        );
      }
    });

    it(`is waited for at a start, and then decides, Envoy ${version}`, async (test) => {
      const held = hold(takesOne);
      const options = { policy: feedPolicy(), answer: held.answer };
      const { envoy, present } = await startRevocationLaboratory(test, version, world, options);
      const decisions = [taken, kept].map((token) => present(web, token));
      await requestsWait(envoy, 2);
      held.release();
      assert.deepEqual(await Promise.all(decisions), [denied(401, "token_revoked"), allowed]);
    });

    it(`loses no request, and lets none through, while policies come and go, Envoy ${version}`, async (test) => {
      const both = inlineKeys(feedKey, otherKey);
      const policies = [
        feedPolicy({ staleFor: "2h" }),
        feedPolicy({ keys: both }),
        feedPolicy({ keys: both, onStale: "warn" }),
        feedPolicy({ path: "/elsewhere" }),
        feedPolicy(),
      ];
      const options = { policy: feedPolicy(), answer: takesOne };
      const laboratory = await startRevocationLaboratory(test, version, world, options);
      const { client, configure, present } = laboratory;
      assert.deepEqual(await present(web, taken), denied(401, "token_revoked"));
      const good = Load.start(test, client(web), () => bearer(kept));
      const bad = Load.start(test, client(web), () => bearer(taken));
      for (const policy of policies) {
        await configure(policy);
        const enough = good.answered + 100;
        await eventually("100 more are answered", () => good.answered >= enough);
      }
      const [goodTally, badTally] = [await good.stop(), await bad.stop()];
      assert.deepEqual(Object.keys(goodTally), ["200"], JSON.stringify(goodTally));
      assert.deepEqual(Object.keys(badTally), ["401"], JSON.stringify(badTally));
    });
  }

  it("that was never there denies after a few seconds, and recovers by itself", async (test) => {
    const options = { policy: feedPolicy(), answer: takesOne, isUp: false };
    const { server, present } = await startRevocationLaboratory(test, mainTestedEnvoy(), world, options);
    assert.deepEqual(await present(web, kept), denied(503, "revocations_absent"));
    await server.comeUp();
    await eventually("it is there", async () => (await present(web, kept)).status === 200);
    assert.deepEqual(await present(web, taken), denied(401, "token_revoked"));
  });

  it("that never answers lets requests pass where the policy says so, and they are counted", async (test) => {
    const options = { policy: feedPolicy({ onStale: "warn" }), answer: hang };
    const { envoy, present } = await startRevocationLaboratory(test, mainTestedEnvoy(), world, options);
    assert.deepEqual(await present(web, taken), allowed);
    assert.ok(await hasGrown(envoy, "wasmcustom.holdfast.revocations.stale", 0));
  });

  it("may be large, come in small pieces, and be confirmed by its tag", async (test) => {
    const ids = Array.from({ length: 49_999 }, (_, i) => `id-${i}`);
    const document = await feedKey.sign({ version: 1, ids: [...ids, "taken"] }, "revocations+jwt");
    const tag = '"large"';
    const answer: Answer = (request, response) => {
      if (request.headers["if-none-match"] === tag) sendStatus(304, { etag: tag })(request, response);
      else if (request.headers["if-none-match"] === undefined) {
        response.setHeader("etag", tag);
        trickle(document, 30, 10)(request, response);
      }
    };
    const options = { policy: feedPolicy({ staleFor: "4s" }), answer };
    const { envoy, present } = await startRevocationLaboratory(test, mainTestedEnvoy(), world, options);
    assert.deepEqual(await present(web, taken), denied(401, "token_revoked"));
    assert.deepEqual(await present(web, kept), allowed);
    assert.ok(await hasGrown(envoy, "wasmcustom.holdfast.revocations.confirmed", 3));
    assert.deepEqual(await present(web, kept), allowed);
    const fetched = async () => (await envoy.stat("wasmcustom.holdfast.revocations.fetched")) === fetchers;
    await eventually("each VM has fetched it once", fetched);
  });
});

describe("an issuer's status list", { concurrency: 2 }, () => {
  const uri = "https://idp.example.org/status/1";
  const LAST = 8 * 1024 * 1024 - 1;
  const statusOf = (idx: number) => ({ status: { status_list: { idx, uri } } });
  const rules = [{ name: "all", revalidate: { every: "1h" } }];
  const statusLists = [{ uri, cluster: SECURITY, path: "/status/1", refresh: "1s" }];
  const keys = inlineKeys(world.issuer);
  const policy = makePolicy(undefined, {
    issuers: { idp: { issuer, audiences: [audience], keys, statusLists } },
    rules,
  });

  async function list(iat: number, ...takenBack: readonly number[]): Promise<Answer> {
    const bytes = new Uint8Array(1024 * 1024);
    for (const index of takenBack) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7));
    const status_list = { bits: 1, lst: deflateSync(bytes).toString("base64url") };
    return sendBody(await world.issuer.sign({ sub: uri, iat, status_list }, "statuslist+jwt"));
  }

  for (const version of testedEnvoys()) {
    it(`takes tokens back among eight million, and closes what goes on with them, Envoy ${version}`, async (test) => {
      const [first, last] = await Promise.all(
        [0, LAST].map((index) => world.issuer.sign(webClaims(statusOf(index)))),
      );
      assert.ok(first !== undefined && last !== undefined);
      const beyond = await world.issuer.sign(webClaims(statusOf(LAST + 1)));
      const now = Math.floor(Date.now() / 1000);
      const laboratory = await startRevocationLaboratory(test, version, world, {
        policy,
        answer: await list(now - 2),
      });
      const { envoy, server, client, present } = laboratory;
      for (const token of [first, last, kept]) assert.deepEqual(await present(web, token), allowed);
      assert.deepEqual(await present(web, beyond), denied(401, "status_malformed"));
      assert.ok(server.seen.every(({ path }) => path === "/status/1"));

      const session = connectHttp2(`https://127.0.0.1:${envoy.port("orders")}`, tlsOptions(client(web)));
      try {
        const [bad, good] = [openEndless(session, last), openEndless(session, first)];
        assert.deepEqual(await Promise.all([bad.begun, good.begun]), [200, 200]);
        server.answerWith(await list(now - 1, LAST));
        await eventually("it is closed", bad.isClosed, REACH_MS);
        assert.deepEqual(await present(web, last), denied(401, "status_not_valid"));
        assert.deepEqual(await present(web, first), allowed);
        assert.equal(good.isClosed(), false);
      } finally {
        session.destroy();
      }
      server.answerWith(await list(now - 2));
      assert.ok(await hasGrown(envoy, "wasmcustom.holdfast.revocations.refused", 0));
      assert.deepEqual(await present(web, last), denied(401, "status_not_valid"));
    });
  }
});
