import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { EnvoyExited } from "../../envoy/process/envoy-process.ts";
import { audience, claimsFor, spiffeIds } from "../../envoy/setup/materials.ts";
import { hang, hangUp, hold, send, sendBody, sendStatus } from "./support/answers.ts";
import { getTogether, post } from "./support/client.ts";
import { allowed, bearer, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import type { PluginOptions } from "./support/filters.ts";
import { introspect, tokenOf } from "./support/introspection-answers.ts";
import { type KeyLaboratory, startKeyLaboratory, teardownOf } from "./support/key-laboratory.ts";
import { requestsWait } from "./support/requests-wait.ts";
import { type Answer, ScriptedServer } from "./support/scripted-server.ts";
import { mainTestedEnvoy, testedEnvoys } from "./support/versions.ts";
import { makeWorld, validity, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
/** With every character that RFC 6749 wants encoded before it becomes part of Basic credentials. */
const secret = "p:ä+ %/=&";
const credentials = { clientId: "hold:fast", secretFrom: "HOLDFAST_SECRET" };
const claims = claimsFor(spiffeIds.web, validity);
const answer = introspect({ good: claims });

interface IntrospectionOptions {
  readonly answer: Answer;
  /** Replaces or adds members of the policy's `introspection`. */
  readonly introspection?: object;
  /** Adds members at the policy's top. */
  readonly policy?: object;
  readonly plugin?: PluginOptions;
  readonly upstream?: ScriptedServer;
}

/** One Envoy whose policy asks the test's server about tokens. */
function start(test: TestContext, version: string, options: IntrospectionOptions): Promise<KeyLaboratory> {
  const { introspection, policy, ...others } = options;
  const opaque = {
    audiences: [audience],
    introspection: { cluster: "idp", path: "/introspect", authority: "as.example.org", ...introspection },
  };
  const issuers = { opaque };
  return startKeyLaboratory(test, version, world, { ...others, policy: { issuers, ...policy } });
}

describe("introspection", { concurrency: 4 }, () => {
  for (const version of testedEnvoys()) {
    it(`holds an active token to its workload, Envoy ${version}`, async (test) => {
      const { present } = await start(test, version, { answer });
      assert.deepEqual(await present(web, "good"), allowed);
      assert.deepEqual(await present(thief, "good"), denied(401, "spiffe_mismatch"));
    });

    it(`denies an inactive token, Envoy ${version}`, async (test) => {
      const { present } = await start(test, version, { answer });
      assert.deepEqual(await present(web, "bad"), denied(401, "token_inactive"));
    });

    it(`asks with the credentials of the VM's environment, and writes them nowhere, Envoy ${version}`, async (test) => {
      // Every character that a token may have besides letters and digits (RFC 6750, section 2.1).
      const token = "a-b.c_d~e+f/g==";
      const { present, server, envoy } = await start(test, version, {
        answer: introspect({ [token]: claims }),
        introspection: { credentials },
        plugin: { environment: { HOLDFAST_SECRET: secret } },
      });
      assert.deepEqual(await present(web, token), allowed);
      const [asked] = server.seen;
      assert.ok(asked);
      assert.deepEqual(
        [asked.method, asked.path, asked.headers.host],
        ["POST", "/introspect", "as.example.org"],
      );
      assert.equal(asked.headers["content-type"], "application/x-www-form-urlencoded");
      assert.equal(tokenOf(asked), token);
      assert.deepEqual(basicCredentials(asked.headers.authorization), [credentials.clientId, secret]);
      const written = (await envoy.log()) + (await envoy.accessLog()).join();
      for (const word of [
        token,
        secret,
        encodeURIComponent(secret),
        asked.headers.authorization?.slice(6) ?? "",
      ])
        assert.ok(!written.includes(word));
    });

    it(`brings the whole body of a request that waited to the upstream, once, Envoy ${version}`, async (test) => {
      const held = hold(answer);
      const upstream = await ScriptedServer.start(send({}), teardownOf(test));
      const { envoy, client } = await start(test, version, { answer: held.answer, upstream });
      const body = randomBytes(1_000_000).toString("hex");
      const honest = post(client(web), "/orders", bearer("good"), body);
      const stolen = post(client(thief), "/stolen", bearer("good"), body);
      await requestsWait(envoy, 2);
      held.release();
      assert.deepEqual([(await honest).status, (await stolen).status], [200, 401]);
      assert.deepEqual(
        upstream.seen.map(({ path }) => path),
        ["/orders"],
      );
      assert.ok(upstream.seen[0]?.body === body, "the body arrived as it was sent");
    });

    it(`serves one presenter while another floods it with random tokens, Envoy ${version}`, async (test) => {
      const held = hold(answer);
      const { present, client, envoy, server } = await start(test, version, {
        answer: (request, response) => {
          (tokenOf(request) === "good" ? answer : held.answer)(request, response);
        },
      });
      const random = Array.from({ length: 300 }, () => randomBytes(20).toString("hex"));
      const flood = getTogether(client(thief), random);
      await eventually("the flood is asked about", () => server.seen.length > 0);
      assert.deepEqual(await present(web, "good"), allowed);
      const underWay = server.seen.filter((request) => tokenOf(request) !== "good").length;
      assert.ok(underWay <= 16, `${underWay} questions of one presenter at a time`);
      held.release();
      const answers = await flood;
      const busy = await envoy.stat("wasmcustom.holdfast.deny.introspection_busy");
      const inactive = await envoy.stat("wasmcustom.holdfast.deny.token_inactive");
      assert.equal(busy + inactive, random.length);
      assert.ok(inactive > 0, `${busy} busy, ${inactive} inactive`);
      assert.equal(answers.filter((status) => status === 503).length, busy);
      assert.equal(answers.filter((status) => status === 401).length, inactive);
      assert.deepEqual(await present(web, "good"), allowed);
      const asked = server.seen.filter((request) => tokenOf(request) === "good").length;
      assert.equal(asked, 1, "the flood does not push out what is known of others");
    });

    it(`does not mind clients that leave, Envoy ${version}`, async (test) => {
      const held = hold(answer);
      const { client, present, envoy } = await start(test, version, { answer: held.answer });
      const leaving = new AbortController();
      const abandoned = getTogether(client(web), ["good", "bad"], leaving.signal);
      await requestsWait(envoy, 2);
      leaving.abort();
      await abandoned;
      await requestsWait(envoy, 0);
      held.release();
      assert.deepEqual(await present(web, "good"), allowed);
    });
  }

  const version = mainTestedEnvoy();

  it("asks once for many requests with one token, good or bad", async (test) => {
    const { present, server } = await start(test, version, { answer });
    for (let i = 0; i < 5; i++) {
      assert.deepEqual(await present(web, "good"), allowed);
      assert.deepEqual(await present(web, "bad"), denied(401, "token_inactive"));
      assert.deepEqual(await present(thief, "good"), denied(401, "spiffe_mismatch"));
    }
    assert.deepEqual(server.seen.map(tokenOf), ["good", "bad"]);
  });

  it("asks once for many requests at the same time", async (test) => {
    const held = hold(answer);
    const { client, envoy, server } = await start(test, version, { answer: held.answer });
    const statuses = getTogether(client(web), Array<string>(50).fill("good"));
    await requestsWait(envoy, 50);
    held.release();
    assert.deepEqual(new Set(await statuses), new Set([200]));
    assert.equal(server.seen.length, 1);
  });

  it("asks again after a while, and believes the new answer", async (test) => {
    const { present, server } = await start(test, version, { answer, introspection: { cacheFor: "1s" } });
    assert.deepEqual(await present(web, "good"), allowed);
    server.answerWith(introspect({}));
    await eventually("the token is refused", async () => (await present(web, "good")).status === 401);
    assert.equal(server.seen.length, 2);
  });

  it("believes an answer no longer than the token lasts", async (test) => {
    const shortLived = { ...claims, exp: Math.ceil(Date.now() / 1000) + 3 };
    const { present, server } = await start(test, version, { answer: introspect({ brief: shortLived }) });
    assert.deepEqual(await present(web, "brief"), allowed);
    server.answerWith(introspect({}));
    const isRefused = async () => (await present(web, "brief")).status === 401;
    await eventually("the token is refused", isRefused, 15_000);
  });

  it("asks about every token that is no JWT, whatever it begins with", async (test) => {
    // All but the last decode, as far as a glance goes, like the start of a JSON object.
    const tokens = ["e5f0a1", "ezPz", "ew-1", "ab.cd"];
    const answers = introspect(Object.fromEntries(tokens.map((token) => [token, claims])));
    const { present } = await start(test, version, { answer: answers });
    for (const token of tokens) assert.deepEqual(await present(web, token), allowed, token);
  });

  it("never sends a JWT", async (test) => {
    const { present, server } = await start(test, version, { answer });
    const jwt = await world.issuer.sign(webClaims());
    const [header = "", payload = ""] = jwt.split(".");
    for (const token of [jwt, jwt.slice(0, -10), `${header}.${payload}.`, `${header}.${payload}`, header]) {
      assert.equal((await present(web, token)).status, 401);
    }
    assert.equal(server.seen.length, 0);
  });

  it("asks with a bearer token, or nothing, where the policy says so", async (test) => {
    const plugin = { environment: { AS_TOKEN: "our-own-token" } };
    const introspection = { credentials: { bearerFrom: "AS_TOKEN" } };
    const withToken = await start(test, version, { answer, introspection, plugin });
    assert.deepEqual(await withToken.present(web, "good"), allowed);
    assert.equal(withToken.server.seen[0]?.headers.authorization, "Bearer our-own-token");
    const withNothing = await start(test, version, { answer });
    assert.deepEqual(await withNothing.present(web, "good"), allowed);
    assert.equal(withNothing.server.seen[0]?.headers.authorization, undefined);
  });

  it("is refused as a policy when the environment has no such secret", async (test) => {
    await assert.rejects(start(test, version, { answer, introspection: { credentials } }), (failure) => {
      assert.ok(failure instanceof EnvoyExited);
      assert.match(failure.log, /\/credentials\/secretFrom.*environment_variables/);
      return true;
    });
  });

  const failures: readonly { title: string; answer: Answer }[] = [
    { title: "does not know us", answer: sendStatus(401) },
    { title: "does not allow us", answer: sendStatus(403) },
    { title: "fails", answer: sendStatus(500) },
    { title: "redirects", answer: sendStatus(302, { location: "/good" }) },
    { title: "hangs up", answer: hangUp },
    { title: "sends no JSON", answer: sendBody("<html>") },
    { title: "sends nothing", answer: sendBody("") },
    { title: "does not say whether it is active", answer: send(claims) },
    { title: "says it in a word", answer: send({ ...claims, active: "true" }) },
    {
      title: "says it twice",
      answer: sendBody(JSON.stringify(claims).replace("{", '{"active":true,"active":true,')),
    },
    {
      title: "sends two megabytes",
      answer: send({ active: true, ...claims, padding: "x".repeat(2_000_000) }),
    },
  ];

  it("denies when the server is of no use, and asks again as soon as it is", async (test) => {
    const { present, server } = await start(test, version, { answer });
    for (const [index, failure] of failures.entries()) {
      const token = `token-${index}`;
      server.answerWith(failure.answer);
      const decision = await present(web, token);
      assert.deepEqual(decision, denied(503, "introspection_unavailable"), failure.title);
      server.answerWith(introspect({ [token]: claims }));
      const isTaken = async () => (await present(web, token)).status === 200;
      await eventually(`the server that ${failure.title} is asked again`, isTaken);
    }
  });

  it("denies while the server is down, and serves what it was told before", async (test) => {
    const { present, server } = await start(test, version, { answer });
    assert.deepEqual(await present(web, "good"), allowed);
    await server.goDown();
    assert.deepEqual(await present(web, "bad"), denied(503, "introspection_unavailable"));
    assert.deepEqual(await present(web, "good"), allowed);
    await server.comeUp();
    const isAsked = async () => (await present(web, "bad")).reason === "token_inactive";
    await eventually("the server is asked again", isAsked);
  });

  it("believes nothing for longer than the policy says while the server is down", async (test) => {
    const { present, server } = await start(test, version, { answer, introspection: { cacheFor: "1s" } });
    assert.deepEqual(await present(web, "good"), allowed);
    await server.goDown();
    await eventually("the token is denied", async () => (await present(web, "good")).status !== 200);
    assert.deepEqual(await present(web, "good"), denied(503, "introspection_unavailable"));
  });

  it("denies after a few seconds when the server does not answer", async (test) => {
    const { present } = await start(test, version, { answer: hang });
    const started = Date.now();
    assert.deepEqual(await present(web, "good"), denied(503, "introspection_unavailable"));
    assert.ok(Date.now() - started < 15_000);
  });

  it("keeps nobody waiting where it only observes", async (test) => {
    const held = hold(answer);
    const { present } = await start(test, version, { answer: held.answer, policy: { mode: "observe" } });
    const started = Date.now();
    const expected = { status: 200, verdict: "would-deny", reason: "answer_pending" };
    assert.deepEqual(await present(web, "good"), expected);
    assert.ok(Date.now() - started < 4_000, "an answer that never came would have taken 5 s");
  });

  it("holds a token to the certificate that the answer names", async (test) => {
    const bound = { ...claims, cnf: { "x5t#S256": web.thumbprint } };
    const otherwise = { ...claims, cnf: { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } };
    const { present } = await start(test, version, { answer: introspect({ bound, otherwise }) });
    assert.deepEqual(await present(web, "bound"), allowed);
    assert.deepEqual(await present(thief, "bound"), denied(401, "certificate_mismatch"));
    assert.deepEqual(await present(web, "otherwise"), denied(401, "cnf_unsupported"));
  });

  it("holds what the answer says against the policy", async (test) => {
    const { present } = await start(test, version, {
      answer: introspect({
        elsewhere: { ...claims, aud: "payments" },
        expired: { ...claims, exp: (claims.iat ?? 0) - 600 },
        early: { ...claims, nbf: (claims.iat ?? 0) + 600 },
      }),
    });
    assert.deepEqual(await present(web, "elsewhere"), denied(401, "audience_mismatch"));
    assert.deepEqual(await present(web, "expired"), denied(401, "token_expired"));
    assert.deepEqual(await present(web, "early"), denied(401, "token_not_yet_valid"));
  });

  it("goes on when an answer takes a while", async (test) => {
    const slow: Answer = (request, response) =>
      void sleep(1_000).then(() => {
        answer(request, response);
      });
    const { present } = await start(test, version, { answer: slow });
    assert.deepEqual(await present(web, "good"), allowed);
  });
});

/** Client and secret, as RFC 6749 (section 2.3.1) has them in Basic credentials. */
function basicCredentials(authorization = ""): string[] {
  const [, encoded = ""] = /^Basic (\S+)$/.exec(authorization) ?? [];
  const pair = Buffer.from(encoded, "base64").toString();
  return pair.split(":").map((part) => new URLSearchParams(`part=${part}`).get("part") ?? "");
}
