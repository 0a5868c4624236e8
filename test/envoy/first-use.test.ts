// Tokens that name nobody, at real workers: whoever shows one first keeps it, once it is known to be good.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { after, before, describe, it } from "node:test";
import type { TLSSocket } from "node:tls";
import type { Credential } from "../../envoy/identity/authority.ts";
import { readDecision } from "../../envoy/attempts/read-evidence.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, issuer } from "../../envoy/setup/materials.ts";
import { type Client, connectTls, getOver, tlsOptions } from "./support/client.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const WORKERS = 2;
/** The kernel spreads new connections over the workers: with so many, none is left out. */
const CONNECTIONS = 12;
/** A tick, and what a busy machine needs on top of it. */
const TICK_MS = 1_000;
const GRACE_MS = 1_500;
/** HTTP/2's error code of a client that does not want the answer any more. */
const CANCEL = 8;

const HEADER = "x-api-token";
const mismatch = denied(401, "first_use_mismatch");
const quarantined = denied(401, "token_quarantined");

const world = await makeWorld();
const { web, thief } = world;
const { bundle } = world.authority;

const rule = (name: string, issuers: readonly string[], firstUse: object) => ({
  name,
  when: { pathPrefix: `/${name}` },
  issuers,
  bind: [{ firstUse }],
});
const policy = makePolicy(
  {},
  {
    issuers: {
      idp: { issuer, audiences: [audience], keys: inlineKeys(world.issuer) },
      legacy: { header: HEADER, introspection: "upstream" },
    },
    rules: [
      rule("mine", ["idp"], {}),
      rule("contested", ["idp"], { quarantine: true }),
      rule("address", ["idp"], { by: "address" }),
      rule("legacy", ["legacy"], {}),
    ],
  },
);

/** A new token that names nobody. */
const sign = (): Promise<string> => world.issuer.sign(webClaims({ sub: "reports", jti: randomUUID() }));
/** A new token of which only the upstream knows whether it is good. */
const opaque = (): readonly string[] => [HEADER, randomUUID()];

