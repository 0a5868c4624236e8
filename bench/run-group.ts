import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ExplainedError } from "../envoy/process/explained-error.ts";
import { Teardown } from "../envoy/process/teardown.ts";
import type { Column } from "./column.ts";
import type { Group, Setting } from "./group.ts";
import { readTimes } from "./load/h2load.ts";
import type { ColumnResult, GroupResult } from "./results.ts";
import { type LoadOptions, type Measurement, Stage } from "./stage.ts";
import { quantile, summarize } from "./statistics.ts";
import { verify } from "./verify.ts";

/** Counters reach Envoy with the filter's tick, once a second. */
const UNTIL_COUNTED_MS = 1_500;

/** How long a run is. */
export interface Extent {
  readonly rounds: number;
  /** Requests of a column in a round. */
  readonly requests: number;
  /** Requests of a column before the first round, for caches and compilers. */
  readonly warmUp: number;
}

/** What is to be measured of a group. */
export interface Plan {
  readonly extent: Extent;
  /** The columns that are wanted, by ID; undefined: all. */
  readonly columns: readonly string[] | undefined;
}

/** One measurement of a column, and how long its requests took where that was asked for. */
type Sample = Measurement & { readonly times: readonly number[] };

/**
 * Measures a group: starts its Envoys, verifies every column, and sends load in rounds. Each round has every column once, and begins
 * with another one than the round before.
 * @throws ExplainedError when a column does not do what it says.
 */
export async function runGroup(
  group: Group,
  setting: Setting,
  binary: string,
  { extent, columns: only }: Plan,
  report: (line: string) => void,
): Promise<GroupResult> {
  const columns = chosen(await group.columns(setting), only);
  const teardown = new Teardown();
  setting.teardown.defer(() => teardown.run());
  try {
    report(`${group.id}: starts ${columns.length} columns`);
    const stage = await Stage.start(binary, setting.world, columns, teardown);
    for (const column of columns) {
      await verify(stage, column);
      await stage.measure(column, extent.warmUp, group);
      await column.prepare?.(stage);
    }
    const load = { streams: group.streams };
    const rate =
      group.timesRequests === true ? await halfOfTheSlowest(stage, columns, extent, load) : undefined;
    const log = join(setting.folder, "h2load.log");
    const samples = await holdStill(stage, columns, () =>
      runRounds(group, columns, extent, report, async (column) => {
        const timed = rate === undefined ? load : { ...load, rate, log };
        const measured = await stage.measure(column, extent.requests, timed);
        return { ...measured, times: rate === undefined ? [] : readTimes(await readFile(log, "utf8")) };
      }),
    );
    const { id, title, note } = group;
    const { rounds, requests } = extent;
    const results = columns.map((column) => summarizeColumn(column, columns, samples));
    return { id, title, note, rounds, requests, ...(rate !== undefined && { rate }), columns: results };
  } finally {
    await teardown.run();
  }
}

/** The wanted columns, and those that they are compared with. */
function chosen(columns: readonly Column[], only: readonly string[] | undefined): readonly Column[] {
  if (only === undefined) return columns;
  const wanted = columns.filter(({ id }) => only.includes(id));
  return columns.filter(
    (column) => wanted.includes(column) || wanted.some((other) => baselineOf(other, columns) === column),
  );
}

/** The column without filters that has the same requests. */
function baselineOf(column: Column, columns: readonly Column[]): Column | undefined {
  if (column.filters.length === 0) return undefined;
  return columns.find(
    ({ filters, traffic, workers }) =>
      filters.length === 0 && traffic.id === column.traffic.id && workers === column.workers,
  );
}

async function halfOfTheSlowest(
  stage: Stage,
  columns: readonly Column[],
  { requests }: Extent,
  load: LoadOptions,
): Promise<number> {
  const throughputs: number[] = [];
  for (const column of columns)
    throughputs.push((await stage.measure(column, 2 * requests, load)).throughput);
  return Math.floor(Math.min(...throughputs) / 2);
}

async function runRounds(
  group: Group,
  columns: readonly Column[],
  { rounds }: Extent,
  report: (line: string) => void,
  measure: (column: Column) => Promise<Sample>,
): Promise<ReadonlyMap<Column, readonly Sample[]>> {
  const samples = new Map(columns.map((column) => [column, [] as Sample[]]));
  for (let round = 0; round < rounds; round++) {
    const first = round % columns.length;
    for (const column of [...columns.slice(first), ...columns.slice(0, first)])
      samples.get(column)?.push(await measure(column));
    if ((round + 1) % 5 === 0 || round + 1 === rounds) report(`${group.id}: round ${round + 1} of ${rounds}`);
  }
  return samples;
}

/** Lets `act` run, and sees to it that no counter moves that a column says stands still. */
async function holdStill<T>(stage: Stage, columns: readonly Column[], act: () => Promise<T>): Promise<T> {
  const watched = columns.flatMap((column) =>
    column.unmoved === undefined ? [] : [{ column, counter: column.unmoved }],
  );
  if (watched.length === 0) return act();
  const read = () => Promise.all(watched.map(({ column, counter }) => stage.server(column).stat(counter)));
  await sleep(UNTIL_COUNTED_MS);
  const before = await read();
  const result = await act();
  await sleep(UNTIL_COUNTED_MS);
  const after = await read();
  const moved = watched.find((_, i) => before[i] !== after[i]);
  if (moved === undefined) return result;
  throw new ExplainedError(
    `the column "${moved.column.title}" does not do what it says: ${moved.counter} was to stand still while it was measured, and moved.`,
  );
}

function summarizeColumn(
  column: Column,
  columns: readonly Column[],
  samples: ReadonlyMap<Column, readonly Sample[]>,
): ColumnResult {
  const own = samples.get(column) ?? [];
  const cpu = own.map((sample) => sample.cpu);
  const baseline = baselineOf(column, columns);
  const base = baseline === undefined ? undefined : samples.get(baseline);
  const isTimed = own.some(({ times }) => times.length > 0);
  const time = (share: number) => summarize(own.map(({ times }) => quantile(times, share)));
  return {
    id: column.id,
    title: column.title,
    cpu: summarize(cpu),
    ...(base !== undefined && {
      added: summarize(cpu.map((value, i) => value - (base[i]?.cpu ?? Number.NaN))),
    }),
    throughput: summarize(own.map(({ throughput }) => throughput)),
    ...(isTimed && { latency: { p50: time(0.5), p99: time(0.99) } }),
    rounds: cpu,
  };
}
