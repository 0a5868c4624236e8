import { Failure } from "./failure.ts";
import { readFile } from "./read-file.ts";

/** The JSON in a file; `-` is standard input. */
export function readJson(path: string): unknown {
  const text = readFile(path).toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(`${path}: no JSON`);
  }
}
