import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { type Attempt, listAttempts } from "../../envoy/attempts/list-attempts.ts";
import type { Outcome, Result } from "../../envoy/attempts/make-attempt.ts";
import { printAttempt, printTitles } from "../../envoy/attempts/print-attempts.ts";
import { summarize } from "../../envoy/attempts/summarize.ts";

const terminalColumns = 100;
const attempts = listAttempts({ good: "", expired: "", unknownKey: "", unsecured: "", certificateBound: "" });

/** What has to come of an attempt, with changes. */
function resultOf(attempt: Attempt, changes: Partial<Outcome> = {}): Result {
  const { expected: decision, validatingOnly } = attempt;
  return {
    attempt,
    outcome: { status: decision.status, decision, counted: true, validatingOnly, ...changes },
  };
}

const asExpected = attempts.map((attempt) => resultOf(attempt));
/** Everything lets everything pass, and nothing is counted. */
const wideOpen = attempts.map((attempt) =>
  resultOf(attempt, { status: 200, decision: { status: 200 }, counted: false, validatingOnly: 200 }),
);

function print(results: readonly Result[], isTerminal: boolean): string[] {
  const lines: string[] = [];
  const output = { isTerminal, write: (line: string) => lines.push(stripVTControlCharacters(line)) };
  printTitles(output);
  for (const result of results) printAttempt(output, result);
  return lines;
}

describe("the table on a terminal", () => {
  it("has a line for each attempt: a tick, what came of it, and nothing of what was expected", () => {
    const [, ...rows] = print(asExpected, true);
    assert.equal(rows.length, attempts.length);
    const stolen = rows.find((row) => row.includes("from another workload")) ?? "";
    assert.match(stolen, /^✓ the same token, from another workload +401 deny spiffe_mismatch +200$/);
  });

  it("says below a row that is not as expected what was", () => {
    const [, ...rows] = print(wideOpen, true);
    const at = rows.findIndex((row) => row.includes("from another workload"));
    assert.match(rows[at] ?? "", /^✗ the same token, from another workload +200 no verdict +200$/);
    assert.equal(
      rows[at + 1],
      "  expected 401 deny spiffe_mismatch, and 200 where tokens are only validated; not counted",
    );
  });

  it(`fits ${terminalColumns} columns`, () => {
    const summaries = [summarize(asExpected), summarize(wideOpen)];
    for (const line of [...print(asExpected, true), ...print(wideOpen, true), ...summaries])
      assert.ok(line.length <= terminalColumns, `${line.length} columns: ${line}`);
  });
});

describe("the table in a pipe", () => {
  it("has every fact of every attempt, with tabs between them", () => {
    const [titles = "", ...rows] = print(wideOpen, false).map((line) => line.split("\t"));
    assert.equal(rows.length, attempts.length);
    for (const row of rows) assert.equal(row.length, titles.length);
    assert.deepEqual(rows[1], [
      "the same token, from another workload",
      "401 deny spiffe_mismatch",
      "200 no verdict, not counted",
      "200",
      "200",
      "no",
    ]);
  });
});

describe("summarize", () => {
  it("tells what became of the stolen token", () => {
    assert.equal(
      summarize(asExpected),
      "10 of 10 as expected. The stolen token: 200 where tokens are only validated, 401 with holdfast.",
    );
  });

  it("tells what was seen, not what was expected", () => {
    assert.equal(
      summarize(wideOpen),
      "0 of 10 as expected. The stolen token: 200 where tokens are only validated, 200 with holdfast.",
    );
  });
});
