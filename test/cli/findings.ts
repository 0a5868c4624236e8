// What `holdfast check` finds in files that have one flaw each.

import assert from "node:assert/strict";
import { Files, holdfast } from "./support.ts";

/** A file's name and text; anything but a text as JSON. */
export type Given = readonly [name: string, content: unknown];

/** A finding by its id, and by how the text goes on from where it is. */
export type Expected = readonly [rule: string, at: string];

interface Report {
  readonly level: string;
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Asserts that a check of these files finds this, in order, and nothing else. */
export async function finds(
  given: readonly Given[],
  expected: readonly Expected[],
  args: readonly string[] = [],
): Promise<void> {
  const files = new Files();
  const paths = given.map(([name, content]) => files.write(name, content));
  const { code, out, err } = await holdfast(["check", "--format", "json", ...args, ...paths]);
  assert.equal(err, "");
  const reports = JSON.parse(out) as readonly Report[];
  const said = reports.map(({ rule, message }) => `${rule}: ${message}`).join("\n");
  assert.deepEqual(
    reports.map(({ rule }) => rule),
    expected.map(([rule]) => rule),
    said,
  );
  const texts = given.map(([, content]) => (typeof content === "string" ? content : JSON.stringify(content)));
  for (const [i, { rule, file, line, column }] of reports.entries()) {
    const found = (texts[paths.indexOf(file)] ?? "").split("\n")[line - 1]?.slice(column - 1) ?? "";
    const at = expected[i]?.[1] ?? "";
    assert.ok(found.startsWith(at), `${rule} is at ${found}, not at ${at}`);
  }
  const isWarned = reports.some(({ level }) => level === "warning");
  assert.equal(code, isWarned ? 1 : 0, "notes alone are no failure");
}

/** A text with another one in place of a part; the part has to be there once. */
export function changed(text: string, from: string, to: string): string {
  assert.equal(text.split(from).length, 2, `${JSON.stringify(from)} is there once`);
  return text.replace(from, () => to);
}
