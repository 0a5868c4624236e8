// A policy that takes a token back reaches requests that go on, where a real Envoy is given it while they do.

import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { type Client, tlsOptions } from "./support/client.ts";
import { bearer, decide, denied } from "./support/decide.ts";
import { discovered, holdfast, typedExtensionConfig } from "./support/filters.ts";
import { teardownOf } from "./support/key-laboratory.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { publishResource } from "./support/publish-resource.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { bundle } = world.authority;
const revoked = await world.issuer.sign(webClaims({ jti: "revoked" }));
const kept = await world.issuer.sign(webClaims({ jti: "kept" }));

const rules = [{ name: "all", revalidate: { every: "1h" } }];
const before = makePolicy(inlineKeys(world.issuer), { rules });
const after = makePolicy(inlineKeys(world.issuer), { rules, revoked: { ids: ["revoked"] } });

/** Of closing, counted from when the new policy was published: Envoy has to see the file, and the filter to tick. */
const PATIENCE_MS = 5_000;

for (const version of testedEnvoys()) {
  describe(`a token that is taken back, Envoy ${version}`, () => {
    it("ends the request that goes on with it, and no other", async (test) => {
      const teardown = teardownOf(test);
      // Begins to answer, and never ends.
      const upstream = await ScriptedServer.start((_seen, response) => {
        response.writeHead(200, { "content-type": "text/plain" });
        response.write("first");
      }, teardown);
      const watchedFile = join(await makeRunFolder(teardown), "holdfast.json");
      await publishResource(watchedFile, typedExtensionConfig, holdfast(before));
      const orders = listener({
        name: "orders",
        filters: [discovered(watchedFile)],
        transport: mtls({ server: world.server, bundle }),
      });
      const clusters = { upstream: upstream.port };
      const envoy = await startLaboratory(version, { listeners: [orders], clusters }, teardown);
      const client: Client = { port: envoy.port("orders"), credential: world.web, bundle };
      const session = connectHttp2(`https://127.0.0.1:${client.port}`, { ...tlsOptions(client) });
      try {
        const open = (token: string) => {
          const stream = session.request({
            ":path": "/orders/1",
            ":authority": "orders.example.org",
            authorization: `Bearer ${token}`,
          });
          stream.on("error", () => undefined);
          const closed = new Promise<true>((resolve) => {
            stream.once("close", () => {
              resolve(true);
            });
          });
          const begun = new Promise<number>((resolve) => {
            stream.once("response", (headers) => {
              resolve(headers[":status"] ?? 0);
              stream.resume();
            });
          });
          return { stream, begun, closed };
        };
        const [bad, good] = [open(revoked), open(kept)];
        assert.deepEqual(await Promise.all([bad.begun, good.begun]), [200, 200]);

        await publishResource(watchedFile, typedExtensionConfig, holdfast(after));
        const patience = AbortSignal.timeout(PATIENCE_MS);
        const tooLate = new Promise<false>((resolve) => {
          patience.addEventListener("abort", () => {
            resolve(false);
          });
        });
        assert.ok(await Promise.race([bad.closed, tooLate]), "it still goes on");
        assert.equal(await envoy.stat("wasmcustom.holdfast.close.token_revoked"), 1);
        assert.equal(good.stream.closed, false);
        assert.deepEqual(await decide(envoy, client, bearer(revoked)), denied(401, "token_revoked"));
      } finally {
        session.destroy();
      }
      await assertNoVmFailed(envoy);
    });
  });
}
