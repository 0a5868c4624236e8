import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Credential } from "../../envoy/identity/authority.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { hang, hold, send } from "./support/answers.ts";
import { callGrpc, getTogether, post } from "./support/client.ts";
import type { Config } from "./support/config.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { discovered, holdfast, typedExtensionConfig } from "./support/filters.ts";
import { fetchedKeys, keySet, startKeyLaboratory, teardownOf } from "./support/key-laboratory.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { publishResource } from "./support/publish-resource.ts";
import { requestsWait } from "./support/requests-wait.ts";
import { type Answer, ScriptedServer } from "./support/scripted-server.ts";
import { mainTestedEnvoy, testedEnvoys } from "./support/versions.ts";
import { makePolicy, makeWorld, webClaims } from "./support/world.ts";

/** What one presenter may have waiting. */
const share = 512;

const world = await makeWorld();
const { web, thief } = world;
const token = await world.issuer.sign(webClaims());
const keys = send(keySet(world.issuer));

describe("requests that wait for keys", { concurrency: 3 }, () => {
  for (const version of testedEnvoys()) {
    for (const allowOnHeadersStopIteration of [false, true]) {
      it(`bring their whole body to the upstream, once, and only when they are allowed (allow_on_headers_stop_iteration: ${allowOnHeadersStopIteration}), Envoy ${version}`, async (test) => {
        const held = hold(keys);
        const upstream = await ScriptedServer.start(send({}), teardownOf(test));
        const { envoy, client } = await startKeyLaboratory(test, version, world, {
          answer: held.answer,
          upstream,
          plugin: { allowOnHeadersStopIteration },
        });
        // More than Envoy buffers for a stream: the client has to be slowed down, and then let go on.
        const bodies = [1_000, 3_000_000].map((size) => randomBytes(size / 2).toString("hex"));
        const honest = bodies.map((body) => post(client(web), "/orders", bearer(token), body));
        const stolen = bodies.map((body) => post(client(thief), "/stolen", bearer(token), body));
        await requestsWait(envoy, 2 * bodies.length);
        assert.equal(upstream.seen.length, 0);
        held.release();
        assert.deepEqual(await statuses(honest), [200, 200]);
        assert.deepEqual(await statuses(stolen), [401, 401]);
        const received = upstream.seen.map(({ method, path, body }) => [method, path, digest(body)]);
        const expected = bodies.map((body) => ["POST", "/orders", digest(body)]);
        assert.deepEqual(received.sort(), expected.sort());
      });
    }

    it(`may be given up by their clients, Envoy ${version}`, async (test) => {
      const held = hold(keys);
      const { envoy, client, present } = await startKeyLaboratory(test, version, world, {
        answer: held.answer,
      });
      const leaving = new AbortController();
      const abandoned = getTogether(client(web), Array<string>(20).fill(token), leaving.signal);
      await requestsWait(envoy, 20);
      const patient = present(web, token);
      await requestsWait(envoy, 21);
      leaving.abort();
      assert.deepEqual(new Set(await abandoned), new Set([0]));
      await requestsWait(envoy, 1);
      held.release();
      assert.deepEqual(await patient, allowed);
      assert.deepEqual(await present(thief, token), denied(401, "spiffe_mismatch"));
      assert.equal(await envoy.stat("cluster.upstream.upstream_rq_total"), 1);
    });

    it(`leave room for those of others, Envoy ${version}`, async (test) => {
      const held = hold(keys);
      const { envoy, client, present } = await startKeyLaboratory(test, version, world, {
        answer: held.answer,
      });
      const flood = getTogether(client(thief), Array<string>(share + 50).fill(token));
      await requestsWait(envoy, share);
      const honest = present(web, token);
      await requestsWait(envoy, share + 1);
      assert.equal(await envoy.stat("wasmcustom.holdfast.deny.keys_busy"), 50);
      held.release();
      assert.deepEqual(await honest, allowed);
      const answers = await flood;
      assert.equal(answers.filter((status) => status === 503).length, 50);
      assert.equal(answers.filter((status) => status === 401).length, share);
    });

    for (const by of ["listener", "filter"] as const) {
      it(`are decided when the keys come after the policy was replaced with its ${by}, Envoy ${version}`, async (test) => {
        const held = hold(keys);
        const { envoy, present, replacePolicy } = await startReplaceable(test, version, by, held.answer);
        const decisions = [present(web), present(thief)];
        await requestsWait(envoy, 2);
        await replacePolicy();
        const next = present(web);
        await requestsWait(envoy, 3);
        held.release();
        assert.deepEqual(await Promise.all(decisions), [allowed, denied(401, "spiffe_mismatch")]);
        assert.deepEqual(await next, allowed);
      });
    }
  }

  it("are answered in gRPC when they are gRPC", async (test) => {
    const { client } = await startKeyLaboratory(test, mainTestedEnvoy(), world, { answer: hang });
    const answer = await callGrpc(client(web), { authorization: `Bearer ${token}` });
    assert.deepEqual([answer[":status"], answer["grpc-status"]], [200, "14"], "UNAVAILABLE");
  });

  for (const by of ["listener", "filter"] as const) {
    it(`are decided when no keys come after the policy was replaced with its ${by}`, async (test) => {
      const { envoy, present, replacePolicy } = await startReplaceable(test, mainTestedEnvoy(), by, hang);
      const decisions = [present(web), present(web)];
      await requestsWait(envoy, 2);
      await replacePolicy();
      const absent = denied(503, "keys_absent");
      assert.deepEqual(await Promise.all(decisions), [absent, absent]);
      assert.deepEqual(await present(web), absent);
    });
  }
});

