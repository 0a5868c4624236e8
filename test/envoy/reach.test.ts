// How far tokens travel, as an operator sees it: in Envoy's metrics and in Envoy's log.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Credential } from "../../envoy/identity/authority.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, issuer, spiffeIds } from "../../envoy/setup/materials.ts";
import { connectTls, getOver } from "./support/client.ts";
import { allowed, bearer, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { type Headers, exchange } from "./support/exchange.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
const { bundle } = world.authority;
const outsider = await world.authority.issue();

const twoHoursAgo = Math.floor(Date.now() / 1000) - 7_200;
const travelled = await world.issuer.sign(webClaims());
const alices = await world.issuer.sign(webClaims({ sub: "alice" }));
const old = await world.issuer.sign(webClaims({ iat: twoHoursAgo }));
const outsiders = await world.issuer.sign(
  webClaims({ sub: "alice", cnf: { "x5t#S256": outsider.thumbprint } }),
);

const policy = makePolicy(undefined, {
  issuers: {
    idp: { issuer, audiences: [audience], keys: inlineKeys(world.issuer), borders: { outside: {} } },
  },
  rules: [
    {
      name: "any",
      when: { pathPrefix: "/any" },
      bind: [{ spiffe: { patterns: ["spiffe://example.org/**"] } }],
    },
    { name: "own" },
  ],
});
const transport = mtls({ server: world.server, bundle });

for (const version of testedEnvoys()) {
  describe(`how far tokens travel, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let countedAfterMs = 0;

    /** Every counter of reach, by the rest of its name. */
    async function reach(): Promise<Record<string, number>> {
      const page = await envoy.admin("/stats?filter=wasmcustom\\.holdfast\\.reach");
      const counters = page.matchAll(/^wasmcustom\.holdfast\.reach\.(\S+): (\d+)$/gm);
      return Object.fromEntries([...counters].map(([, name = "", value]) => [name, Number(value)]));
    }

    before(async () => {
      const listeners = [listener({ name: "orders", filters: [holdfast(policy)], transport })];
      envoy = await startLaboratory(version, { listeners }, teardown);
      assert.deepEqual(
        new Set(Object.values(await reach())),
        new Set([0]),
        "every counter is there from the start",
      );
      for (const [credential, token, path, decision] of [
        [web, travelled, "/own", allowed],
        [web, travelled, "/own", allowed],
        [web, travelled, "/own", allowed],
        [thief, travelled, "/own", denied(401, "spiffe_mismatch")],
        [web, alices, "/any", allowed],
        [thief, alices, "/any", allowed],
        [web, old, "/own", allowed],
        [outsider, outsiders, "/own", allowed],
      ] as const) {
        assert.deepEqual((await present(envoy, credential, token, path)).decision, decision);
      }
      const last = Date.now();
      await eventually(
        "the counters are handed over",
        async () => ((await reach())["border.outside"] ?? 0) > 0,
      );
      countedAfterMs = Date.now() - last;
    });
    after(() => teardown.run());

    it("is counted on the next tick, a second later at most", () => {
      assert.ok(countedAfterMs < 2_500, `${countedAfterMs} ms`);
    });

    it("tells how old tokens are, who shows them, who accepts them, what ties them and where they cross", async () => {
      const { "since_check.1s": within1s, "since_check.10s": within10s, ...counters } = await reach();
      const counted = Object.entries(counters).filter(([, value]) => value > 0);
      assert.deepEqual(Object.fromEntries(counted), {
        "token_age.1m": 7,
        "token_age.8h": 1,
        "since_check.first": 4,
        "presenters.1": 4,
        "presenters.2": 2,
        "services.1": 4,
        "uses.bound": 5,
        "uses.unbound": 2,
        "border.same": 7,
        "border.outside": 1,
      });
      assert.equal((within1s ?? 0) + (within10s ?? 0), 4, "uses again");
    });

    // Envoy leaves out what comes before the counter's own name.
    it("is there for Prometheus, by names without a prefix", async () => {
      const page = await envoy.admin("/stats/prometheus?filter=wasmcustom\\.holdfast\\.reach");
      assert.match(page, /^holdfast_reach_uses_unbound\{\} 2$/m);
      assert.match(page, /^holdfast_reach_token_age_8h\{\} 1$/m);
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });

  describe(`the decision record in Envoy's log, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      const sampling = (name: string, sampleAllowed: number) => {
        const sampled = { ...policy, decisionLog: { sampleAllowed } };
        return listener({ name, filters: [holdfast(sampled)], transport });
      };
      const listeners = [sampling("orders", 2), sampling("rarely sampled", 1_000)];
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    /** The records of a level so far. */
    async function records(level: "info" | "warning"): Promise<unknown[]> {
      const lines = (await envoy.log()).matchAll(/\[(\w+)\]\[wasm\].* wasm log .*: holdfast (\{.*\})$/gm);
      return [...lines]
        .filter((line) => line[1] === level)
        .map((line) => JSON.parse(line[2] ?? "") as unknown);
    }

    it("has one in so many of what is allowed, at level info", async () => {
      const started = Date.now();
      for (let at = 0; at < 5; at++) await present(envoy, web, travelled, "/own");
      const sampled = await records("info");
      assert.equal(sampled.length, 2);
      for (const record of sampled) {
        const { time, age, sinceCheck, ...rest } = record as Record<string, unknown>;
        assertWithin(time, started, Date.now());
        assertWithin(age, 0, 60);
        assertWithin(sinceCheck, 0, Date.now() - started);
        assert.deepEqual(rest, {
          verdict: "allow",
          reason: "ok",
          mode: "enforce",
          rule: "own",
          issuer: "idp",
          presenter: spiffeIds.web,
          border: "same",
          token: fingerprintIn(rest),
          presenters: 1,
          services: 1,
          bound: true,
          bindings: [{ method: "spiffe", held: true }],
        });
      }
    });

    it("has what is denied, at level warning, with what did not hold", async () => {
      await present(envoy, thief, travelled, "/own");
      const [record] = (await records("warning")) as Record<string, unknown>[];
      const { verdict, reason, presenter, presenters, bindings, bound } = record ?? {};
      assert.deepEqual([verdict, reason, presenter], ["deny", "spiffe_mismatch", spiffeIds.thief]);
      assert.deepEqual([presenters, bound], [2, undefined]);
      assert.deepEqual(bindings, [{ method: "spiffe", held: false, reason: "spiffe_mismatch" }]);
    });

    it("has as many of one policy's whatever another policy's requests are", async () => {
      const before = (await records("info")).length;
      for (let at = 0; at < 4; at++) {
        await present(envoy, web, travelled, "/own", "rarely sampled");
        await present(envoy, web, travelled, "/own");
      }
      assert.equal((await records("info")).length - before, 2);
    });

    it("has no samples where Envoy does not log level info", async () => {
      const before = (await records("info")).length;
      await fetch(`${envoy.adminOrigin}/logging?wasm=warning`, { method: "POST" });
      for (let at = 0; at < 4; at++) await present(envoy, web, travelled, "/own");
      assert.equal((await records("info")).length, before);
    });

    it("never has a part of a token", async () => {
      const log = await envoy.log();
      for (const part of travelled.split(".")) assert.ok(!log.includes(part.slice(0, 20)));
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}

function present(envoy: EnvoyProcess, credential: Credential, token: string, path: string, name = "orders") {
  const client = { port: envoy.port(name), credential, bundle };
  const ask = async (all: Headers) => getOver(await connectTls(client), path, all);
  return exchange(envoy, ask, bearer(token));
}

function assertWithin(value: unknown, least: number, most: number): void {
  assert.ok(
    typeof value === "number" && value >= least && value <= most,
    `${String(value)}: ${least} to ${most}`,
  );
}

function fingerprintIn(record: Record<string, unknown>): unknown {
  assert.match(String(record["token"]), /^sha256:[0-9a-f]{16}$/);
  return record["token"];
}
