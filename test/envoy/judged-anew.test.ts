// What was decided of a request holds for that request as it was judged, and for no other that comes of it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { adaptedListener } from "./support/adapted-listener.ts";
import { send } from "./support/answers.ts";
import { get } from "./support/client.ts";
import { bearer } from "./support/decide.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { type Answer, ScriptedServer } from "./support/scripted-server.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { bundle } = world.authority;
const token = await world.issuer.sign(webClaims());

const policy = makePolicy(inlineKeys(world.issuer), {
  rules: [
    { name: "stock", when: { pathPrefix: "/stock" }, audiences: ["stock"] },
    { name: "orders", when: { pathPrefix: "/orders" } },
  ],
});

/** Follows redirects itself, as the client's request. */
const route = {
  match: { prefix: "/" },
  route: { cluster: "upstream", internal_redirect_policy: { max_internal_redirects: 3 } },
};
const redirecting = adaptedListener(
  {
    name: "redirects",
    filters: [holdfast(policy)],
    transport: mtls({ server: world.server, bundle }),
  },
  { manager: { route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [route] }] } } },
);

const sendOn: Readonly<Record<string, string>> = {
  "/orders/moved": "/orders/2",
  "/orders/elsewhere": "/stock/1",
};
const answer: Answer = (seen, response) => {
  const target = sendOn[seen.path];
  if (target === undefined) {
    send({})(seen, response);
    return;
  }
  response.writeHead(302, { location: `https://orders.example.org${target}` }).end();
};

for (const version of testedEnvoys()) {
  describe(`a request that Envoy redirects within itself, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let upstream: ScriptedServer;

    before(async () => {
      upstream = await ScriptedServer.start(answer, teardown);
      const clusters = { upstream: upstream.port };
      envoy = await startLaboratory(version, { listeners: [redirecting], clusters }, teardown);
    });
    after(() => teardown.run());

    const ask = async (path: string) => {
      const client = { port: envoy.port("redirects"), credential: world.web, bundle };
      return (await get(client, path, bearer(token))).status;
    };
    const seen = () => upstream.seen.map(({ path }) => path);
    const judgedBefore = () => envoy.stat("wasmcustom.holdfast.allow.judged_before");

    it("is judged again, by the rule for where it goes", async () => {
      assert.equal(await ask("/orders/moved"), 200);
      assert.deepEqual(seen(), ["/orders/moved", "/orders/2"]);
      assert.equal(await judgedBefore(), 0);
    });

    it("does not come where the token is not accepted", async () => {
      assert.equal(await ask("/orders/elsewhere"), 401);
      assert.ok(!seen().includes("/stock/1"), "the upstream was asked for it");
      assert.equal(await judgedBefore(), 0);
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
