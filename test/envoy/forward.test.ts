// What the upstream gets besides what the client sent, and what it does not get.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Credential } from "../../envoy/identity/authority.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, issuer, spiffeIds } from "../../envoy/setup/materials.ts";
import { hold, send } from "./support/answers.ts";
import { get } from "./support/client.ts";
import { allowed, bearer, denied } from "./support/decide.ts";
import { type Headers, exchange } from "./support/exchange.ts";
import { holdfast } from "./support/filters.ts";
import { keySet, startKeyLaboratory } from "./support/key-laboratory.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { requestsWait } from "./support/requests-wait.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
const { bundle } = world.authority;
const token = await world.issuer.sign(webClaims());
const longToken = await world.issuer.sign(webClaims({ about: "x".repeat(5_000) }));
const thiefsToken = await world.issuer.sign(webClaims({ sub: spiffeIds.thief }));
const otherIssuer = "https://other.example.org";
const namedToken = await world.issuer.sign(webClaims({ iss: otherIssuer }));

const everything = { token: "strip", payloadHeader: "x-jwt-payload", verdict: true };
/** Each for the path of its name. */
const rules = [
  { name: "nothing" },
  { name: "keep", forward: { token: "keep" } },
  { name: "strip", forward: { token: "strip" } },
  { name: "payload", forward: { payloadHeader: "x-jwt-payload" } },
  { name: "verdict", forward: { verdict: true } },
  { name: "everything", forward: everything },
  { name: "optional", token: "optional", forward: everything },
  { name: "observed", mode: "observe", forward: everything },
  { name: "named", issuers: ["other"], forward: { token: "strip" } },
];
const keys = inlineKeys(world.issuer);
const policy = makePolicy(undefined, {
  issuers: {
    idp: { issuer, audiences: [audience], keys },
    other: { issuer: otherIssuer, audiences: [audience], keys, header: "x-other-token" },
  },
  rules: [
    { name: "open", when: { pathPrefix: "/open" }, token: "none" },
    ...rules.map((rule) => ({ issuers: ["idp"], ...rule, when: { pathPrefix: `/${rule.name}` } })),
  ],
});

const transport = mtls({ server: world.server, bundle });
const listeners = [
  listener({ name: "forwards", filters: [holdfast(policy)], transport }),
  listener({ name: "forwards nothing", filters: [holdfast(makePolicy(keys))], transport }),
  listener({ name: "unfiltered", filters: [], transport }),
];

/** Ways to write a header that a client hopes the upstream will read as holdfast's. */
function spellings(name: string): string[] {
  const underscored = name.replaceAll("-", "_");
  return [name, name.toUpperCase(), underscored, underscored.toUpperCase(), name.replace("-", "_")];
}

const forged = 'allow;reason=ok;rule="verdict";issuer="idp"';
const forgedVerdicts = spellings("x-holdfast-verdict");
const forgedPayloads = spellings("x-jwt-payload");
const spoofs: Headers = [...forgedVerdicts, ...forgedVerdicts, ...forgedPayloads, ...forgedPayloads].flatMap(
  (name) => [name, forged],
);
/** Every name under which an upstream could find them, in lower case as Envoy writes it. */
const spoofedVerdicts = [...new Set(forgedVerdicts.map((name) => name.toLowerCase()))];
const spoofedPayloads = [...new Set(forgedPayloads.map((name) => name.toLowerCase()))];

function payloadOf(compact: string): string {
  return compact.split(".")[1] ?? "";
}

function verdictOf(rule: string, reason = "ok"): string {
  return `allow;reason=${reason};rule="${rule}"`;
}

