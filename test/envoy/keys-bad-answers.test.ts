import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { TokenIssuer } from "../../envoy/identity/token-issuer.ts";
import { hang, hangUp, send, sendBody, sendStatus, trickle } from "./support/answers.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { holdfast } from "./support/filters.ts";
import { fetchedKeys, keySet, startKeyLaboratory, teardownOf } from "./support/key-laboratory.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { type Answer, ScriptedServer } from "./support/scripted-server.ts";
import { mainTestedEnvoy, testedEnvoys } from "./support/versions.ts";
import { makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web } = world;
const { bundle } = world.authority;
const old = world.issuer;
const fresh = await TokenIssuer.create("idp-2");
/** Never published in a good document. */
const intruder = await TokenIssuer.create("idp-3");
const intruderToken = await intruder.sign(webClaims());
const secret = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
const small = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });

/** Bad documents have the intruder's key wherever they can, so that taking a part of one would be seen. */
const withIntruder = (...others: readonly object[]) => ({ keys: [intruder.jwk, ...others] });
const intruderOnly = JSON.stringify(withIntruder());

/** By what the filter counts them as: documents that are refused, and answers without a document. */
const badAnswers: Readonly<Record<"refused" | "failed", Readonly<Record<string, Answer>>>> = {
  refused: {
    "no JSON": sendBody("<html>"),
    "an empty body": sendBody(""),
    "half a document": sendBody(intruderOnly.slice(0, -1)),
    "two documents": sendBody(intruderOnly + intruderOnly),
    "a member twice": sendBody(intruderOnly.replace("{", '{"keys":[],')),
    "a list": send([intruder.jwk]),
    "no usable key": send({ keys: [{ ...small, kid: "small" }] }),
    "a private key": send(withIntruder({ ...secret, kid: "s" })),
    "a symmetric key": send(withIntruder({ kty: "oct", k: "c2VjcmV0", kid: "s" })),
    "a kid twice": send(withIntruder({ ...fresh.jwk, kid: intruder.jwk.kid })),
    "two megabytes": send({ ...withIntruder(), padding: "x".repeat(2_000_000) }),
    "a compressed document": sendBody(gzipSync(intruderOnly), { "content-encoding": "gzip" }),
  },
  failed: {
    "404": sendStatus(404),
    "500": sendStatus(500),
    "a redirect": redirect("/elsewhere"),
    "a connection that is closed": hangUp,
    "no answer": hang,
    "a body that never ends": trickle(intruderOnly, 200, 200),
  },
};

/** Sends whoever asks to another path, where there would be an answer. */
function redirect(path: string): Answer {
  return (request, response) => {
    const answer = request.path === path ? sendBody(intruderOnly) : sendStatus(302, { location: path });
    answer(request, response);
  };
}

const document = keySet(old);
const unusable = [
  { kty: "OKP", crv: "X25519", x: "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo", kid: "agreement" },
  { ...small, kid: "small" },
  { kty: "future", kid: "future" },
  { ...fresh.jwk, use: "enc" },
];
const strangeAnswers: Readonly<Record<string, Answer>> = {
  "a content type of plain text": send(document, { "content-type": "text/plain" }),
  "a body in small pieces": trickle(JSON.stringify(document), 20, 50),
  "keys that cannot be used beside one that can": send({ keys: [...unusable, old.jwk] }),
  "members that nobody knows": send({ ...document, "x-note": { a: [1] } }),
  "half a megabyte": send({ ...document, padding: "x".repeat(500_000) }),
};

describe("a key server that answers badly", { concurrency: 4 }, () => {
  for (const version of testedEnvoys()) {
    for (const counter of ["failed", "refused"] as const) {
      it(`leaves the keys as they were, and is counted as ${counter}, Envoy ${version}`, async (test) => {
        const { envoy, sources, present } = await startSources(test, version, badAnswers[counter]);
        const counted = (which: string) => envoy.stat(`wasmcustom.holdfast.keys.${which}`);
        for (const { name } of sources) {
          assert.deepEqual(await present(name, await old.sign(webClaims())), allowed);
        }
        const goodAnswers = sources.map(({ server }) => server.seen.length);

        for (const { server, bad } of sources) server.answerWith(bad);
        // Each has the keys fetched at once, and waits for what comes.
        const intrusions = sources.map(({ name }) => present(name, intruderToken));
        for (const [index, { name, server }] of sources.entries()) {
          // A VM that failed may ask once more before the other one asks at all.
          const bothFailed = (goodAnswers[index] ?? 0) + 3;
          await eventually(`both VMs get ${name}`, () => server.seen.length >= bothFailed);
          assert.deepEqual(await present(name, await old.sign(webClaims())), allowed, name);
        }
        for (const intrusion of await Promise.all(intrusions)) {
          assert.deepEqual(intrusion, denied(503, "key_unconfirmed"));
        }

        let badlyAnswered = 0;
        for (const [index, { server }] of sources.entries()) {
          badlyAnswered += server.seen.length - (goodAnswers[index] ?? 0);
          server.answerWith(send(keySet(fresh)));
        }
        const token = await fresh.sign(webClaims());
        for (const { name, server } of sources) {
          const isTaken = async () => (await present(name, token)).status === 200;
          await eventually(`a good answer is taken after ${name}`, isTaken);
          assert.ok(server.seen.every(({ path }) => path === "/jwks"));
        }
        const allCounted = async () => (await counted(counter)) === badlyAnswered;
        await eventually(`${badlyAnswered} bad answers are counted, each once`, allCounted);
        assert.equal(await counted(counter === "refused" ? "failed" : "refused"), 0);
      });
    }
  }

  for (const [name, answer] of Object.entries(strangeAnswers)) {
    it(`is understood when it sends ${name}`, async (test) => {
      const { present, envoy } = await startKeyLaboratory(test, mainTestedEnvoy(), world, { answer });
      assert.deepEqual(await present(web, await old.sign(webClaims())), allowed);
      assert.equal(await envoy.stat("wasmcustom.holdfast.keys.refused"), 0);
    });
  }
});

/** One Envoy with a listener and a key server of its own for each bad answer, which the server does not give yet. */
async function startSources(test: TestContext, version: string, answers: Readonly<Record<string, Answer>>) {
  const teardown = teardownOf(test);
  const startServer = () => ScriptedServer.start(send(keySet(old)), teardown);
  const sources = await Promise.all(
    Object.entries(answers).map(async ([name, bad]) => ({ name, bad, server: await startServer() })),
  );
  const transport = mtls({ server: world.server, bundle });
  const listeners = sources.map(({ name }) => {
    const policy = makePolicy(fetchedKeys({ cluster: name, refresh: "1s" }));
    return listener({ name, filters: [holdfast(policy)], transport });
  });
  const clusters = Object.fromEntries(sources.map(({ name, server }) => [name, server.port]));
  const envoy = await startLaboratory(version, { listeners, clusters }, teardown);
  teardown.defer(() => assertNoVmFailed(envoy));
  const present = (name: string, token: string) =>
    decide(envoy, { port: envoy.port(name), credential: web, bundle }, bearer(token));
  return { envoy, sources, present };
}
