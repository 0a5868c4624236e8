import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Status } from "../../cli/host/index.ts";
import { MetricIds } from "../../cli/host/metric-ids.ts";
import { Stats } from "../../cli/host/stats.ts";
import { OUT, probe } from "./support/probe.ts";

const COUNTER = 0;
const GAUGE = 1;
const HISTOGRAM = 2;
const NO_SUCH_ID = 1 << 20;

function fresh() {
  const stats = new Stats();
  const ids = new MetricIds(stats);
  const define = (type: number) => {
    const id = ids.define(type, "m");
    assert.ok(id !== undefined);
    return id;
  };
  return { stats, ids, define };
}

describe("metrics", () => {
  it("defined twice by one name have two ids and one value, as in Envoy", () => {
    const { stats, ids, define } = fresh();
    const [first, second] = [define(COUNTER), define(COUNTER)];
    assert.notEqual(first, second);
    ids.increment(first, 2);
    ids.increment(second, 3);
    assert.equal(stats.counterValue("m"), 5);
  });

  it("of different kinds share a name without sharing a value", () => {
    const { stats, ids, define } = fresh();
    ids.increment(define(COUNTER), 1);
    ids.record(define(GAUGE), 7);
    ids.record(define(HISTOGRAM), 9);
    assert.equal(stats.counterValue("m"), 1);
    assert.equal(stats.gaugeValue("m"), 7);
    assert.deepEqual(stats.histogramSamples("m"), { count: 1, sum: 9 });
  });

  it("a counter takes no step of 0 or below; recording adds to it", () => {
    const { stats, ids, define } = fresh();
    const id = define(COUNTER);
    assert.equal(ids.increment(id, 0), Status.BadArgument);
    assert.equal(ids.increment(id, -1), Status.BadArgument);
    assert.equal(ids.record(id, 4), Status.Ok);
    assert.equal(stats.counterValue("m"), 4);
  });

  it("a gauge goes up and down", () => {
    const { stats, ids, define } = fresh();
    const id = define(GAUGE);
    ids.increment(id, 5);
    ids.increment(id, -2);
    assert.equal(stats.gaugeValue("m"), 3);
  });

  it("a histogram can neither be incremented nor read", () => {
    const { ids, define } = fresh();
    const id = define(HISTOGRAM);
    assert.equal(ids.increment(id, 1), Status.BadArgument);
    assert.equal(ids.get(id), Status.BadArgument);
  });

  it("have no value while nobody has defined them, so that a misspelt name cannot pass for 0", () => {
    const { stats, define } = fresh();
    define(COUNTER);
    assert.equal(stats.counterValue("m"), 0);
    assert.throws(() => stats.counterValue("n"), /no guest has defined a counter n; expected one of: m/);
    assert.throws(() => stats.gaugeValue("m"), /no guest has defined a gauge m; none is defined/);
  });

  it("with an id that was never given are NotFound", () => {
    const { ids } = fresh();
    for (const type of [COUNTER, GAUGE]) {
      assert.equal(ids.increment(NO_SUCH_ID | type, 1), Status.NotFound);
      assert.equal(ids.get(NO_SUCH_ID | type), Status.NotFound);
    }
    for (const type of [COUNTER, GAUGE, HISTOGRAM])
      assert.equal(ids.record(NO_SUCH_ID | type, 1), Status.NotFound);
  });
});

describe("metrics from the guest", () => {
  it("are defined with an id that has the type in its low bits", () => {
    for (const type of [COUNTER, GAUGE, HISTOGRAM]) {
      const result = probe({ call: "proxy_define_metric", args: [type, "m", OUT] });
      assert.equal(result.status, Status.Ok);
      assert.equal((result.words[0] ?? 0) & 3, type);
    }
  });

  it("of an unknown type are BadArgument", () => {
    assert.equal(probe({ call: "proxy_define_metric", args: [3, "m", OUT] }).status, Status.BadArgument);
  });

  it("take 64-bit steps", () => {
    assert.equal(probe({ call: "proxy_increment_metric", args: [4, 1n] }).status, Status.NotFound);
    assert.equal(probe({ call: "proxy_record_metric", args: [6, 2n ** 40n] }).status, Status.NotFound);
  });
});
