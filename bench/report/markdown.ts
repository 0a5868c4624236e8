import { format } from "prettier";
import { type Goal, isMet, judge, type Measured } from "../goals.ts";
import type { Machine } from "../machine.ts";
import type { ColumnResult, GroupResult } from "../results.ts";
import type { Summary } from "../statistics.ts";
import type { Figure } from "../vm.ts";

/** The report of a run, as it stands in docs/performance.md, too. */
export async function renderMarkdown(
  measured: Measured,
  machine: Machine,
  missing: readonly string[],
): Promise<string> {
  const goals = judge(measured);
  const parts = [
    describeRun(machine, missing),
    ...(goals.length > 0 ? ["### Goals", goalTable(goals)] : []),
    ...measured.groups.flatMap((group) => [`### ${group.title}`, describeGroup(group), groupTable(group)]),
    ...(measured.figures.length > 0 ? ["### Memory, start, size", figureTable(measured.figures)] : []),
  ];
  return format(parts.join("\n\n"), { parser: "markdown", printWidth: 110 });
}

function describeRun(machine: Machine, missing: readonly string[]): string {
  const { date, cpu, cores, memory, kernel, load, envoy, h2load, node, commit } = machine;
  const of = commit === "" ? "" : ` of ${commit}`;
  const absent = missing.length === 0 ? "" : ` Not measured, since not given: ${missing.join(", ")}.`;
  return `${date}, holdfast${of}: ${cpu}, ${cores} cores, ${memory} GiB, ${kernel}, load ${load} before the start; Envoy ${envoy}, h2load ${h2load}, Node ${node}.${absent}`;
}

function goalTable(goals: readonly Goal[]): string {
  const rows = goals.map((goal) => [
    goal.title,
    `${figure(goal.measured)} ${goal.unit}`,
    `${goal.limit} ${goal.unit}`,
    isMet(goal) ? "met" : "**not met**",
  ]);
  return table(["goal", "measured", "at most", ""], rows);
}

function describeGroup({ note, rounds, requests, rate }: GroupResult): string {
  const limited = rate === undefined ? "" : ` ${rate} requests a second.`;
  return `${note}${limited} ${rounds} rounds of ${requests} requests each.`;
}

function groupTable({ columns }: GroupResult): string {
  const isTimed = columns.some(({ latency }) => latency !== undefined);
  const rows = columns.map((column) => [
    column.title,
    column.added === undefined ? "" : withInterval(column.added),
    figure(column.cpu.median),
    figure(column.cpu.minimum),
    ...(isTimed ? latencies(column) : [column.throughput.median.toFixed(0)]),
  ]);
  const last = isTimed ? ["p50, ms", "p99, ms"] : ["requests/s"];
  return table(["", "added CPU, µs [interval]", "CPU, µs", "least", ...last], rows);
}

function latencies({ latency }: ColumnResult): string[] {
  return [latency?.p50, latency?.p99].map((summary) => ((summary?.median ?? Number.NaN) / 1_000).toFixed(2));
}

function figureTable(figures: readonly Figure[]): string {
  return table(
    ["", ""],
    figures.map(({ title, value, unit }) => [title, `${figure(value)} ${unit}`]),
  );
}

function withInterval({ median, interval: [low, high] }: Summary): string {
  return `${figure(median)} [${figure(low)}, ${figure(high)}]`;
}

/** Three digits that say something. */
export function figure(value: number): string {
  return Math.abs(value) < 10
    ? value.toFixed(Math.abs(value) < 1 ? 2 : 1)
    : value.toFixed(Math.abs(value) < 100 ? 1 : 0);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
