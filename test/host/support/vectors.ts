import { existsSync, readFileSync } from "node:fs";

// Published cases live beside the repository, not in it.
const FOLDER = new URL("../../../../shared/vectors/", import.meta.url);

/** The JSON of a vector file, or undefined where the folder is absent. */
export function vectors(path: string): unknown {
  const file = new URL(path, FOLDER);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}
