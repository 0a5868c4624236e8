import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { hasGrown, readDecision } from "../../envoy/attempts/read-evidence.ts";
import type { Credential } from "../../envoy/identity/authority.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { spiffeIds } from "../../envoy/setup/materials.ts";
import { callGrpc, type Client, get } from "./support/client.ts";
import { bearer, decide, denied } from "./support/decide.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { shippedBackstop } from "./support/shipped.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const token = await world.issuer.sign(webClaims());
const transport = mtls({ server: world.server, bundle: world.authority.bundle });
const rules = [
  { name: "health", when: { path: "/healthz" }, token: "none" },
  { name: "orders", when: { pathPrefix: "/orders" } },
  { name: "grpc", when: { pathPrefix: "/orders.Orders" } },
  { name: "off", when: { pathPrefix: "/off" } },
];
const policy = makePolicy(inlineKeys(world.issuer), { rules });
const listeners = [
  listener({
    name: "enforce",
    filters: [holdfast(policy), shippedBackstop("enforce")],
    transport,
    turnedOff: "holdfast",
  }),
  listener({
    name: "observe",
    filters: [holdfast({ ...policy, mode: "observe" }), shippedBackstop("observe")],
    transport,
    turnedOff: "holdfast",
  }),
];

for (const version of testedEnvoys()) {
  describe(`what is answered and recorded, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    const client = (credential: Credential, name = "enforce"): Client => ({
      port: envoy.port(name),
      credential,
      bundle: world.authority.bundle,
    });

    it("challenges without an error code when there is no credential", async () => {
      const { status, headers } = await get(client(world.web), "/orders/1", []);
      assert.equal(status, 401);
      assert.equal(headers["www-authenticate"], 'Bearer realm="holdfast"');
    });

    it("challenges with invalid_token when the token does not hold", async () => {
      const { status, headers } = await get(client(world.thief), "/orders/1", bearer(token));
      assert.equal(status, 401);
      assert.equal(headers["www-authenticate"], 'Bearer realm="holdfast", error="invalid_token"');
    });

    it("challenges with invalid_request when there are two credentials", async () => {
      const { status, headers } = await get(client(world.web), "/orders/1", [
        ...bearer(token),
        ...bearer(token),
      ]);
      assert.equal(status, 400);
      assert.equal(headers["www-authenticate"], 'Bearer realm="holdfast", error="invalid_request"');
    });

    it("denies what no rule is for", async () => {
      assert.deepEqual(
        await decide(envoy, client(world.web), bearer(token), "/elsewhere"),
        denied(403, "no_rule"),
      );
    });

    it("lets a request pass without a token where the rule wants none", async () => {
      const { status } = await get(client(world.web), "/healthz", []);
      assert.equal(status, 200);
    });

    it("answers gRPC calls in gRPC", async () => {
      const call = async (
        credential: Credential,
        authorization: string | string[],
        path = "/orders.Orders/Get",
      ) => {
        const answer = await callGrpc(client(credential), { authorization, ":path": path });
        return [answer[":status"], answer["grpc-status"]];
      };
      const good = `Bearer ${token}`;
      assert.deepEqual(await call(world.thief, good), [200, "16"], "UNAUTHENTICATED");
      assert.deepEqual(await call(world.web, `${good}, ${good}`), [200, "3"], "INVALID_ARGUMENT");
      assert.deepEqual(await call(world.web, good, "/elsewhere"), [200, "7"], "PERMISSION_DENIED");
    });

    it("writes who, what and why into the access log, and never the token", async () => {
      const request = randomUUID();
      await get(client(world.thief), "/orders/1?page=2", ["x-request-id", request, ...bearer(token)]);
      await readDecision(envoy, request);
      const lines = await envoy.accessLog();
      assert.deepEqual(
        lines.map((line) => JSON.parse(line) as { request: string }).find((line) => line.request === request),
        {
          request,
          method: "GET",
          path: "/orders/1",
          peer: spiffeIds.thief,
          status: 401,
          details: "holdfast_denied{spiffe_mismatch}",
          verdict: "deny",
          reason: "spiffe_mismatch",
        },
      );
      const [, payload = ""] = token.split(".");
      assert.ok(!lines.some((line) => line.includes(payload)));
    });

    it("logs a denial at warn level, without the token", async () => {
      await decide(envoy, client(world.thief), bearer(token));
      const log = await envoy.log();
      assert.match(log, /\[warning\]\[wasm\].*holdfast \{"verdict":"deny","reason":"spiffe_mismatch"/);
      const [, payload = ""] = token.split(".");
      assert.ok(!log.includes(payload));
    });

    it("counts a denial by its reason", async () => {
      const counter = "wasmcustom.holdfast.deny.spiffe_mismatch";
      const before = await envoy.stat(counter);
      await get(client(world.thief), "/orders/1", bearer(token));
      assert.ok(await hasGrown(envoy, counter, before));
    });

    it("changes nothing for the client or the upstream while it observes", async () => {
      const request = ["x-request-id", "7f1b5a9e-4b0e-4b52-9a3c-0d1f0d1f0d1f", ...bearer(token)];
      const observed = await get(client(world.thief, "observe"), "/orders/1", request);
      const plain = await get(client(world.web), "/orders/1", request);
      assert.equal(observed.status, 200);
      assert.equal(observed.body, plain.body, "the upstream saw the same request");
      assert.deepEqual(Object.keys(observed.headers), Object.keys(plain.headers));
    });

    it("is backed by RBAC where the filter is turned off", async () => {
      const expected = { status: 403 };
      assert.deepEqual(await decide(envoy, client(world.web), bearer(token), "/off"), expected);
      assert.deepEqual(await decide(envoy, client(world.web, "observe"), bearer(token), "/off"), expected);
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
