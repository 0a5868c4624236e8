// Which rule decides in a real Envoy: templates, gRPC methods, headers, and one of very many.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { readDecision } from "../../envoy/attempts/read-evidence.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { callGrpc, type Client } from "./support/client.ts";
import { allowed, decide, denied } from "./support/decide.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld } from "./support/world.ts";

const world = await makeWorld();
const { bundle } = world.authority;
const transport = mtls({ server: world.server, bundle });

/** Nobody here has a token: a request is let in by a rule that asks for none, and denied by one that does. */
const noRule = denied(403, "no_rule");
/** gRPC has its status in a header of its own. */
const grpcNoRule = denied(200, "no_rule");
const tokenWanted = denied(401, "token_absent");

const kinds = [
  { name: "acting", when: { headers: ["x-act-for"] } },
  { name: "items", when: { pathTemplate: "/tenants/{tenant}/items" }, token: "none" },
  { name: "files", when: { pathTemplate: "/files/{**}" }, token: "none" },
  { name: "get", when: { grpc: { service: "shop.v1.Orders", method: "Get" } }, token: "none" },
  { name: "stock", when: { grpc: { service: "shop.v1.Stock" } }, token: "none" },
];
const thousand = Array.from({ length: 1_000 }, (_, i) => ({
  name: `service-${i}`,
  when: { [i % 2 === 0 ? "path" : "pathPrefix"]: `/api/v1/service-${i}` },
  ...(i >= 998 && { token: "none" }),
}));

const listeners = Object.entries({ kinds, thousand }).map(([name, rules]) =>
  listener({ name, filters: [holdfast(makePolicy(inlineKeys(world.issuer), { rules }))], transport }),
);

for (const version of testedEnvoys()) {
  describe(`the rule that decides, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    const client = (name: string): Client => ({ port: envoy.port(name), credential: world.web, bundle });

    for (const [path, expected] of [
      ["/tenants/a/items", allowed],
      ["/tenants/a%20b/items?x=1", allowed],
      ["/tenants/a;v=1/items", allowed],
      ["/tenants/a/items/", noRule],
      ["/tenants/a/b/items", noRule],
      ["/tenants/items", noRule],
      ["/tenants/a/items;v=1", denied(400, "path_ambiguous")],
      ["/files/", allowed],
      ["/files/a/b", allowed],
      [`/files${"/a".repeat(8_000)}`, allowed],
      ["/files", noRule],
    ] as const) {
      const shown = path.length > 40 ? `${path.slice(0, 10)}… of ${path.length} bytes` : path;
      it(`is chosen by the template for ${shown}`, async () => {
        assert.deepEqual(await decide(envoy, client("kinds"), [], path), expected);
      });
    }

    for (const [path, expected] of [
      ["/shop.v1.Orders/Get", allowed],
      ["/shop.v1.Orders/List", grpcNoRule],
      ["/shop.v1.Stock/Get", allowed],
      ["/shop.v1.Stock2/Get", grpcNoRule],
    ] as const) {
      it(`is chosen by the gRPC method ${path}`, async () => {
        const requestId = randomUUID();
        await callGrpc(client("kinds"), { ":path": path, "x-request-id": requestId });
        assert.deepEqual(await readDecision(envoy, requestId), expected);
      });
    }

    for (const [headers, expected] of [
      [["x-act-for", "root"], tokenWanted],
      [["X-Act-For", ""], tokenWanted],
      [["x_act_for", "root"], denied(400, "header_ambiguous")],
      [["x-act", "root"], allowed],
    ] as const) {
      it(`is chosen by the header ${JSON.stringify(headers)}`, async () => {
        assert.deepEqual(await decide(envoy, client("kinds"), headers, "/tenants/a/items"), expected);
      });
    }

    for (const [path, expected] of [
      ["/api/v1/service-998", allowed],
      ["/api/v1/service-999/orders", allowed],
      ["/api/v1/service-997/orders", tokenWanted],
      ["/api/v1/service-998/orders", noRule],
      ["/api/v1/service-1000", noRule],
    ] as const) {
      it(`is found among a thousand for ${path}`, async () => {
        assert.deepEqual(await decide(envoy, client("thousand"), [], path), expected);
      });
    }

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
