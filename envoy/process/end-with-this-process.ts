import type { ChildProcess } from "node:child_process";

/** Ends a child process at the latest when this process exits, so that an uncaught error leaves nothing behind. */
export function endWithThisProcess(child: ChildProcess): void {
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
}
