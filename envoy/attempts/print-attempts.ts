import colors from "picocolors";
import type { Decision } from "./list-attempts.ts";
import { isAsExpected, type Result } from "./make-attempt.ts";

/** Where the table goes: aligned and coloured on a terminal, tab-separated anywhere else. */
export interface TableOutput {
  readonly isTerminal: boolean;
  readonly write: (line: string) => void;
}

export function printTitles({ isTerminal, write }: TableOutput): void {
  write(isTerminal ? colors.bold(align("", ["attempt", "with holdfast", "only validated"])) : factTitles);
}

/** On a terminal what was expected is shown only where something else came; a pipe gets every fact of every row. */
export function printAttempt({ isTerminal, write }: TableOutput, result: Result): void {
  if (!isTerminal) {
    write(listFacts(result));
    return;
  }
  const good = isAsExpected(result);
  const { attempt, outcome } = result;
  const cells = [attempt.title, describe(decisionOf(result)), String(outcome.validatingOnly)];
  write(align(good ? colors.green("✓") : colors.red("✗"), cells));
  if (!good) write(colors.red(`  expected ${explain(result)}`));
}

/** Widths of all columns but the first and the last; with those a row has less than 100 columns. */
const widths = [45, 33];

function align(mark: string, cells: readonly string[]): string {
  return `${mark === "" ? " " : mark} ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("")}`;
}

function explain({ attempt, outcome }: Result): string {
  const expected = `${describe(attempt.expected)}, and ${attempt.validatingOnly} where tokens are only validated`;
  return outcome.counted ? expected : `${expected}; not counted`;
}

const factTitles = [
  "attempt",
  "expected with holdfast",
  "with holdfast",
  "expected validating only",
  "validating only",
  "as expected",
].join("\t");

function listFacts(result: Result): string {
  const { attempt, outcome } = result;
  return [
    attempt.title,
    describe(attempt.expected),
    describe(decisionOf(result)) + (outcome.counted ? "" : ", not counted"),
    attempt.validatingOnly,
    outcome.validatingOnly,
    isAsExpected(result) ? "yes" : "no",
  ].join("\t");
}

/** What came of an attempt, with the status that the caller got. */
function decisionOf({ outcome }: Result): Decision {
  return { ...outcome.decision, status: outcome.status };
}

function describe({ status, verdict, reason }: Decision): string {
  return [status, verdict ?? "no verdict", reason].filter((word) => word !== undefined).join(" ");
}
