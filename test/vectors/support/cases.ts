import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";

// Published cases lie beside the repository, not in it.
const FOLDER = resolve(import.meta.dirname, "../../../../shared/vectors");

export function readCases(path: string): unknown {
  return JSON.parse(readFileSync(join(FOLDER, path), "utf8"));
}

/** Every file of a folder of cases: name and contents. */
export function readFiles(path: string): readonly (readonly [string, Buffer])[] {
  return readdirSync(join(FOLDER, path)).map((name) => [name, readFileSync(join(FOLDER, path, name))]);
}

/** A suite over published cases; without them it is one skipped test that says how many are missing. */
export function describeCases(path: string, count: number, suite: () => void): void {
  if (existsSync(join(FOLDER, path))) describe(`${path}, ${count} cases`, suite);
  else it(`${path}, ${count} cases`, { skip: `the folder shared/vectors has no ${path}` }, () => undefined);
}
