// The `holdfast` command decides as Envoy does: thousands of requests, made at random and sent to both, have the same verdict, reason and
// status in each.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { Proxy } from "../../cli/proxy.ts";
import { Servers } from "../../cli/servers.ts";
import { TokenIssuer } from "../../envoy/identity/token-issuer.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { issuer, spiffeIds } from "../../envoy/setup/materials.ts";
import { filterModule } from "../filter/support/filter-module.ts";
import { type Client, get, post } from "./support/client.ts";
import { eventually } from "./support/eventually.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const REQUESTS = 2_000;
const AT_ONCE = 16;
/** The same requests in each run. */
const SEED = 20261122;

const world = await makeWorld();
const stranger = await TokenIssuer.create("idp-1");
const { bundle } = world.authority;

const policy = makePolicy(inlineKeys(world.issuer), {
  rules: [
    { name: "health", when: { path: "/healthz", methods: ["GET"] }, token: "none" },
    { name: "trial", when: { pathPrefix: "/trial" }, mode: "observe" },
    { name: "open", when: { pathPrefix: "/open" }, token: "optional" },
    { name: "bound", when: { pathPrefix: "/bound" }, bind: [{ certificate: {} }] },
    {
      name: "either",
      when: { pathTemplate: "/either/{id}/items" },
      bind: [
        { anyOf: [{ certificate: {} }, { spiffe: { patterns: ["spiffe://example.org/ns/*/sa/thief"] } }] },
      ],
    },
    { name: "first", when: { pathPrefix: "/first" }, bind: [{ firstUse: {} }] },
    { name: "orders", when: { pathPrefix: "/orders", methods: ["GET"] } },
    { name: "acting", when: { headers: ["x-act-for"] } },
  ],
});

const sign = (claims: object, by = world.issuer) => by.sign(webClaims({ ...claims }));
const good = await sign({});
const tokens: Readonly<Record<string, string>> = {
  good,
  thief: await sign({ sub: spiffeIds.thief }),
  bound: await sign({ cnf: { "x5t#S256": world.web.thumbprint } }),
  boundToKey: await sign({ cnf: { jkt: "x".repeat(43) } }),
  nobodys: await sign({ sub: "somebody" }),
  expired: await sign({ iat: 1_000, exp: 2_000 }),
  future: await sign({ nbf: 4_000_000_000 }),
  otherAudience: await sign({ aud: "other" }),
  otherIssuer: await sign({ iss: `${issuer}/` }),
  otherKey: await sign({}, stranger),
  cut: good.slice(0, -3),
  unsigned: `${good.slice(0, good.lastIndexOf("."))}.`,
  opaque: "2YotnFZFEjr1zCsicMWpAA",
  large: "a".repeat(17_000),
};

type Headers = readonly (readonly [name: string, value: string])[];

const named = fc.constantFrom(...Object.keys(tokens)).map((name) => tokens[name] ?? "");
const authorization: fc.Arbitrary<Headers> = fc.oneof(
  { weight: 8, arbitrary: named.map((token): Headers => [["authorization", `Bearer ${token}`]]) },
  fc.constant<Headers>([]),
  named.map((token): Headers => [["authorization", `bEaReR   ${token}`]]),
  named.map((token): Headers => [["authorization", `DPoP ${token}`]]),
  named.map((token): Headers => [["authorization", token]]),
  fc.tuple(named, named).map(([a, b]): Headers => [
    ["authorization", `Bearer ${a}`],
    ["authorization", `Bearer ${b}`],
  ]),
  fc.tuple(named, named).map(([a, b]): Headers => [["authorization", `Bearer ${a}, Bearer ${b}`]]),
  fc.constant<Headers>([["authorization", "Basic dXNlcjpwYXNz"]]),
);
const others: fc.Arbitrary<Headers> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Headers>([]) },
  fc.constant<Headers>([["x-act-for", "somebody"]]),
  fc.constant<Headers>([["x_act_for", "somebody"]]),
  fc.constant<Headers>([["x-holdfast-verdict", "allow"]]),
  fc.constant<Headers>([["early-data", "1"]]),
  fc.constant<Headers>([["x-forwarded-client-cert", `URI=${spiffeIds.web}`]]),
);
const path = fc.constantFrom(
  ...["/orders", "/orders/1", "/orders/", "/ordersheet", "/orders?x=1", "/orders?access_token=x", "/Orders"],
  ...["/healthz", "/healthz/", "/trial/1", "/open", "/open/a/b", "/bound/x", "/first/x", "/elsewhere", "/"],
  ...["/either/1/items", "/either//items", "/either/1/items/2", "/%6frders", "/orders;v=1", "/a/../orders"],
  ...["/orders%2f1", "/orders%", "/open/%00", "/open\\x"],
);
const request = fc.record({
  method: fc.constantFrom<"GET" | "POST">("GET", "GET", "POST"),
  path,
  who: fc.constantFrom<"web" | "thief">("web", "web", "thief"),
  headers: fc.tuple(authorization, others).map(([a, b]): Headers => [...a, ...b]),
});

