// What Envoy makes of CEL expressions: docs/host.md rests on this.

import assert from "node:assert/strict";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { celCases, celFacts, isCreated } from "../host/support/cel-cases.ts";
import type { CelCase } from "../host/support/cel-cases.ts";
import {
  createsInStreams,
  deletes,
  evaluates,
  evaluatesFromTick,
  evaluatesWrongTokens,
  goesToTheLimits,
} from "./guests/cel-scripts.ts";
import { messagesOf, probe, probeFilter } from "./guests/probe.ts";
import { get } from "./support/client.ts";
import { typeUrl } from "./support/config.ts";
import { eventually } from "./support/eventually.ts";
import { setFilterState, setMetadata } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { makeWorld } from "./support/world.ts";

const world = await makeWorld();
const { bundle } = world.authority;

for (const version of testedEnvoys()) {
  describe(`CEL expressions, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let cases: readonly CelCase[];
    let created: readonly string[];
    let evaluated: readonly string[];

    before(async () => {
      cases = celCases(/\b1\.37\./.test(version) ? "1.37" : "1.40");
      const evaluate = evaluates(cases.map(({ expression }) => expression));
      const filters = [
        setMetadata(celFacts.metadata),
        setFilterState(celFacts.filterState),
        probeFilter("cel", evaluate),
      ];
      const transport = mtls({ server: world.server, bundle });
      envoy = await startLaboratory(
        version,
        { listeners: [listener({ name: "cel", filters, transport })] },
        teardown,
      );
      const before = await messagesOf(envoy, "cel");
      created = before.slice(0, cases.length);
      const client = { port: envoy.port("cel"), credential: world.web, bundle };
      await get(client, celFacts.path, celFacts.headers.flat());
      evaluated = (await messagesOf(envoy, "cel")).slice(before.length + 1);
    });
    after(() => teardown.run());

    it("each expression is created and evaluated as the table says", () => {
      assert.equal(evaluated.length, cases.length);
      for (const [index, { expression, evaluated: expected }] of cases.entries()) {
        const status = isCreated(expected) ? /^expr_create 0 [0-9a-f]{8}$/ : /^expr_create 2 $/;
        assert.match(created[index] ?? "", status, expression);
        assert.equal(evaluated[index], `expr_evaluate ${expected}`, expression);
      }
    });
  });

  describe(`CEL expressions and contexts, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let watchedFile: string;

    before(async () => {
      watchedFile = join(await makeRunFolder(teardown), "listeners.json");
      await publish("first");
      envoy = await startLaboratory(version, { watchedFile }, teardown);
    });
    after(() => teardown.run());

    /** Puts the listeners in force: Envoy watches for files that are moved into place. */
    async function publish(configuration: string): Promise<void> {
      const resources = [
        probe("from-tick", evaluatesFromTick),
        probe("deletes", deletes, { configuration }),
        probe("in-streams", createsInStreams),
        probe("wrong-tokens", evaluatesWrongTokens),
        probe("limits", goesToTheLimits),
      ].map((resource) => ({ "@type": typeUrl("envoy.config.listener.v3.Listener"), ...resource }));
      await writeFile(`${watchedFile}.next`, JSON.stringify({ resources }));
      await rename(`${watchedFile}.next`, watchedFile);
    }

    /** What the guest logs of one request. */
    async function request(name: string, path: string): Promise<string[]> {
      const earlier = (await messagesOf(envoy, name)).length;
      // On a new connection: one that is kept stays with the listener before an update.
      const headers = { connection: "close" };
      const response = await fetch(`http://127.0.0.1:${envoy.port(name)}${path}`, { headers });
      assert.equal(response.status, 200);
      return (await messagesOf(envoy, name)).slice(earlier);
    }

    it("the context is the one whose callback runs, not the effective one", async () => {
      const [, , whenConfigured] = await messagesOf(envoy, "from-tick");
      assert.equal(whenConfigured, "expr_evaluate 10 ");
      assert.deepEqual(await request("from-tick", "/a"), [
        "expr_evaluate 0 2f61",
        ...["as 0", "request.path 0", "expr_evaluate 10 ", "expr_evaluate 0 66726f6d2d7469636b", "resume 0"],
      ]);
    });

    it("an expression lives until it is deleted, and belongs to its root context", async () => {
      const expression = `expr_evaluate 0 ${Buffer.from("deletes").toString("hex")}`;
      const once = [expression, "expr_delete 0 ", "expr_delete 0 ", "expr_evaluate 1 "];
      assert.deepEqual(await request("deletes", "/"), once);
      const creations = await countOf("expr_create 0 00000000");
      await publish("second");
      await eventually("the new root contexts have created theirs, with the same token", async () => {
        return (await countOf("expr_create 0 00000000")) >= creations + 3;
      });
      await eventually("requests come to the new root context", async () => {
        return (await request("deletes", "/")).includes(expression);
      });
    });

    it("an expression that a stream has created is there for later ones", async () => {
      assert.deepEqual(await request("in-streams", "/a"), ["expr_create 0 00000000", "expr_evaluate 0 2f61"]);
      assert.deepEqual(await request("in-streams", "/b"), ["expr_create 0 01000000", "expr_evaluate 0 2f62"]);
    });

    it("a token of another size is BadArgument, an unknown one NotFound", async () => {
      const messages = await request("wrong-tokens", "/");
      assert.deepEqual(messages, ["expr_evaluate 2 ", "expr_evaluate 2 ", "expr_evaluate 1 "]);
    });

    it("length is not limited; depth, loops and patterns are", async () => {
      const messages = await messagesOf(envoy, "limits");
      assert.deepEqual(messages.slice(0, 12), [
        ...["expr_create 0 00000000", "expr_create 0 01000000"],
        ...["expr_create 2 ", "expr_create 2 "],
        ...["expr_create 0 02000000", "expr_create 0 03000000", "expr_create 0 04000000"],
        ...["expr_evaluate 0 01", "expr_evaluate 0 01"],
        ...["expr_evaluate 0 01", "expr_evaluate 10 ", "expr_evaluate 10 "],
      ]);
    });

    it("no VM fails", () => assertNoVmFailed(envoy));

    async function countOf(message: string): Promise<number> {
      return (await messagesOf(envoy, "deletes")).filter((one) => one === message).length;
    }
  });
}
