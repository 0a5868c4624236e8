import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { SUITES } from "../suites.ts";
import type { Suite, SuitePath } from "../suites.ts";

// Published cases lie beside the repository, not in it.
const FOLDER = resolve(import.meta.dirname, "../../../../shared/vectors");

export function readCases(path: string): unknown {
  return JSON.parse(readFileSync(join(FOLDER, path), "utf8"));
}

/** Every file of a folder of cases: name and contents. Nothing that says where they are from. */
export function readFiles(path: string, extension: string): readonly (readonly [string, Buffer])[] {
  return readdirSync(join(FOLDER, path))
    .filter((name) => name.endsWith(extension))
    .map((name) => [name, readFileSync(join(FOLDER, path, name))]);
}

export function suiteAt(path: SuitePath): Suite {
  const suite = SUITES.find((other) => other.path === path);
  if (suite === undefined) throw new Error(`${path} is not in test/vectors/suites.ts`);
  return suite;
}

/** A suite over published cases; without them it is one skipped test that says how many are missing. */
export function describeSuite(path: SuitePath, tests: () => void): void {
  const title = `${path}, ${suiteAt(path).cases} cases`;
  if (existsSync(join(FOLDER, path))) describe(title, tests);
  else it(title, { skip: `the folder shared/vectors has no ${path}` }, () => undefined);
}
