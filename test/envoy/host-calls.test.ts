// What Envoy makes of an HTTP call: docs/host.md rests on this.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { messagesOf, probe } from "./guests/probe.ts";
import { calls } from "./guests/scripts.ts";
import { hang, sendBody, sendStatus, trickle } from "./support/answers.ts";
import { eventually } from "./support/eventually.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { type Answer, ScriptedServer } from "./support/scripted-server.ts";
import { testedEnvoys } from "./support/versions.ts";

/** Long enough for a busy machine, short enough to wait for. */
const timeoutMs = 1_000;

/** Sends the headers and a part of the body, and breaks off. */
const breakOff: Answer = (_, response) => {
  response.writeHead(200, { "content-length": "1000" });
  response.write("part", () => setTimeout(() => response.destroy(), 20));
};

interface Case {
  readonly title: string;
  readonly answer: Answer;
  /** What the guest logs after the count of headers, which is Envoy's and the server's affair. */
  readonly seen: readonly string[];
}

const whole = ["pairs 0 1", "trailers 0 0"];
/** Neither headers nor a body. */
const nothing = ["answer 0 0 0", "pairs 0 0", "trailers 0 0", "body 1 0"];

const cases: readonly Case[] = [
  { title: "200", answer: sendBody("hello"), seen: ["answer 5 0", ...whole, "body 0 5"] },
  { title: "200 without a body", answer: sendBody(""), seen: ["answer 0 0", ...whole, "body 0 0"] },
  { title: "304", answer: sendStatus(304, { etag: '"1"' }), seen: ["answer 0 0", ...whole, "body 0 0"] },
  {
    title: "a body of 3 MB, whole",
    answer: sendBody(Buffer.alloc(3_000_000)),
    seen: ["answer 3000000 0", ...whole, "body 0 3000000"],
  },
  {
    title: "a body in chunks, joined",
    answer: trickle("onetwothree", 3, 10),
    seen: ["answer 11 0", ...whole, "body 0 11"],
  },
  { title: "nothing, where the answer broke off", answer: breakOff, seen: nothing },
  {
    title: "nothing, where the body was not there in time",
    answer: trickle("slow", 4, timeoutMs),
    seen: nothing,
  },
  {
    title: "Envoy's own short text (504), where no answer came in time",
    answer: hang,
    seen: ["answer 24 0", ...whole, "body 0 24"],
  },
];

for (const version of testedEnvoys()) {
  describe(`an HTTP call, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let server: ScriptedServer;

    before(async () => {
      server = await ScriptedServer.start(hang, teardown);
      const nobody = await ScriptedServer.start(hang, teardown);
      await nobody.goDown();
      const listeners = ["keys", "nobody", "missing"].map((cluster) =>
        probe(cluster, calls(cluster, timeoutMs)),
      );
      const clusters = { keys: server.port, nobody: nobody.port };
      envoy = await startLaboratory(version, { listeners, clusters }, teardown);
    });
    after(() => teardown.run());

    /** Lets the guest call, and gives what it logs of that. */
    async function logged(cluster: string, last: string): Promise<string[]> {
      const earlier = (await messagesOf(envoy, cluster)).length;
      assert.equal((await fetch(`http://127.0.0.1:${envoy.port(cluster)}/`)).status, 200);
      let messages: string[] = [];
      await eventually(`the guest logs "${last}"`, async () => {
        messages = (await messagesOf(envoy, cluster)).slice(earlier);
        return messages.some((message) => message.startsWith(last));
      });
      return messages;
    }

    for (const { title, answer, seen } of cases) {
      it(`gives the root context ${title}`, async () => {
        server.answerWith(answer);
        const [started, answered, counts = "", ...rest] = await logged("keys", "body");
        assert.deepEqual([started, answered], ["call 0", "answered 1"]);
        const count = counts.replace(/(?<=^answer )[1-9]\d* /, "");
        assert.deepEqual([count, ...rest], seen);
      });
    }

    it("gives Envoy's own text (503), where nobody listens", async () => {
      const messages = await logged("nobody", "body");
      assert.deepEqual(messages.slice(0, 2), ["call 0", "answered 1"]);
      assert.match(messages[2] ?? "", /^answer 3 \d+ 0$/);
    });

    it("to a cluster that is not there is refused at once with BadArgument", async () => {
      assert.deepEqual(await logged("missing", "call"), ["call 2"]);
    });
  });
}
