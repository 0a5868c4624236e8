// What Envoy makes of root contexts: their timers, their environment and their end. docs/host.md rests on this.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readDecision } from "../../envoy/attempts/read-evidence.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { runCommand } from "../../envoy/process/run-command.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { linesOf, messagesOf, type ProbeLine, probe } from "./guests/probe.ts";
import { callsWhenConfigured, livesOn, readsEnvironment, ticksOnce, ticksSlower } from "./guests/scripts.ts";
import { type HeldAnswer, hold, sendBody } from "./support/answers.ts";
import { typeUrl } from "./support/config.ts";
import { eventually } from "./support/eventually.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { findTestedEnvoy, testedEnvoys } from "./support/versions.ts";

/** A timer may be late on a busy machine, and never is early by more than Envoy's clock is coarse. */
const coarseMs = 10;
const variables = { HOLDFAST_SECRET: "a=b c", EMPTY: "", ACCENT: "é" };

for (const version of testedEnvoys()) {
  describe(`a root context, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let keys: ScriptedServer;
    let held: HeldAnswer;
    let watchedFile: string;

    before(async () => {
      held = hold(sendBody("{}"));
      keys = await ScriptedServer.start((seen, response) => {
        held.answer(seen, response);
      }, teardown);
      watchedFile = join(await makeRunFolder(teardown), "listeners.json");
      await publish("first");
      envoy = await startLaboratory(version, { watchedFile, clusters: { keys: keys.port } }, teardown);
    });
    after(() => teardown.run());

    /** Puts the listeners in force: Envoy watches for files that are moved into place. */
    async function publish(configuration: string): Promise<void> {
      const listeners = [
        probe("ticks-once", ticksOnce),
        probe("ticks-slower", ticksSlower),
        probe("environment", readsEnvironment, { environment: variables }),
        probe("lives-on", livesOn, { configuration }),
      ];
      const resources = listeners.map((listener) => ({
        "@type": typeUrl("envoy.config.listener.v3.Listener"),
        ...listener,
      }));
      await writeFile(`${watchedFile}.next`, JSON.stringify({ resources }));
      await rename(`${watchedFile}.next`, watchedFile);
    }

    it("ticks first after its period, on the main thread and on the worker's; 0 ends it", async () => {
      await eventually("two threads tick", async () => {
        const ticks = await linesWith("ticks-once", "ticked 1");
        return ticks.length === 2;
      });
      const configured = await linesWith("ticks-once", "configured 1");
      assert.equal(configured.length, 3, "there is one more VM, which is thrown away");
      const ticks = await linesWith("ticks-once", "ticked 1");
      assert.equal(new Set(ticks.map(({ thread }) => thread)).size, 2);
      for (const { at, thread } of ticks) {
        const start = configured.findLast((line) => line.thread === thread)?.at ?? Infinity;
        assert.ok(at - start >= 200 - coarseMs, `the first tick came after ${at - start} ms`);
      }
    });

    it("changes its period within a tick", async () => {
      const ticks = async () => {
        const all = await linesWith("ticks-slower", "ticked 1");
        return all.filter(({ thread }) => thread === all[0]?.thread);
      };
      await eventually("a thread ticks twice", async () => (await ticks()).length > 1);
      const [first = 0, second = 0] = (await ticks()).map(({ at }) => at);
      assert.ok(second - first >= 400 - coarseMs, `${second - first} ms`);
    });

    it("reads its VM's environment through WASI, in any order", async () => {
      const [result = "", text = ""] = await messagesOf(envoy, "environment");
      assert.equal(result, "environment 0 0 3");
      assert.deepEqual(text.split("\0").sort(), ["", "ACCENT=é", "EMPTY=", "HOLDFAST_SECRET=a=b c"]);
    });

    it("lives on after a policy update: it ticks, is answered, and resumes its streams", async () => {
      const requestId = randomUUID();
      const response = fetch(`http://127.0.0.1:${envoy.port("lives-on")}/`, {
        headers: { "x-request-id": requestId },
      });
      await eventually("the guest has asked", () => keys.seen.length === 1);

      await publish("second");
      const newRoot = await configuredRoot((id) => id !== 1);
      const before = await linesWith("lives-on", "ticked 1");
      await eventually("the old root and the new one tick", async () => {
        const old = await linesWith("lives-on", "ticked 1");
        const fresh = await linesWith("lives-on", `ticked ${newRoot}`);
        return old.length > before.length + 2 && fresh.length > 2;
      });

      held.release();
      assert.equal((await response).status, 200);
      assert.deepEqual(await readDecision(envoy, requestId), { status: 200, verdict: "allow" });
      const messages = await messagesOf(envoy, "lives-on");
      assert.ok(messages.includes("answered 1"));
      assert.ok(!messages.includes("deleted 1"), "it is drained, and not yet deleted");
    });

    it("takes over again, without being configured, when the policy before is published", async () => {
      const count = async (message: string) => (await linesWith("lives-on", message)).length;
      const configured = await count("configured 1");
      const answered = await count("answered 1");
      await publish("first");
      await eventually("requests come to the first root context again", async () => {
        assert.equal((await fetch(`http://127.0.0.1:${envoy.port("lives-on")}/`)).status, 200);
        return (await count("answered 1")) > answered;
      });
      assert.equal(await count("configured 1"), configured);
    });

    async function linesWith(listener: string, message: string): Promise<ProbeLine[]> {
      return (await linesOf(envoy, listener)).filter((line) => line.message === message);
    }

    /** The id of a root context that has been configured on the worker's thread. */
    async function configuredRoot(isWanted: (id: number) => boolean): Promise<number> {
      let found: number | undefined;
      await eventually("the new root context is configured", async () => {
        const ids = (await messagesOf(envoy, "lives-on")).flatMap((message) => {
          const [, id] = /^configured (\d+)$/.exec(message) ?? [];
          return id === undefined ? [] : [Number(id)];
        });
        found = ids.findLast(isWanted);
        return found !== undefined;
      });
      return found ?? 0;
    }
  });

  describe(`envoy --mode validate, Envoy ${version}`, () => {
    const teardown = new Teardown();
    after(() => teardown.run());

    it("accepts a guest whose HTTP call it refuses", async () => {
      const { path: binary } = await findTestedEnvoy(version, teardown);
      const folder = await makeRunFolder(teardown);
      const configFile = join(folder, "validate.json");
      const listeners = [probe("asks", callsWhenConfigured)];
      const clusters = ["upstream", "keys"].map((name) => ({ name, type: "STATIC" }));
      await writeFile(configFile, JSON.stringify({ static_resources: { listeners, clusters } }));
      // A file, because Envoy opens the access log /dev/stdout, which cannot be done when that is a socket.
      const log = await open(join(folder, "validate.log"), "w+");
      const { code } = await runCommand(binary, ["--mode", "validate", "--config-path", configFile], {
        stdio: ["ignore", log.fd, log.fd],
      });
      const said = await readFile(join(folder, "validate.log"), "utf8");
      await log.close();
      assert.equal(code, 0, said);
      assert.match(said, /: call 2$/m);
    });
  });
}
