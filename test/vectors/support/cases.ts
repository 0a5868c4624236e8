import { existsSync, readFileSync, readdirSync } from "node:fs";
import { describe, it } from "node:test";

// Published cases lie beside the repository, not in it.
const FOLDER = new URL("../../../../shared/vectors/", import.meta.url);

export function isThere(path: string): boolean {
  return existsSync(new URL(path, FOLDER));
}

export function readCases(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, FOLDER), "utf8"));
}

/** Every file of a folder of cases: name and contents. */
export function readFiles(path: string): readonly (readonly [string, Buffer])[] {
  const folder = new URL(path, FOLDER);
  return readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder))]);
}

/** A suite over published cases; without them it is one skipped test that says how many are missing. */
export function describeCases(path: string, count: number, suite: () => void): void {
  if (isThere(path)) describe(`${path}, ${count} cases`, suite);
  else it(`${path}, ${count} cases`, { skip: `the folder shared/vectors has no ${path}` }, () => undefined);
}