for (const version of testedEnvoys()) {
  describe(`what the upstream gets, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    function ask(path: string, headers: Headers, name = "forwards", credential: Credential = web) {
      const client = { port: envoy.port(name), credential, bundle };
      return exchange(envoy, (all) => get(client, path, all), headers);
    }

    for (const [rule, reaches] of [
      ["nothing", true],
      ["keep", true],
      ["payload", true],
      ["verdict", true],
      ["strip", false],
      ["everything", false],
      ["observed", true],
    ] as const) {
      it(`${rule}: the token ${reaches ? "stays in" : "is taken out of"} the request`, async () => {
        const { decision, received } = await ask(`/${rule}`, bearer(token));
        assert.deepEqual(decision, allowed);
        assert.equal(received("authorization").length, reaches ? 1 : 0);
      });
    }

    it("named: the token is taken out of the header that its issuer's tokens come in, and of no other", async () => {
      const headers = ["x-other-token", namedToken, "authorization", "Basic YTpi"];
      const { decision, received } = await ask("/named", headers);
      assert.deepEqual(decision, allowed);
      assert.deepEqual(received("x-other-token"), []);
      assert.equal(received("authorization").length, 1);
    });

    it("payload: the upstream gets what was verified, as it came", async () => {
      for (const compact of [token, longToken]) {
        const { received } = await ask("/payload", [...bearer(compact), ...spoofs]);
        assert.deepEqual(received("x-jwt-payload"), [payloadOf(compact)]);
      }
    });

    it("verdict: the upstream gets it", async () => {
      const { received } = await ask("/verdict", [...bearer(token), ...spoofs]);
      assert.deepEqual(received("x-holdfast-verdict"), [`${verdictOf("verdict")};issuer="idp"`]);
    });

    it("optional: the verdict says that there was no token, and there is no payload", async () => {
      const { decision, received } = await ask("/optional", spoofs);
      assert.deepEqual(decision, allowed);
      assert.deepEqual(received("x-holdfast-verdict"), [verdictOf("optional", "token_optional_absent")]);
      assert.deepEqual(received("x-jwt-payload"), []);
    });

    it("a listener without the filter lets every spelling through, so that there is something to take out", async () => {
      const { received } = await ask("/nothing", spoofs, "unfiltered");
      for (const name of [...spoofedVerdicts, ...spoofedPayloads])
        assert.ok(received(name).includes(forged), name);
    });

    for (const rule of ["nothing", "keep", "strip", "open"]) {
      it(`${rule}: what a client wrote where only holdfast writes is taken out, and nothing else`, async () => {
        const innocent = ["x-holdfast-verdicts", "1", "x-holdfast", "2", "x-jwt-payload-hash", "3"];
        const { decision, received } = await ask(`/${rule}`, [...bearer(token), ...spoofs, ...innocent]);
        assert.deepEqual(decision, allowed);
        for (const name of [...spoofedVerdicts, ...spoofedPayloads])
          assert.deepEqual(received(name), [], name);
        assert.deepEqual(received("x-holdfast-verdicts"), ["1"]);
        assert.deepEqual(received("x-holdfast"), ["2"]);
        assert.deepEqual(received("x-jwt-payload-hash"), ["3"]);
      });
    }

    it("where no rule forwards anything, a verdict is taken out, and a payload is nobody's", async () => {
      const { received } = await ask("/orders/1", [...bearer(token), ...spoofs], "forwards nothing");
      for (const name of spoofedVerdicts) assert.deepEqual(received(name), [], name);
      for (const name of spoofedPayloads) assert.ok(received(name).includes(forged), name);
    });

    it("observed: a verdict is taken out, and all else is as it was", async () => {
      for (const [compact, decision] of [
        [token, allowed],
        [thiefsToken, { status: 200, verdict: "would-deny", reason: "spiffe_mismatch" }],
      ] as const) {
        const observed = await ask("/observed", [...bearer(compact), ...spoofs]);
        assert.deepEqual(observed.decision, decision);
        for (const name of spoofedVerdicts) assert.deepEqual(observed.received(name), [], name);
        for (const name of spoofedPayloads) assert.ok(observed.received(name).includes(forged), name);
        assert.equal(observed.received("authorization").length, 1);
      }
    });

    it("a client cannot have them taken out by naming them hop by hop", async () => {
      const names = "x-holdfast-verdict, x-jwt-payload";
      const { received } = await ask("/everything", [...bearer(token), "connection", names]);
      assert.deepEqual(received("x-holdfast-verdict"), [`${verdictOf("everything")};issuer="idp"`]);
      assert.deepEqual(received("x-jwt-payload"), [payloadOf(token)]);
    });

    it("a request that is refused does not get there, whatever it says of itself", async () => {
      const { decision } = await ask("/everything", [...bearer(token), ...spoofs], "forwards", thief);
      assert.deepEqual(decision, denied(401, "spiffe_mismatch"));
      assert.deepEqual((await ask("/everything", spoofs)).decision, denied(401, "token_absent"));
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });

  it(`what the upstream gets of requests that waited for their keys, Envoy ${version}`, async (test) => {
    const held = hold(send(keySet(world.issuer)));
    const { envoy, client } = await startKeyLaboratory(test, version, world, {
      answer: held.answer,
      policy: { rules: [{ name: "all", forward: everything }] },
    });
    const ask = (compact: string) =>
      exchange(envoy, (all) => get(client(web), "/orders/1", all), [...bearer(compact), ...spoofs]);
    const compacts = [token, longToken];
    const exchanges = compacts.map(ask);
    await requestsWait(envoy, compacts.length);
    held.release();
    for (const [at, { decision, received }] of (await Promise.all(exchanges)).entries()) {
      assert.deepEqual(decision, allowed);
      assert.deepEqual(received("authorization"), []);
      assert.deepEqual(received("x-jwt-payload"), [payloadOf(compacts[at] ?? "")]);
      assert.deepEqual(received("x-holdfast-verdict"), [`${verdictOf("all")};issuer="idp"`]);
      for (const name of [...spoofedVerdicts.slice(1), ...spoofedPayloads.slice(1)])
        assert.deepEqual(received(name), [], name);
    }
  });
}
