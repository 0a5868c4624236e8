// What a filter that sees requests only can learn of their answers, from a tick and at their end: docs/host.md rests on this.

import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { messagesOf, probe } from "./guests/probe.ts";
import { looksAtEnds, looksInTicks } from "./guests/scripts.ts";
import { eventually } from "./support/eventually.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { testedEnvoys } from "./support/versions.ts";

/** HTTP/2's error code of a client that does not want the answer any more. */
const CANCEL = 8;
/** Long enough for the headers to have gone before. */
const BREAK_MS = 50;
const SEVERAL_TICKS_MS = 100;

for (const version of testedEnvoys()) {
  describe(`what a filter learns of an answer, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let upstream: ScriptedServer;

    before(async () => {
      upstream = await ScriptedServer.start(({ path }, response) => {
        if (path === "/silent") return;
        response.writeHead(Number(path.slice(1, 4)));
        response.write("begun");
        if (path === "/200/broken") setTimeout(() => response.destroy(), BREAK_MS);
        else if (path !== "/201") response.end();
      }, teardown);
      const listeners = [probe("looks", looksInTicks), probe("ends", looksAtEnds)];
      envoy = await startLaboratory(version, { listeners, clusters: { upstream: upstream.port } }, teardown);
    });
    after(() => teardown.run());

    const send = (listener: string, path: string, signal?: AbortSignal) =>
      fetch(`http://127.0.0.1:${envoy.port(listener)}${path}`, signal ? { signal } : {});

    /** The last that the guest has seen of an answer: its status and Envoy's details, where there is any. */
    async function lastSeen(listener: string, when: string): Promise<readonly string[]> {
      const lines = await messagesOf(envoy, listener);
      const at = lines.findLastIndex((line) => line.startsWith(when));
      return at < 0 || lines.length < at + 3 ? [] : lines.slice(at + 1, at + 3);
    }

    const sees = async (listener: string, when: string, expected: readonly string[]) =>
      isDeepStrictEqual(await lastSeen(listener, when), expected);

    it("shows its status once its headers came from the upstream, in a tick", async () => {
      // The guest looks at each request once, in the first tick after it: on a busy machine that may be too soon, so another is sent.
      await eventually("the guest sees it", async () => {
        const stopped = new AbortController();
        const response = await send("looks", "/201", stopped.signal);
        await sleep(SEVERAL_TICKS_MS);
        const hasSeen = await sees("looks", "in a tick", seen(201, "via_upstream"));
        stopped.abort();
        await response.body?.cancel().catch(() => undefined);
        return hasSeen;
      });
    });

    for (const status of [200, 401, 403, 500]) {
      it(`shows status ${status} at the end of the request`, async () => {
        await (await send("ends", `/${status}`)).text();
        await eventually("the guest sees it", async () =>
          sees("ends", "at its end", seen(status, "via_upstream")),
        );
      });
    }

    it("shows its status of one whose client has left, and that it has", async () => {
      const stopped = new AbortController();
      const response = await send("ends", "/201", stopped.signal);
      stopped.abort();
      await response.body?.cancel().catch(() => undefined);
      await eventually("the guest sees it", async () =>
        sees("ends", "at its end", seen(201, "downstream_remote_disconnect")),
      );
    });

    it("shows no status of one whose client has left before there was any", async () => {
      const stopped = new AbortController();
      const asked = upstream.seen.length;
      const response = send("ends", "/silent", stopped.signal).catch(() => undefined);
      await eventually("the upstream is asked", () => upstream.seen.length > asked);
      stopped.abort();
      await response;
      await eventually("the guest sees it", async () =>
        sees("ends", "at its end", ["response.code 1 ", details("downstream_remote_disconnect")]),
      );
    });

    it("shows its status of one that its client has reset, and that it was", async () => {
      const session = connectHttp2(`http://127.0.0.1:${envoy.port("ends")}`);
      try {
        const stream = session.request({ ":path": "/201" });
        stream.on("error", () => undefined);
        await once(stream, "response");
        stream.close(CANCEL);
        await eventually("the guest sees it", async () =>
          sees("ends", "at its end", seen(201, "http2.remote_reset")),
        );
      } finally {
        session.destroy();
      }
    });

    it("shows its status of one that its upstream has broken off, and that it has", async () => {
      const response = await send("ends", "/200/broken");
      await response.text().catch(() => undefined);
      await eventually("the guest sees it", async () => {
        const [status, of = ""] = await lastSeen("ends", "at its end");
        return status === seen(200, "")[0] && textOf(of).startsWith("upstream_reset_after_response_started");
      });
    });

    it("shows that an answer is Envoy's own", async () => {
      await upstream.goDown();
      await (await send("ends", "/200")).text();
      await eventually("the guest sees it", async () => {
        const [status, of = ""] = await lastSeen("ends", "at its end");
        return status === seen(503, "")[0] && textOf(of).startsWith("upstream_reset_before_response_started");
      });
    });
  });
}

function seen(status: number, text: string): string[] {
  const code = Buffer.alloc(8);
  code.writeUInt32LE(status);
  return [`response.code 0 ${code.toString("hex")}`, details(text)];
}

function details(text: string): string {
  return `response.code_details 0 ${Buffer.from(text).toString("hex")}`;
}

function textOf(line: string): string {
  return Buffer.from(line.split(" ").at(-1) ?? "", "hex").toString();
}
