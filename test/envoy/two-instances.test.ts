// Two holdfasts before one upstream, as when one policy is for a mesh and another for a namespace.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { after, before, describe, it } from "node:test";
import { readDecision } from "../../envoy/attempts/read-evidence.ts";
import type { Credential } from "../../envoy/identity/authority.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, issuer } from "../../envoy/setup/materials.ts";
import { hold, send } from "./support/answers.ts";
import { type Client, get, getTogether, tlsOptions } from "./support/client.ts";
import type { Config } from "./support/config.ts";
import { allowed, bearer, denied } from "./support/decide.ts";
import { type Headers, exchange } from "./support/exchange.ts";
import { type PluginOptions, holdfast } from "./support/filters.ts";
import { fetchedKeys, keySet, teardownOf } from "./support/key-laboratory.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { requestsWait } from "./support/requests-wait.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
const { bundle } = world.authority;
const token = await world.issuer.sign(webClaims());

const transport = mtls({ server: world.server, bundle });
const judgedBefore = "wasmcustom.holdfast.allow.judged_before";

/** Members of a rule for every request. */
function judging(rule: object, keys: unknown = inlineKeys(world.issuer)): object {
  return makePolicy(undefined, {
    issuers: { idp: { issuer, audiences: [audience], keys } },
    rules: [{ name: "all", ...rule }],
  });
}

const strips = judging({ forward: { token: "strip", verdict: true } });
const requires = judging({});
const observes = judging({ mode: "observe" });
const asksForAnother = judging({ audiences: ["stock"] });
const observesForAnother = judging({ mode: "observe", audiences: ["stock"] });
const opens = makePolicy(inlineKeys(world.issuer), { rules: [{ name: "all", token: "none" }] });
const forwardsPayload = judging({ forward: { payloadHeader: "x-jwt-payload" } });
const elsewhere: PluginOptions = { vmId: "elsewhere" };

function chain(name: string, ...filters: readonly Config[]): Config {
  return listener({ name, filters, transport });
}

const listeners = [
  chain("the same twice", holdfast(strips), holdfast(strips)),
  chain("one strips, one requires", holdfast(strips), holdfast(requires)),
  chain("in two VMs", holdfast(strips), holdfast(requires, elsewhere)),
  chain("one observes", holdfast(observes), holdfast(requires)),
  chain("one observes in another VM", holdfast(observes, elsewhere), holdfast(requires)),
  chain("one observes, one is stricter", holdfast(observes), holdfast(asksForAnother)),
  chain("one observes that it would deny", holdfast(observesForAnother), holdfast(requires)),
  chain("the second is stricter", holdfast(requires), holdfast(asksForAnother)),
  chain("the first asks for no token", holdfast(opens), holdfast(requires)),
  chain("the second forwards payloads", holdfast(requires), holdfast(forwardsPayload)),
  chain("the second observes", holdfast(requires), holdfast(observes)),
  chain("one observes before two", holdfast(observes), holdfast(strips), holdfast(requires)),
];