/**
 * An Envoy with the listener `orders`, whose policy can be replaced while it runs.
 * @param by what is replaced: the listener, which drains; or, as Istio does it, the filter alone, which does not
 */
async function startReplaceable(
  test: TestContext,
  version: string,
  by: "listener" | "filter",
  answer: Answer,
) {
  const teardown = teardownOf(test);
  const server = await ScriptedServer.start(answer, teardown);
  const folder = await makeRunFolder(teardown);
  const watchedFile = join(folder, "listeners.json");
  const filterFile = join(folder, "filter.json");
  const publish = async (rule: string) => {
    const filter = holdfast(makePolicy(fetchedKeys(), { rules: [{ name: rule }] }));
    if (by === "filter") await publishResource(filterFile, typedExtensionConfig, filter);
    return by === "listener" ? publishOrders(watchedFile, filter) : undefined;
  };
  await publish("first");
  if (by === "filter") await publishOrders(watchedFile, discovered(filterFile));
  const envoy = await startLaboratory(version, { watchedFile, clusters: { idp: server.port } }, teardown);
  teardown.defer(() => assertNoVmFailed(envoy));
  const updates =
    by === "listener"
      ? "listener_manager.lds.update_success"
      : "extension_config_discovery.http_filter.holdfast.config_reload";
  return {
    envoy,
    present: (credential: Credential) => {
      const client = { port: envoy.port("orders"), credential, bundle: world.authority.bundle };
      return decide(envoy, client, bearer(token));
    },
    replacePolicy: async () => {
      await publish("second");
      await eventually("the second policy is in force", async () => (await envoy.stat(updates)) === 2);
    },
  };
}

function publishOrders(file: string, filter: Config): Promise<void> {
  const transport = mtls({ server: world.server, bundle: world.authority.bundle });
  const orders = listener({ name: "orders", filters: [filter], transport });
  return publishResource(file, "envoy.config.listener.v3.Listener", orders);
}

async function statuses(answers: readonly ReturnType<typeof post>[]): Promise<number[]> {
  return (await Promise.all(answers)).map(({ status }) => status);
}

function digest(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}
