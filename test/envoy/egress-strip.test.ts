// Tokens that may not leave, where the request may leave without them.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { hasGrown } from "../../envoy/attempts/read-evidence.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { spiffeIds } from "../../envoy/setup/materials.ts";
import type { Config } from "./support/config.ts";
import { allowed, bearer, denied } from "./support/decide.ts";
import { type Headers, exchange } from "./support/exchange.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { directed, leaving, nodeMetadata } from "./support/outbound.ts";
import { type PlaintextRequest, getPlaintext } from "./support/plaintext.ts";
import { shippedBackstop } from "./support/shipped.ts";
import { testedEnvoys } from "./support/versions.ts";
import { makeWorld, webClaims } from "./support/world.ts";

const { issuer } = await makeWorld();
const token = await issuer.sign(webClaims());
const thiefsToken = await issuer.sign(webClaims({ sub: spiffeIds.thief }));
const expired = await issuer.sign(webClaims({ iat: 1_000_000_000, exp: 1_000_000_060 }));

const rule = { name: "all", token: "optional", onDeny: "strip" };
const strips = leaving({ issuer, rules: [rule] });
/** Asks a server that is not there. */
const keyless = leaving({ issuer, rules: [rule], keys: { cluster: "idp", path: "/jwks" } });
const listeners = [
  directed("OUTBOUND", "strips", strips),
  directed("INBOUND", "inbound", strips),
  directed("OUTBOUND", "observes", leaving({ issuer, rules: [{ ...rule, mode: "observe" }] })),
  directed("OUTBOUND", "has no keys", keyless),
  directed("OUTBOUND", "has a backstop", strips, admitsStrip(shippedBackstop("enforce"))),
];

function stripped(reason: string) {
  return { status: 200, verdict: "strip", reason };
}

/** The backstop of docs/egress.md: what we ship for inbound listeners knows no verdict but allow. */
function admitsStrip(backstop: Config): Config {
  const text = JSON.stringify(backstop);
  assert.ok(text.includes('"exact":"allow"'), text);
  return JSON.parse(text.replace('"exact":"allow"', '"safe_regex":{"regex":"allow|strip"}')) as Config;
}

for (const version of testedEnvoys()) {
  describe(`tokens that may not leave, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      // A port that nobody listens on.
      const clusters = { idp: 1 };
      envoy = await startLaboratory(version, { listeners, clusters, nodeMetadata }, teardown);
    });
    after(() => teardown.run());

    function send(name: string, headers: Headers, to: Partial<PlaintextRequest> = {}) {
      const ask = (all: Headers) => getPlaintext(envoy.port(name), { ...to, headers: all });
      return exchange(envoy, ask, headers);
    }

    it("a token that may leave stays", async () => {
      const { decision, received } = await send("strips", bearer(token));
      assert.deepEqual(decision, allowed);
      assert.equal(received("authorization").length, 1);
    });

    it("a request without a token goes on", async () => {
      assert.deepEqual((await send("strips", [], { host: "evil.example" })).decision, allowed);
    });

    for (const [what, headers, host, reason] of [
      ["for another host", bearer(token), "evil.example", "egress_host_not_admitted"],
      ["of another workload", bearer(thiefsToken), "orders.example.org", "spiffe_mismatch"],
      ["that is expired", bearer(expired), "orders.example.org", "token_expired"],
      ["twice", [...bearer(token), ...bearer(token)], "orders.example.org", "token_duplicate"],
      ["that is none", ["authorization", "Bearer x"], "orders.example.org", "token_malformed"],
      ["of another scheme", ["authorization", "Basic YTpi"], "orders.example.org", "scheme_unsupported"],
    ] as const) {
      it(`a token ${what} does not reach the upstream, and the rest of the request does`, async () => {
        const counter = `wasmcustom.holdfast.strip.${reason}`;
        const before = await envoy.stat(counter);
        const { decision, received } = await send("strips", [...headers, "x-other", "1"], { host });
        assert.deepEqual(decision, stripped(reason));
        assert.deepEqual(received("authorization"), []);
        assert.deepEqual(received("x-other"), ["1"]);
        assert.deepEqual(received("host"), [host]);
        assert.ok(await hasGrown(envoy, counter, before));
        const record = new RegExp(`\\[warning\\].*holdfast \\{"verdict":"strip","reason":"${reason}"`);
        assert.match(await envoy.log(), record);
      });
    }

    it("who comes by a listener that is not outbound is denied: there the sender is somebody else", async () => {
      const { decision, received } = await send("inbound", bearer(token));
      assert.deepEqual(decision, denied(403, "listener_not_outbound"));
      assert.deepEqual(received("authorization"), []);
    });

    it("a token in the query cannot be taken out, so that the request is denied", async () => {
      const path = `/orders/1?access_token=${thiefsToken}`;
      for (const headers of [[], bearer(thiefsToken), bearer(token)]) {
        const { decision } = await send("strips", headers, { path });
        assert.deepEqual(decision, denied(400, "token_in_query"));
      }
    });

    it("a request for two hosts at once is denied", async () => {
      const { decision } = await send("strips", [...bearer(token), "host", "evil.example"]);
      assert.deepEqual(decision, denied(400, "authority_ambiguous"));
    });

    it("what is not the token's fault is answered", async () => {
      assert.deepEqual((await send("has no keys", bearer(token))).decision, denied(503, "keys_absent"));
    });

    it("observe mode takes nothing out", async () => {
      const { decision, received } = await send("observes", bearer(thiefsToken));
      assert.deepEqual(decision, { status: 200, verdict: "would-deny", reason: "spiffe_mismatch" });
      assert.equal(received("authorization").length, 1);
    });

    it("goes on past a backstop that admits strip by name", async () => {
      assert.deepEqual((await send("has a backstop", bearer(token))).decision, allowed);
      const { decision } = await send("has a backstop", bearer(thiefsToken));
      assert.deepEqual(decision, stripped("spiffe_mismatch"));
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
