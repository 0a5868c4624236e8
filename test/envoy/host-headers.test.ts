// What becomes of a request's headers when a filter changes them: docs/host.md rests on this.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import type { GuestScript } from "./guests/assemble-guest.ts";
import { messagesOf, probe } from "./guests/probe.ts";
import { stopAllIterationAndWatermark } from "./guests/scripts.ts";
import {
  call,
  forEachRemembered,
  period,
  remember,
  removeHeader,
  replaceHeader,
  resume,
} from "./guests/steps.ts";
import { sendBody } from "./support/answers.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { ScriptedServer } from "./support/scripted-server.ts";
import { testedEnvoys } from "./support/versions.ts";

const changes = [
  removeHeader("x-twice"),
  removeHeader("x-not-there"),
  removeHeader("authorization"),
  replaceHeader("x-set", "by the filter"),
  replaceHeader("x-new", "v".repeat(12_000)),
];
const changesAtOnce: GuestScript = { onRequestHeaders: changes };
const changesFromAnswer: GuestScript = {
  onRequestHeaders: [remember(), call("keys", 5_000)],
  returns: stopAllIterationAndWatermark,
  onHttpCallResponse: [forEachRemembered(...changes, resume())],
};
const changesFromTick: GuestScript = {
  onConfigure: [period(20)],
  onRequestHeaders: [remember()],
  returns: stopAllIterationAndWatermark,
  onTick: [forEachRemembered(...changes, resume())],
};

for (const version of testedEnvoys()) {
  describe(`a request's headers, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      const keys = await ScriptedServer.start(sendBody("{}"), teardown);
      const listeners = [
        probe("at-once", changesAtOnce),
        probe("from-answer", changesFromAnswer),
        probe("from-tick", changesFromTick),
      ];
      envoy = await startLaboratory(version, { listeners, clusters: { keys: keys.port } }, teardown);
    });
    after(() => teardown.run());

    for (const listener of ["at-once", "from-answer", "from-tick"]) {
      it(`are changed ${listener}, all values of a name at once`, async () => {
        const answer = await fetch(`http://127.0.0.1:${envoy.port(listener)}/`, {
          headers: [
            ["x-twice", "1"],
            ["x-twice", "2"],
            ["x-set", "by the client"],
            ["authorization", "Bearer abc"],
          ],
        });
        const { headers } = (await answer.json()) as { headers: [string, string][] };
        const values = (name: string) => headers.filter((pair) => pair[0] === name).map(([, value]) => value);
        assert.deepEqual(values("x-twice"), []);
        assert.deepEqual(values("authorization"), []);
        assert.deepEqual(values("x-set"), ["by the filter"]);
        assert.deepEqual(values("x-new"), ["v".repeat(12_000)]);
        const statuses = (await messagesOf(envoy, listener)).filter((line) => /^(remove|replace)/.test(line));
        assert.deepEqual(statuses, ["remove 0", "remove 0", "remove 0", "replace 0", "replace 0"]);
      });
    }
  });
}
