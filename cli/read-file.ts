import { readFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Failure } from "./failure.ts";

/** The file's bytes; `-` is standard input. */
export function readFile(path: string): Buffer {
  try {
    return readFileSync(path === "-" ? 0 : path);
  } catch (failure) {
    throw unreadable(path, failure);
  }
}

/** The same for a file that is read piece by piece. */
export async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (failure) {
    throw unreadable(path, failure);
  }
}

function unreadable(path: string, failure: unknown): Failure {
  return new Failure(`${path}: cannot be read (${reasonOf(failure)})`);
}

function reasonOf(failure: unknown): string {
  const { code = "unknown" } = failure as { readonly code?: string };
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EISDIR":
      return "it is a folder";
    case "EACCES":
      return "not permitted";
    default:
      return code;
  }
}