for (const version of testedEnvoys()) {
  describe(`two instances in one proxy, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    const clientOf = (name: string, credential: Credential): Client => ({
      port: envoy.port(name),
      credential,
      bundle,
    });
    const ask = (name: string, credential = web, headers = bearer(token)) =>
      exchange(envoy, (all) => get(clientOf(name, credential), "/orders/1", all), headers);
    const decisionAt = async (name: string, credential = web, headers?: Headers) =>
      (await ask(name, credential, headers)).decision;

    for (const name of ["the same twice", "one strips, one requires", "in two VMs"]) {
      it(`${name}: what the first allowed passes the second, which gets to see no token`, async () => {
        const before = await envoy.stat(judgedBefore);
        const { decision, received } = await ask(name);
        assert.deepEqual(decision, allowed);
        assert.deepEqual(received("authorization"), []);
        assert.deepEqual(received("x-holdfast-verdict"), ['allow;reason=ok;rule="all";issuer="idp"']);
        assert.equal((await envoy.stat(judgedBefore)) - before, 1);
      });

      it(`${name}: what the first denies is denied`, async () => {
        const before = await envoy.stat(judgedBefore);
        assert.deepEqual(await decisionAt(name, thief), denied(401, "spiffe_mismatch"));
        assert.equal(await envoy.stat(judgedBefore), before);
      });

      it(`${name}: nothing that a client sends passes for the first one's word`, async () => {
        const said = "allow";
        const pretences = [
          ["x-holdfast-verdict", 'allow;reason=ok;rule="all";issuer="idp"'],
          ["wasm.holdfast.verdict", said],
          ["holdfast.verdict", said, "holdfast.provisional", "false"],
          ["x-envoy-wasm.holdfast.verdict", said],
        ];
        for (const pretence of pretences) {
          const forged = [...bearer(token), ...pretence];
          assert.deepEqual(
            await decisionAt(name, thief, forged),
            denied(401, "spiffe_mismatch"),
            pretence[0],
          );
          assert.deepEqual(await decisionAt(name, web, pretence), denied(401, "token_absent"), pretence[0]);
        }
      });

      it(`${name}: each request of a connection is judged by itself`, async () => {
        const { port } = clientOf(name, web);
        const agent = new Agent({ ...tlsOptions(clientOf(name, web)), keepAlive: true, maxSockets: 1 });
        try {
          assert.deepEqual(await askOver(agent, port, bearer(token)), allowed);
          assert.deepEqual(await askOver(agent, port, []), denied(401, "token_absent"));
        } finally {
          agent.destroy();
        }
      });
    }

    /** One request over a connection that is kept. */
    async function askOver(agent: Agent, port: number, headers: Headers) {
      const requestId = randomUUID();
      const all = ["host", "orders.example.org", "x-request-id", requestId, ...headers];
      const sent = request({ host: "127.0.0.1", port, path: "/orders/1", headers: all, agent }).end();
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      response.resume();
      await once(response, "end");
      return readDecision(envoy, requestId);
    }

    for (const name of ["one observes", "one observes in another VM"]) {
      it(`${name}: the other one decides`, async () => {
        const before = await envoy.stat(judgedBefore);
        assert.deepEqual(await decisionAt(name), allowed);
        assert.deepEqual(await decisionAt(name, thief), denied(401, "spiffe_mismatch"));
        assert.equal(await envoy.stat(judgedBefore), before);
      });
    }

    it("what the first only observed to be well, the second may refuse", async () => {
      assert.deepEqual(await decisionAt("one observes, one is stricter"), denied(401, "audience_mismatch"));
    });

    it("what the first only observed to be wrong, the second may allow, and no reason stays", async () => {
      const { status, verdict, reason } = await decisionAt("one observes that it would deny");
      assert.deepEqual([status, verdict], [200, "allow"]);
      // Filter state cannot be taken back, but it can be empty.
      assert.equal(reason, "");
    });

    it("the first that enforces decides: a stricter one after it is not asked", async () => {
      assert.deepEqual(await decisionAt("the second is stricter"), allowed);
    });

    it("a first that asks for no token decides nothing: the second asks for one", async () => {
      assert.deepEqual(await decisionAt("the first asks for no token"), allowed);
      assert.deepEqual(
        await decisionAt("the first asks for no token", thief),
        denied(401, "spiffe_mismatch"),
      );
      assert.deepEqual(await decisionAt("the first asks for no token", web, []), denied(401, "token_absent"));
    });

    it("a payload that a client made up does not reach the upstream of the policy that forwards payloads", async () => {
      const headers = [...bearer(token), "x-jwt-payload", "made-up"];
      const { decision, received } = await ask("the second forwards payloads", web, headers);
      assert.deepEqual(decision, allowed);
      assert.ok(
        !received("x-jwt-payload").includes("made-up"),
        "a client can write what the upstream believes",
      );
    });

    it("the first that enforces decides: one that would only observe is not asked", async () => {
      assert.deepEqual(await decisionAt("the second observes"), allowed);
      assert.deepEqual(await decisionAt("the second observes", thief), denied(401, "spiffe_mismatch"));
    });

    it("the first that enforces decides, though one before it observed", async () => {
      assert.deepEqual(await decisionAt("one observes before two"), allowed);
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });

  it(`what the first allowed after it waited for its keys passes the second, Envoy ${version}`, async (test) => {
    const teardown = teardownOf(test);
    const held = hold(send(keySet(world.issuer)));
    const server = await ScriptedServer.start(held.answer, teardown);
    const waits = judging({ forward: { token: "strip" } }, fetchedKeys());
    const orders = chain("orders", holdfast(waits), holdfast(requires));
    const clusters = { idp: server.port };
    const envoy = await startLaboratory(version, { listeners: [orders], clusters }, teardown);
    const client = (credential: Credential) => ({ port: envoy.port("orders"), credential, bundle });
    // More than are woken up at once.
    const count = 50;
    const tokens = Array<string>(count).fill(token);
    const answers = [web, thief].map((credential) => getTogether(client(credential), tokens));
    await requestsWait(envoy, 2 * count);
    held.release();
    const [honest, stolen] = await Promise.all(answers);
    assert.deepEqual(honest, Array<number>(count).fill(200));
    assert.deepEqual(stolen, Array<number>(count).fill(401));
    assert.equal(await envoy.stat(judgedBefore), count);
    await assertNoVmFailed(envoy);
  });
}
