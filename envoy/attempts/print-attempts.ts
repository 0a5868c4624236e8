import colors from "picocolors";
import type { Attempt, Decision } from "./list-attempts.ts";
import { isAsExpected, type Outcome } from "./make-attempt.ts";

const titles = ["attempt", "expected", "with holdfast", "validating only", "as expected"] as const;
const widths = [45, 36, 36, 17, 0] as const;

/** Where the table goes: aligned and coloured on a terminal, tab-separated anywhere else. */
export interface TableOutput {
  readonly isTerminal: boolean;
  readonly write: (line: string) => void;
}

export function printTitles({ isTerminal, write }: TableOutput): void {
  write(isTerminal ? colors.bold(align(titles)) : titles.join("\t"));
}

export function printAttempt({ isTerminal, write }: TableOutput, attempt: Attempt, outcome: Outcome): void {
  const good = isAsExpected(attempt, outcome);
  const cells = [
    attempt.title,
    describe(attempt.expected, true),
    describe({ ...outcome.decision, status: outcome.status }, outcome.counted),
    String(outcome.validatingOnly),
  ];
  if (!isTerminal) {
    write([...cells, good ? "yes" : "no"].join("\t"));
    return;
  }
  write(align(cells) + (good ? colors.green("✓") : colors.red("✗")));
}

function describe({ status, verdict, reason }: Decision, counted: boolean): string {
  const words = [status, verdict ?? "no verdict", reason].filter((word) => word !== undefined);
  return words.join(" ") + (counted ? "" : ", not counted");
}

function align(cells: readonly string[]): string {
  return cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("");
}
