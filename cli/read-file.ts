import { readFileSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Failure } from "./failure.ts";

const PIECE_BYTES = 64 * 1024;
const PAUSE_MS = 20;

/** The file's bytes; `-` is standard input. */
export function readFile(path: string): Buffer {
  try {
    return path === "-" ? readStandardInput() : readFileSync(path);
  } catch (failure) {
    throw unreadable(path, failure);
  }
}

/** The same for a file that is read piece by piece. */
export async function openFile(path: string): Promise<FileHandle> {
  try {
    const file = await open(path);
    if (!(await file.stat()).isDirectory()) return file;
    await file.close();
    throw Object.assign(new Error(), { code: "EISDIR" });
  } catch (failure) {
    throw unreadable(path, failure);
  }
}

/** At a terminal, or a pipe that does not block, nothing may be there yet. */
function readStandardInput(): Buffer {
  const pieces: Buffer[] = [];
  const piece = Buffer.alloc(PIECE_BYTES);
  for (;;) {
    const count = readSome(piece);
    if (count === 0) return Buffer.concat(pieces);
    if (count === undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    else pieces.push(Buffer.from(piece.subarray(0, count)));
  }
}

/** How many bytes were read; undefined when there are none yet. */
function readSome(piece: Buffer): number | undefined {
  try {
    return readSync(0, piece);
  } catch (failure) {
    const { code } = failure as NodeJS.ErrnoException;
    if (code === "EAGAIN") return undefined;
    if (code === "EOF") return 0;
    throw failure;
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
