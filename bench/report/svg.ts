import type { ColumnResult, GroupResult } from "../results.ts";
import { figure } from "./markdown.ts";

// Pixels.
const WIDTH = 820;
const LABELS = 270;
const NUMBERS = 130;
const ROW = 22;
const HEAD = 44;

/** Colours of its own for dark pages; text in the system's letters. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .head { font-weight: 600; }
  .bar { fill: #8c959f; }
  .ours { fill: #1a7f64; }
  .spread { stroke: #24292f; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .bar { fill: #6e7681; }
    .ours { fill: #3fb68b; }
    .spread { stroke: #e6edf3; }
  }`;

/** The added CPU of every column as a bar, a group under the other, each group in a scale of its own. */
export function renderSvg(groups: readonly GroupResult[]): string {
  let y = 0;
  const blocks: string[] = [];
  for (const group of groups) {
    const columns = group.columns.filter(({ added }) => added !== undefined);
    if (columns.length === 0) continue;
    blocks.push(renderGroup(group.title, columns, y));
    y += HEAD + columns.length * ROW;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 12}" role="img" aria-label="Added CPU time of each request">
<style>${STYLE}
</style>
${blocks.join("\n")}
</svg>
`;
}

function renderGroup(title: string, columns: readonly ColumnResult[], top: number): string {
  const most = Math.max(...columns.map(({ added }) => added?.interval[1] ?? 0), 1);
  const scale = (value: number) => (Math.max(value, 0) / most) * (WIDTH - LABELS - NUMBERS);
  const rows = columns.map((column, i) => renderRow(column, top + HEAD + i * ROW, scale));
  return `<text class="head" x="0" y="${top + HEAD - 14}">${escape(title)}: added CPU, µs a request</text>\n${rows.join("\n")}`;
}

function renderRow(column: ColumnResult, y: number, scale: (value: number) => number): string {
  const { median, interval } = column.added ?? { median: 0, interval: [0, 0] as const };
  const isOurs = column.title.startsWith("holdfast");
  const [low, high] = interval.map((value) => (LABELS + scale(value)).toFixed(1)) as [string, string];
  const middle = y + ROW / 2 - 1;
  return [
    `<text x="${LABELS - 8}" y="${middle + 4}" text-anchor="end">${escape(column.title)}</text>`,
    `<rect class="bar${isOurs ? " ours" : ""}" x="${LABELS}" y="${y + 2}" width="${scale(median).toFixed(1)}" height="${ROW - 6}" rx="2"/>`,
    `<line class="spread" x1="${low}" x2="${high}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${(Number(high) + 8).toFixed(1)}" y="${middle + 4}">${figure(median)}</text>`,
  ].join("");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
