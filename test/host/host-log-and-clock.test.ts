import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, LOG_LEVELS, Status } from "../../cli/host/index.ts";
import type { LogLine } from "../../cli/host/index.ts";
import { OUT, probe } from "./support/probe.ts";

describe("the log", () => {
  it("keeps lines from its level on and hands them to the sink", () => {
    const seen: LogLine[] = [];
    const host = new Host({ logLevel: "warn", onLog: (line) => void seen.push(line) });
    LOG_LEVELS.forEach((level, number) => {
      assert.equal(probe({ host, call: "proxy_log", args: [number, level] }).status, Status.Ok);
    });
    assert.deepEqual(
      host.logs.map(({ level, message }) => `${level}:${message}`),
      ["warn:warn", "error:error", "critical:critical"],
    );
    assert.deepEqual(seen, host.logs);
  });

  it("refuses a level that does not exist", () => {
    assert.equal(probe({ call: "proxy_log", args: [6, "x"] }).status, Status.BadArgument);
    assert.equal(probe({ call: "proxy_log", args: [-1, "x"] }).status, Status.BadArgument);
  });

  it("tells the guest its level", () => {
    const result = probe({ call: "proxy_get_log_level", args: [OUT], hostOptions: { logLevel: "error" } });
    assert.equal(result.words[0], LOG_LEVELS.indexOf("error"));
  });

  it("stays bounded and keeps the newest", () => {
    const host = new Host();
    for (let i = 0; i < 50_000; i++) host.log.write({ level: "info", message: String(i), plugin: 0 });
    assert.ok(host.logs.length >= 10_000 && host.logs.length <= 20_000);
    assert.equal(host.logs.at(-1)?.message, "49999");
  });
});

describe("the clock", () => {
  it("is the injected one, in nanoseconds, exact beyond what a double holds", () => {
    const hostOptions = { now: () => 1_700_000_000.000_001 };
    const result = probe({ call: "proxy_get_current_time_nanoseconds", args: [OUT], hostOptions });
    const [low = 0, high = 0] = result.words;
    const time = (BigInt(high) << 32n) | BigInt(low);
    // A double of 1.7e9 seconds is itself good to a quarter of a microsecond.
    assert.ok(time >= 1_700_000_000_000_000_750n && time <= 1_700_000_000_000_001_250n, String(time));
  });
});

describe("a timer period", () => {
  it("belongs to the plugin, also when set from a stream", () => {
    const result = probe({ call: "proxy_set_tick_period_milliseconds", args: [250] });
    assert.equal(result.status, Status.Ok);
    assert.equal(result.plugin.tickPeriodMilliseconds, 250);
  });
});
