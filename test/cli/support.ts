import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after } from "node:test";

/** The bundle that users run. */
export const program = resolve(import.meta.dirname, "../../build/holdfast.mjs");

/** What the command has written, and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** As CI sets it, where a pipe is to stay as plain as elsewhere. */
export const environment = { ...process.env, CI: "true" };

/** Runs the command as a user does: the bundle, with the filter beside it. */
export async function holdfast(args: readonly string[], input = ""): Promise<Ran> {
  const child = spawn(process.execPath, [program, ...args], { stdio: "pipe", env: environment });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  // A command that has refused its arguments reads no input.
  child.stdin.on("error", () => undefined).end(input);
  const code = await new Promise<number | null>((ended) => child.once("close", ended));
  return { code, out, err };
}

/** A folder of the test's own, gone with it. */
export class Files {
  readonly #folder = mkdtempSync(join(tmpdir(), "holdfast-cli-"));

  constructor() {
    after(() => {
      rmSync(this.#folder, { recursive: true });
    });
  }

  /** Writes a file and gives its path; anything but a text as JSON. */
  write(name: string, content: unknown): string {
    const path = join(this.#folder, name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  }

  /** The path of a file that is not there. */
  missing(name: string): string {
    return join(this.#folder, name);
  }
}
