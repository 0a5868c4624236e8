import { spawn, type StdioOptions } from "node:child_process";
import { endWithThisProcess } from "./end-with-this-process.ts";

/** How a command ended. `code` is null when a signal ended it. */
export interface CommandResult {
  readonly code: number | null;
  readonly output: string;
}

/** Where a command's output goes, and what its environment is. */
export interface CommandOptions {
  readonly stdio?: StdioOptions;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a command to its end. What it writes is in `output`, unless `stdio` sends it elsewhere.
 * @throws the system's error (ENOENT, EACCES ...) when the command cannot be started.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  { stdio = ["ignore", "pipe", "pipe"], env = process.env }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio, env });
    endWithThisProcess(child);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, output: Buffer.concat(chunks).toString() });
    });
  });
}
