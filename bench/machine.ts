import { cpus, loadavg, release, totalmem } from "node:os";
import { runCommand } from "../envoy/process/run-command.ts";

/** Where, when and with what was measured. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  /** GiB. */
  readonly memory: number;
  readonly kernel: string;
  /** Processes that wanted a core, over the minute before the start: above 0.5, others were at work. */
  readonly load: number;
  readonly envoy: string;
  readonly h2load: string;
  readonly node: string;
  /** holdfast's; "" outside a repository. */
  readonly commit: string;
}

export async function describeMachine(envoy: string, h2load: string): Promise<Machine> {
  const [load = 0] = loadavg();
  const { code, output } = await runCommand("git", ["rev-parse", "--short", "HEAD"]).catch(() => ({
    code: 1,
    output: "",
  }));
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    load: Math.round(load * 10) / 10,
    envoy,
    h2load,
    node: process.versions.node,
    commit: code === 0 ? output.trim() : "",
  };
}
