import { Failure } from "./failure.ts";
import { readFile } from "./read-file.ts";

/** The JSON in a file; `-` is standard input. */
export function readJson(path: string): unknown {
  const text = readFile(path).toString("utf8");
  try {
    return JSON.parse(text);
  } catch (failure) {
    throw new Failure(`${path}:${placeIn(text, String(failure))}: no JSON: it ends to make sense here`);
  }
}

/** Line and column where reading stopped: V8 says at which character, or nothing where the text ends too soon. */
function placeIn(text: string, message: string): string {
  const [, position = text.length] = /position (\d+)/.exec(message) ?? [];
  const before = text.slice(0, Number(position)).split("\n");
  return `${before.length}:${(before.at(-1) ?? "").length + 1}`;
}
