import { readdirSync, readFileSync } from "node:fs";
import { ExplainedError } from "../envoy/process/explained-error.ts";

/**
 * Nanoseconds of CPU, user and system, that the threads of a process have had. From the scheduler's own account (schedstat, first
 * number); /proc/PID/stat has the same sum, but counts in steps of 10 ms.
 * @throws ExplainedError where there is no such account.
 */
export function readCpuTime(pid: number): number {
  const folder = `/proc/${pid}/task`;
  try {
    return readdirSync(folder)
      .map((thread) => Number(/^\d+/.exec(readFileSync(`${folder}/${thread}/schedstat`, "utf8"))?.[0]))
      .reduce((sum, nanoseconds) => sum + nanoseconds, 0);
  } catch (failure) {
    throw new ExplainedError(
      `cannot read the CPU time of process ${pid} (${String(failure)}); the benchmark needs Linux with ${folder}/*/schedstat`,
    );
  }
}

/** Resident memory of a process in bytes. */
export function readResidentMemory(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1024;
}
