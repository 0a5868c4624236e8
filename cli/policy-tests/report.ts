// What came of tests, for people and for programs.

import { NOTES, type ReasonNote } from "../../docs/reference/reason-notes.ts";
import { colors } from "../colors.ts";
import type { RuleCoverage } from "./coverage.ts";
import type { Result, Run } from "./run.ts";

const MAX_BINDING = 56;

export function failuresIn(runs: readonly Run[]): number {
  return runs.flatMap(({ results }) => results).filter(({ differences }) => differences.length > 0).length;
}

export function asText(runs: readonly Run[]): string {
  const failed = failuresIn(runs);
  const all = runs.flatMap(({ results }) => results).length;
  return `${runs.map(runText).join("")}${all - failed} passed, ${failed} failed\n`;
}

function runText({ file, results, coverage }: Run): string {
  return [file, ...results.flatMap(resultLines), ...coverageLines(coverage), ""].join("\n");
}

function resultLines({ name, differences, outcome }: Result): string[] {
  if (differences.length === 0) return [`  ${colors.green("ok  ")} ${name}`];
  const width = Math.max(...differences.map(({ member }) => member.length));
  const margin = " ".repeat(7);
  return [
    `  ${colors.red("FAIL")} ${name}`,
    ...differences.flatMap(({ member, expected, got, place }) => [
      `${margin}${colors.dim(place)}`,
      `${margin}  ${member.padEnd(width)}  expected  ${colors.green(text(expected))}`,
      `${margin}  ${" ".repeat(width)}  got       ${colors.red(text(got))}`,
    ]),
    `${margin}${outcome.verdict}: ${outcome.reason}. ${meaningOf(outcome.reason)}`,
  ];
}

function meaningOf(reason: string): string {
  return (NOTES as Readonly<Record<string, ReasonNote>>)[reason]?.means ?? "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** How often each rule was asked, and each of its bindings held and was refused. */
function coverageLines(rules: readonly RuleCoverage[]): string[] {
  const rows = rules.flatMap(({ rule, requests, bindings }) => [
    { name: rule, cells: [requests] },
    ...bindings.map(({ binding, held, refused }) => ({
      name: `  ${binding.length > MAX_BINDING ? `${binding.slice(0, MAX_BINDING - 1)}…` : binding}`,
      cells: [undefined, held, refused],
    })),
  ]);
  const title = "rules and bindings";
  const width = Math.max(title.length, ...rows.map(({ name }) => name.length));
  const head = `  ${title.padEnd(width)}  requests      held   refused`;
  return [
    colors.dim(head),
    ...rows.map(({ name, cells }) => `  ${name.padEnd(width)}${cells.map(cell).join("")}`.trimEnd()),
  ];
}

function cell(count: number | undefined): string {
  const shown = (count === 0 ? "never" : String(count ?? "")).padStart(10);
  return count === 0 ? colors.yellow(shown) : shown;
}

/** https://github.com/testmoapp/junitxml: what CI systems read. */
export function asJunit(runs: readonly Run[]): string {
  const suites = runs.map(({ file, results, coverage }) => {
    const failed = results.filter(({ differences }) => differences.length > 0).length;
    const name = escape(file);
    const body = `${properties(coverage)}${results.map(caseOf).join("")}`;
    return `<testsuite name="${name}" tests="${results.length}" failures="${failed}">${body}</testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>${suites.join("")}</testsuites>\n`;
}

function caseOf({ name, differences }: Result): string {
  const said = differences.map(
    ({ member, expected, got, place }) =>
      `${member}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)} (${place})`,
  );
  const failure = said.length === 0 ? "" : `<failure message="${escape(said.join("; "))}"/>`;
  return `<testcase name="${escape(name)}">${failure}</testcase>`;
}

function properties(coverage: readonly RuleCoverage[]): string {
  const pairs = coverage.flatMap(({ rule, requests, bindings }) => [
    [`rule ${rule}`, `${requests} requests`] as const,
    ...bindings.map(
      ({ binding, held, refused }) =>
        [`rule ${rule}, binding ${binding}`, `held ${held}, refused ${refused}`] as const,
    ),
  ]);
  const all = pairs.map(([name, value]) => `<property name="${escape(name)}" value="${escape(value)}"/>`);
  return `<properties>${all.join("")}</properties>`;
}

/** XML has no place for most control characters, in any spelling. */
function escape(text: string): string {
  return text
    .replace(/[\p{Cc}]/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;");
}
