import { Failure } from "./failure.ts";
import { refuseMark } from "./manifests.ts";
import { readFile } from "./read-file.ts";

/** The JSON in a file; `-` is standard input. */
export function readJson(path: string): unknown {
  const text = readFile(path).toString("utf8");
  refuseMark(path, text);
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(`${placeOfError(path, text)}: no JSON`);
  }
}

/** Node does not always tell where: it is behind the longest beginning that merely ends too early. */
function placeOfError(path: string, text: string): string {
  let [good, bad] = [0, text.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isBeginning(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  const before = text.slice(0, good).split("\n");
  return `${path}:${before.length}:${(before.at(-1) ?? "").length + 1}`;
}

/** Whether more could make JSON of it. */
function isBeginning(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (failure) {
    const { message } = failure as SyntaxError;
    const [, position] = /at position (\d+)/.exec(message) ?? [];
    return position === undefined ? message.includes("Unexpected end") : Number(position) >= text.length;
  }
}
