// What a filter that sees requests only can learn of their answers, from a tick and at their end: docs/host.md rests on this.

import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import type { GuestScript } from "./guests/assemble-guest.ts";
import { messagesOf, probe } from "./guests/probe.ts";
import { forEachRemembered, period, propertyValue, remember, say } from "./guests/steps.ts";
import { eventually } from "./support/eventually.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { testedEnvoys } from "./support/versions.ts";

const answer = ["response.code", "response.code_details"].map((path) => propertyValue(path));

const looks: GuestScript = {
  onConfigure: [period(20)],
  onRequestHeaders: [remember()],
  onTick: [forEachRemembered(say("in a tick"), ...answer)],
  onDelete: [say("at its end"), ...answer],
};
const ends: GuestScript = { onRequestHeaders: [], onDelete: looks.onDelete ?? [] };

for (const version of testedEnvoys()) {
  describe(`what a filter learns of an answer, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let upstream: ScriptedServer;

    before(async () => {
      upstream = await ScriptedServer.start(({ path }, response) => {
        response.writeHead(Number(path.slice(1)));
        response.write("begun");
        if (path !== "/201") response.end();
      }, teardown);
      const listeners = [probe("looks", looks), probe("ends", ends)];
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
      const stopped = new AbortController();
      const response = await send("looks", "/201", stopped.signal);
      await eventually("the guest sees it", async () =>
        sees("looks", "in a tick", seen(201, "via_upstream")),
      );
      stopped.abort();
      await response.body?.cancel().catch(() => undefined);
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

    it("shows that an answer is Envoy's own", async () => {
      await upstream.goDown();
      await (await send("ends", "/200")).text();
      await eventually("the guest sees it", async () => {
        const [status, details = ""] = await lastSeen("ends", "at its end");
        return (
          status === seen(503, "")[0] && textOf(details).startsWith("upstream_reset_before_response_started")
        );
      });
    });
  });
}

function seen(status: number, details: string): string[] {
  const code = Buffer.alloc(8);
  code.writeUInt32LE(status);
  return [
    `response.code 0 ${code.toString("hex")}`,
    `response.code_details 0 ${Buffer.from(details).toString("hex")}`,
  ];
}

function textOf(line: string): string {
  return Buffer.from(line.split(" ").at(-1) ?? "", "hex").toString();
}
