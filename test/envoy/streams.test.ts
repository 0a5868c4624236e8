// Requests that go on are judged again by a real Envoy's filter, and closed in the middle of an answer when they do not hold any more.

import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { type Client, tlsOptions } from "./support/client.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { bundle } = world.authority;

const STREAMS = 1000;
const SESSIONS = 10;
/** A tick, and what a busy machine needs on top of it. */
const TICK_MS = 1_000;
const GRACE_MS = 1_500;

const revalidating = makePolicy(inlineKeys(world.issuer), {
  rules: [{ name: "all", revalidate: { every: "10s" } }],
});
const exact = JSON.parse(JSON.stringify(revalidating)) as { issuers: { idp: { clockSkew?: string } } };
exact.issuers.idp.clockSkew = "0s";

for (const version of testedEnvoys()) {
  describe(`requests that go on, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      // Begins to answer, and never ends; below /silent it never begins.
      const upstream = await ScriptedServer.start((seen, response) => {
        if (seen.path.startsWith("/silent")) return;
        response.writeHead(200, { "content-type": "text/plain" });
        response.write("first");
      }, teardown);
      const orders = listener({
        name: "orders",
        filters: [holdfast(exact)],
        transport: mtls({ server: world.server, bundle }),
      });
      envoy = await startLaboratory(
        version,
        { listeners: [orders], clusters: { upstream: upstream.port } },
        teardown,
      );
    });
    after(() => teardown.run());

    it("one that has no answer yet is answered: 401, or UNAUTHENTICATED for gRPC", async () => {
      const client: Client = { port: envoy.port("orders"), credential: world.web, bundle };
      const exp = Math.ceil(Date.now() / 1000) + 2;
      const token = await world.issuer.sign(webClaims({ exp }));
      const session = connectHttp2(`https://127.0.0.1:${client.port}`, { ...tlsOptions(client) });
      try {
        const ask = async (headers: Record<string, string>) => {
          const stream = session.request({
            ":path": "/silent",
            ":authority": "orders.example.org",
            authorization: `Bearer ${token}`,
            ...headers,
          });
          const [answer] = (await once(stream, "response")) as [Record<string, unknown>];
          stream.resume();
          return answer;
        };
        const [plain, grpc] = await Promise.all([
          ask({}),
          ask({ ":method": "POST", "content-type": "application/grpc", te: "trailers" }),
        ]);
        assert.equal(plain[":status"], 401);
        assert.equal(plain["www-authenticate"], 'Bearer realm="holdfast", error="invalid_token"');
        assert.deepEqual([grpc[":status"], grpc["grpc-status"]], [200, "16"]);
      } finally {
        session.destroy();
      }
    });

    it(`${STREAMS} of them are closed within a tick after their token has ended, and not before`, async () => {
      const client: Client = { port: envoy.port("orders"), credential: world.web, bundle };
      const exp = Math.ceil(Date.now() / 1000) + 6;
      const token = await world.issuer.sign(webClaims({ exp }));
      const sessions = Array.from({ length: SESSIONS }, () =>
        connectHttp2(`https://127.0.0.1:${client.port}`, { ...tlsOptions(client) }),
      );
      try {
        const streams = await openAll(sessions, token, STREAMS);
        const openedAt = Date.now();
        assert.ok(openedAt < exp * 1000, "the machine was too slow");
        const closedAt = await Promise.all(streams.map(({ closed }) => closed));
        const late = Math.max(...closedAt) - exp * 1000;
        const early = exp * 1000 - Math.min(...closedAt);
        assert.ok(early <= 0, `${early} ms early`);
        assert.ok(late <= TICK_MS + GRACE_MS, `${late} ms late`);
        assert.equal(await envoy.stat("wasmcustom.holdfast.close.token_expired"), 2 + STREAMS);
      } finally {
        for (const session of sessions) session.destroy();
      }
      await assertNoVmFailed(envoy);
    });
  });
}

interface OpenStream {
  /** When it ended, in milliseconds since the epoch. */
  readonly closed: Promise<number>;
}

/** Opens streams evenly over the sessions, each of which has begun to be answered. */
async function openAll(
  sessions: readonly ClientHttp2Session[],
  token: string,
  count: number,
): Promise<OpenStream[]> {
  await Promise.all(sessions.map((session) => once(session, "remoteSettings")));
  const opening = Array.from({ length: count }, async (_, at) => {
    const stream = sessionAt(sessions, at).request({
      ":path": "/orders/1",
      ":authority": "orders.example.org",
      authorization: `Bearer ${token}`,
    });
    stream.on("error", () => undefined);
    const closed = new Promise<number>((resolve) => {
      stream.once("close", () => {
        resolve(Date.now());
      });
    });
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    assert.equal(headers[":status"], 200);
    stream.resume();
    return { closed };
  });
  return Promise.all(opening);
}

function sessionAt(sessions: readonly ClientHttp2Session[], at: number): ClientHttp2Session {
  const session = sessions[at % sessions.length];
  assert.ok(session);
  return session;
}
