import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
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

const POLL_MS = 20;

/** As CI sets it, where a pipe is to stay as plain as elsewhere. */
export const environment = { ...process.env, CI: "true" };

/** Runs the command as a user does: the bundle, with the filter beside it. */
export async function holdfast(
  args: readonly string[],
  input = "",
  variables: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const env = { ...environment, ...variables };
  const child = spawn(process.execPath, [program, ...args], { stdio: "pipe", env });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  // A command that has refused its arguments reads no input.
  child.stdin.on("error", () => undefined).end(input);
  const code = await new Promise<number | null>((ended) => child.once("close", ended));
  return { code, out, err };
}

/** A command that runs until it is told to end. */
export class Running {
  readonly #child: ChildProcessWithoutNullStreams;
  #out = "";
  #err = "";
  /** Both, as they came. */
  #written = "";
  /** What has been looked through already. */
  #seen = 0;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#out += text;
      this.#written += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#err += text;
      this.#written += text;
    });
  }

  /** Types something. */
  send(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Waits until it has written this, since the last time that something was waited for. */
  async until(wanted: RegExp): Promise<void> {
    while (!wanted.test(this.#written.slice(this.#seen))) {
      if (this.#child.exitCode !== null) throw new Error(`it has ended: ${this.#written}`);
      await new Promise((later) => setTimeout(later, POLL_MS));
    }
    this.#seen = this.#written.length;
  }

  /** Presses Ctrl-C. Ended by the signal itself is what a shell shows as 130. */
  async interrupt(): Promise<Pick<Ran, "out" | "err">> {
    const ended = new Promise((resolve) =>
      this.#child.once("close", (code, signal) => {
        resolve(signal === "SIGINT" ? 130 : code);
      }),
    );
    this.#child.kill("SIGINT");
    const code = await ended;
    if (code !== 130) throw new Error(`expected 130, got ${String(code)}: ${this.#written}`);
    return { out: this.#out, err: this.#err };
  }
}

/** Starts a command without waiting for its end. */
export function start(args: readonly string[]): Running {
  return new Running(spawn(process.execPath, [program, ...args], { stdio: "pipe", env: environment }));
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