for (const version of testedEnvoys()) {
  describe(`tokens that name nobody, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      // The last segment of a path is the status of the answer; below /legacy/long that never ends.
      const upstream = await ScriptedServer.start(({ path }, response) => {
        response.writeHead(Number(path.slice(-3)), { "content-type": "text/plain" });
        response.write("begun");
        if (!path.startsWith("/legacy/long")) response.end();
      }, teardown);
      const orders = listener({
        name: "orders",
        filters: [holdfast(policy)],
        transport: mtls({ server: world.server, bundle }),
      });
      const clusters = { upstream: upstream.port };
      envoy = await startLaboratory(version, { listeners: [orders], clusters, workers: WORKERS }, teardown);
    });
    after(() => teardown.run());

    const clientOf = (credential: Credential): Client => ({
      port: envoy.port("orders"),
      credential,
      bundle,
    });
    const present = (credential: Credential, headers: readonly string[], path: string) =>
      decide(envoy, clientOf(credential), headers, path);

    /** As `present`, over a connection from another address. */
    async function presentFrom(localAddress: string, headers: readonly string[], path: string) {
      const requestId = randomUUID();
      const client = clientOf(web);
      const socket = await connectTls(client, {
        socket: connectTcp({ host: "127.0.0.1", port: client.port, localAddress }),
      });
      await getOver(socket, path, ["x-request-id", requestId, ...headers]);
      return readDecision(envoy, requestId);
    }

    /** A request of web's whose answer has begun, and goes on until the connection is closed. */
    async function begin([name = "", value = ""]: readonly string[]): Promise<TLSSocket> {
      const socket = await connectTls(clientOf(web));
      const lines = ["GET /legacy/long/200 HTTP/1.1", "host: orders.example.org", `${name}: ${value}`];
      socket.write(`${lines.join("\r\n")}\r\n\r\n`);
      await once(socket, "data");
      return socket;
    }

    it("are whose they were first, at every worker", async () => {
      const stolen = bearer(await sign());
      assert.deepEqual(await present(web, stolen, "/mine/200"), allowed);
      for (let i = 0; i < CONNECTIONS; i++) {
        assert.deepEqual(await present(thief, stolen, "/mine/200"), mismatch);
        assert.deepEqual(await present(web, stolen, "/mine/200"), allowed);
      }
      const his = bearer(await sign());
      assert.deepEqual(await present(thief, his, "/mine/200"), allowed);
      assert.deepEqual(await present(web, his, "/mine/200"), mismatch);
      const page = await envoy.admin("/stats?filter=worker_\\d.downstream_cx_total");
      const busy = [...page.matchAll(/(worker_\d)\.downstream_cx_total: [1-9]/g)].map(([, worker]) => worker);
      assert.equal(new Set(busy).size, WORKERS, page);
    });

    it("are one presenter's of many who come at the same time", async () => {
      const contested = bearer(await sign());
      const decisions = await Promise.all(
        Array.from({ length: 2 * CONNECTIONS }, (_, i) =>
          present(i % 2 === 0 ? web : thief, contested, "/mine/200").then(({ verdict }) => [i % 2, verdict]),
        ),
      );
      const winners = new Set(decisions.filter(([, verdict]) => verdict === "allow").map(([who]) => who));
      assert.equal(winners.size, 1);
      assert.equal(decisions.filter(([, verdict]) => verdict === "allow").length, CONNECTIONS);
    });

    it("are nobody's any more in quarantine, at every worker", async () => {
      const token = bearer(await sign());
      assert.deepEqual(await present(web, token, "/contested/200"), allowed);
      assert.deepEqual(await present(thief, token, "/contested/200"), mismatch);
      for (let i = 0; i < CONNECTIONS; i++)
        for (const credential of [web, thief])
          assert.deepEqual(await present(credential, token, "/contested/200"), quarantined);
    });

    it("are an address's where the rule says so, and not one that a header makes up", async () => {
      const token = bearer(await sign());
      for (const credential of [web, thief])
        assert.deepEqual(await present(credential, token, "/address/200"), allowed);
      assert.deepEqual(await presentFrom("127.0.0.2", token, "/address/200"), mismatch);
      const spoofed = ["x-forwarded-for", "127.0.0.1", ...token];
      assert.deepEqual(
        await presentFrom("127.0.0.2", spoofed, "/address/200"),
        denied(401, "source_unknown"),
      );
    });

    it("are their presenter's once an upstream has taken what it alone can verify", async () => {
      const token = opaque();
      assert.deepEqual(await present(web, token, "/legacy/200"), allowed);
      for (let i = 0; i < CONNECTIONS; i++)
        assert.deepEqual(await present(thief, token, "/legacy/200"), mismatch);
      assert.deepEqual(await present(web, token, "/legacy/200"), allowed);
    });

    it("are anybody's where the upstream has refused them", async () => {
      for (const status of [401, 403]) {
        const token = opaque();
        const refused = { status, verdict: "allow" };
        assert.deepEqual(await present(web, token, `/legacy/${status}`), refused);
        assert.deepEqual(await present(thief, token, `/legacy/${status}`), refused);
        assert.deepEqual(await present(web, token, "/legacy/404"), { status: 404, verdict: "allow" });
        assert.deepEqual(await present(thief, token, "/legacy/404"), mismatch);
      }
    });

    it("are their presenter's about a second after an answer has begun that goes on", async (test) => {
      const token = opaque();
      const socket = await begin(token);
      try {
        const begun = Date.now();
        // The upstream refuses whoever asks here, so that asking does not make the token his.
        await eventually("the token is noted", async () => {
          return (await present(thief, token, "/legacy/401")).reason === mismatch.reason;
        });
        const took = Date.now() - begun;
        test.diagnostic(`noted after ${took} ms`);
        assert.ok(took <= TICK_MS + GRACE_MS, `${took} ms`);
        assert.deepEqual(await present(web, token, "/legacy/200"), allowed);
      } finally {
        socket.destroy();
      }
    });

    it("are their presenter's when he leaves before an answer has ended", async () => {
      const token = opaque();
      const socket = await begin(token);
      const left = "http.orders.downstream_cx_destroy_remote_active_rq";
      const before = await envoy.stat(left);
      socket.destroy();
      await eventually("Envoy sees that he has left", async () => (await envoy.stat(left)) > before);
      assert.deepEqual(await present(thief, token, "/legacy/200"), mismatch);
    });

    it("are their presenter's when he resets a stream before an answer has ended", async () => {
      const [name = "", value = ""] = opaque();
      const session = connectHttp2(`https://127.0.0.1:${envoy.port("orders")}`, {
        ...tlsOptions(clientOf(web)),
      });
      try {
        const resets = "http.orders.downstream_rq_rx_reset";
        const before = await envoy.stat(resets);
        const headers = { ":path": "/legacy/long/200", ":authority": "orders.example.org", [name]: value };
        const stream = session.request(headers);
        stream.on("error", () => undefined);
        await once(stream, "response");
        stream.close(CANCEL);
        await eventually("Envoy sees the reset", async () => (await envoy.stat(resets)) > before);
      } finally {
        session.destroy();
      }
      assert.deepEqual(await present(thief, [name, value], "/legacy/200"), mismatch);
    });

    it("lose nothing of what an upstream has taken", async () => {
      assert.equal(await envoy.stat("wasmcustom.holdfast.first_use.lost"), 0);
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
