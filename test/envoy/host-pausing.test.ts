// What Envoy makes of a stopped request: docs/host.md rests on this.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:http2";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readDecision } from "../../envoy/attempts/read-evidence.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { messagesOf, probe } from "./guests/probe.ts";
import {
  missesStream,
  repliesFromAnswer,
  resumesFromAnswer,
  resumesFromTick,
  stopAllIterationAndWatermark,
  stopIteration,
  stops,
  trapsBesideWaiting,
} from "./guests/scripts.ts";
import { type HeldAnswer, hold, sendBody } from "./support/answers.ts";
import { eventually } from "./support/eventually.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { testedEnvoys } from "./support/versions.ts";

const patienceMs = 300;
const largeBody = Buffer.alloc(5_000_000);

for (const version of testedEnvoys()) {
  describe(`a stopped request, Envoy ${version}`, () => {
    const teardown = new Teardown();
    const impatience = new AbortController();
    let envoy: EnvoyProcess;
    let keys: ScriptedServer;
    let held: HeldAnswer;

    before(async () => {
      held = hold(sendBody("{}"));
      keys = await ScriptedServer.start((seen, response) => {
        held.answer(seen, response);
      }, teardown);
      const permitted = { allowOnHeadersStopIteration: true };
      const listeners = [
        probe("stop-all", stops(stopAllIterationAndWatermark)),
        probe("stop-all-permitted", stops(stopAllIterationAndWatermark), permitted),
        probe("stop", stops(stopIteration)),
        probe("stop-permitted", stops(stopIteration), permitted),
        probe("resumed-by-answer", resumesFromAnswer),
        probe("refused-by-answer", repliesFromAnswer),
        probe("resumed-by-tick", resumesFromTick),
        probe("left", missesStream),
        probe("trapped", trapsBesideWaiting),
      ];
      envoy = await startLaboratory(version, { listeners, clusters: { keys: keys.port } }, teardown);
    });
    after(() => {
      impatience.abort();
      return teardown.run();
    });

    const reached = () => envoy.stat("cluster.upstream.upstream_rq_total");
    const urlOf = (listener: string) => `http://127.0.0.1:${envoy.port(listener)}/waits`;

    /** The request's status; 0 when the client gave up first. */
    async function send(listener: string, options: RequestInit = {}): Promise<number> {
      const request = fetch(urlOf(listener), { signal: impatience.signal, ...options });
      return request.then(
        ({ status }) => status,
        () => 0,
      );
    }

    /** Like `send`, with what the access log says of it. */
    async function decide(listener: string) {
      const requestId = randomUUID();
      await send(listener, { headers: { "x-request-id": requestId } });
      return readDecision(envoy, requestId);
    }

    const waits = async (request: Promise<unknown>) =>
      (await Promise.race([request, sleep(patienceMs, "waits")])) === "waits";

    const asked = async (count: number) => {
      await eventually(`the guest has asked ${count} times`, () => keys.seen.length === count);
    };

    for (const listener of ["stop-all", "stop-all-permitted", "stop"]) {
      it(`holds back a body of 5 MB too, and lets all of it go on later (${listener})`, async () => {
        const before = await reached();
        const request = send(listener, { method: "POST", body: largeBody });
        assert.ok(await waits(request));
        assert.equal(await reached(), before);
        void send(listener);
        assert.equal(await request, 200);
        assert.equal(await reached(), before + 1);
      });
    }

    it("goes on as soon as its body comes, where a plain StopIteration is permitted", async () => {
      assert.ok(await waits(send("stop-permitted")));
      assert.equal(await send("stop-permitted", { method: "POST", body: largeBody }), 200);
    });

    it("can be read, marked and resumed with others from the callback of an answer", async () => {
      held = hold(sendBody("{}"));
      const earlier = keys.seen.length;
      const decisions = [1, 2, 3].map(() => decide("resumed-by-answer"));
      await asked(earlier + 3);
      held.release();
      const letGo = { status: 200, verdict: "allow" };
      assert.deepEqual(await Promise.all(decisions), [letGo, letGo, letGo]);
      const each = ["as 0", "headers 0 1", "request.path 0", "mark 0", "resume 0", "headers 0 0"];
      const messages = await messagesOf(envoy, "resumed-by-answer");
      assert.deepEqual(
        messages.filter((message) => !message.startsWith("call")),
        [...each, ...each, ...each],
      );
    });

    it("can be resumed from a tick", async () => {
      assert.deepEqual(await decide("resumed-by-tick"), { status: 200, verdict: "allow" });
    });

    it("can be answered with others from the callback of an answer", async () => {
      held = hold(sendBody("{}"));
      const before = await reached();
      const earlier = keys.seen.length;
      const decisions = [1, 2, 3].map(() => decide("refused-by-answer"));
      await asked(earlier + 3);
      held.release();
      const refused = { status: 403, verdict: "allow" };
      assert.deepEqual(await Promise.all(decisions), [refused, refused, refused]);
      assert.equal(await reached(), before);
    });

    it("takes the VM down when one callback answers 400 of them, and not when it answers 32", async () => {
      assert.deepEqual(countEach(await answerTogether(32)), { 403: 32 });
      const statuses = countEach(await answerTogether(400));
      assert.ok((statuses[403] ?? 0) > 128 && (statuses[503] ?? 0) > 0, JSON.stringify(statuses));
      assert.match(await envoy.log(), /Uncaught RangeError: Maximum call stack size exceeded/);
    });

    it("that its client has left is gone for the guest, which gets the answer all the same", async () => {
      held = hold(sendBody("{}"));
      const earlier = keys.seen.length;
      const client = new AbortController();
      const request = send("left", { signal: client.signal });
      await asked(earlier + 1);
      client.abort();
      await request;
      await eventually("the stream is deleted", async () =>
        (await messagesOf(envoy, "left")).includes("deleted 2"),
      );
      held.release();
      await eventually("the answer is there", async () =>
        (await messagesOf(envoy, "left")).some((message) => message.startsWith("answer")),
      );
      const messages = await messagesOf(envoy, "left");
      assert.deepEqual(messages.slice(0, 3), ["call 0", "deleted 2", "as 2"]);
      assert.match(messages[3] ?? "", /^answer [1-9]/);
    });

    it("gets nothing at all when its VM traps", async () => {
      const request = send("trapped");
      await eventually(
        "the request waits",
        async () => (await envoy.stat("http.trapped.downstream_rq_active")) === 1,
      );
      assert.equal(await send("trapped"), 503);
      assert.ok(await waits(request));
    });

    /** Lets so many requests wait on one connection, answers them in one callback, and gives their statuses. */
    async function answerTogether(count: number): Promise<number[]> {
      held = hold(sendBody("{}"));
      const session = connect(new URL(urlOf("refused-by-answer")).origin);
      try {
        const earlier = keys.seen.length;
        const statuses = Array.from({ length: count }, async () => {
          const stream = session.request({ ":path": "/waits" });
          let status = 0;
          stream.on("response", (headers) => (status = headers[":status"] ?? 0)).resume();
          await once(stream, "close");
          return status;
        });
        await asked(earlier + count);
        held.release();
        return await Promise.all(statuses);
      } finally {
        session.destroy();
      }
    }
  });
}

function countEach(statuses: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