const requests = fc.sample(request, { numRuns: REQUESTS, seed: SEED });

interface Line {
  readonly request: string;
  readonly status: number;
  readonly details: string | null;
  readonly verdict: string | null;
  readonly reason: string | null;
}

for (const version of testedEnvoys()) {
  describe(`Envoy ${version} and the command`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      const transport = mtls({ server: world.server, bundle });
      const listeners = [listener({ name: "orders", filters: [holdfast(policy)], transport })];
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    const clientOf = (who: "web" | "thief"): Client => ({
      port: envoy.port("orders"),
      credential: world[who],
      bundle,
    });

    it(`agree on ${REQUESTS} requests`, async () => {
      const proxy = new Proxy(filterModule, Buffer.from(JSON.stringify(policy)), {
        envoy: version.startsWith("1.37") ? "1.37" : "1.40",
        now: Date.now() / 1000,
        servers: new Servers(),
      });
      // One after the other where the order counts: who shows a token first.
      for (const { headers, who, path } of requests.filter(({ path }) => path.startsWith("/first")))
        await get(clientOf(who), path, headers.flat());
      let next = 0;
      const send = async () => {
        for (let i = next++; i < requests.length; i = next++) {
          const { method, path, who, headers } = requests[i] as (typeof requests)[number];
          const all = ["x-request-id", String(i), ...headers.flat()];
          if (method === "GET") await get(clientOf(who), path, all);
          else await post(clientOf(who), path, all, "");
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, send));
      const lines = new Map<string, Line>();
      await eventually("every request is in the access log", async () => {
        for (const text of await envoy.accessLog()) {
          const line = JSON.parse(text) as Line;
          lines.set(line.request, line);
        }
        return requests.every((_, i) => lines.has(String(i)));
      });

      const decided = new Map<string, number>();
      const replay = ({ method, path, who, headers }: (typeof requests)[number]) => {
        const certSha256 = Buffer.from(world[who].thumbprint, "base64url").toString("hex");
        const peer = { mtls: true, uriSan: spiffeIds[who], certSha256 };
        const sent = headers.map(([name, value]): [string, string] => [name, value]);
        return proxy.decide({ method, path, authority: "orders.example.org", headers: sent, peer });
      };
      for (const one of requests.filter(({ path }) => path.startsWith("/first")))
        replay({ ...one, method: "GET" });
      for (const [i, one] of requests.entries()) {
        const { record, status } = replay(one);
        const line = lines.get(String(i));
        const reason =
          /^holdfast_denied\{(\w+)\}$/.exec(line?.details ?? "")?.[1] ?? line?.reason ?? record.reason;
        // What goes on has the upstream's status.
        const answered = record.verdict === "deny" ? line?.status : 200;
        assert.deepEqual(
          [line?.verdict, reason, answered],
          [record.verdict, record.reason, status],
          JSON.stringify(one).slice(0, 300),
        );
        const outcome = `${record.verdict.replace("-", "_")}.${record.reason}`;
        decided.set(outcome, (decided.get(outcome) ?? 0) + 1);
      }
      assert.ok(decided.size >= 20, `only ${decided.size} outcomes: the requests are too much alike`);
    });
  });
}
