import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { demonstrate } from "../../envoy/demonstrate.ts";
import { runOnSignals, Teardown } from "../../envoy/process/teardown.ts";
import { testedEnvoys } from "./support/versions.ts";

const aSecond = 1 / 3_600;
const [envoy] = testedEnvoys();

describe("demonstrate", () => {
  const teardown = new Teardown();
  after(() => teardown.run());

  it("keeps everything running as long as it was told, and then ends by itself", async () => {
    runOnSignals(teardown);
    const reports: string[] = [];
    const written: string[] = [];
    let keptSince = 0;
    const report = (line: string) => {
      reports.push(line);
      if (line.includes("Everything keeps running")) keptSince = Date.now();
    };
    const table = { isTerminal: false, write: (line: string) => written.push(line) };
    const env = { ...process.env, ENVOY_VERSION: envoy };

    const asExpected = await demonstrate({ env, table, report, keepHours: aSecond }, teardown);
    assert.ok(asExpected, written.join("\n"));
    assert.notEqual(keptSince, 0, reports.join("\n"));
    assert.ok(Date.now() - keptSince >= 990, "it was kept for a second");
    assert.match(
      reports.join("\n"),
      /\n10 of 10 as expected\. The stolen token: 200 .*, 401 with holdfast\.\n/,
    );
  });
});
