import { LOG_LEVELS } from "../abi.ts";
import { nanoseconds } from "../clock.ts";
import type { Guest } from "../guest.ts";
import { unsigned } from "./host-function.ts";
import type { HostFunctions } from "./host-function.ts";

// WASI as far as Envoy has it: output goes to the log, there are no files and no arguments.
const Errno = { Success: 0, BadFile: 8, Fault: 21, NotSupported: 58 } as const;
const REALTIME_CLOCK = 0;
const LEVEL_OF_FILE: Readonly<Record<number, (typeof LOG_LEVELS)[number]>> = { 1: "info", 2: "error" };

export function wasi(guest: Guest): HostFunctions {
  const { host, memory } = guest;
  const writeSizes = (entries: readonly Buffer[], countOut: number, sizeOut: number) => {
    const size = entries.reduce((sum, entry) => sum + entry.length, 0);
    const written =
      memory.setU32(unsigned(countOut), entries.length) && memory.setU32(unsigned(sizeOut), size);
    return written ? Errno.Success : Errno.Fault;
  };
  return {
    fd_write: (file: number, vectors: number, count: number, writtenOut: number) =>
      writeFile(guest, file, unsigned(vectors), unsigned(count), unsigned(writtenOut)),

    clock_time_get: (clock: number, _precision: bigint, out: number) => {
      if (clock !== REALTIME_CLOCK) return Errno.NotSupported;
      return memory.setU64(unsigned(out), nanoseconds(host.now())) ? Errno.Success : Errno.Fault;
    },

    random_get: (target: number, size: number) => {
      const window = memory.view(unsigned(target), unsigned(size));
      if (window === undefined) return Errno.Fault;
      host.random(window);
      return Errno.Success;
    },

    // Envoy notes the call and returns; a well-made module traps right after it.
    proc_exit: () => undefined,

    environ_sizes_get: (countOut: number, sizeOut: number) =>
      writeSizes(guest.environment, countOut, sizeOut),
    environ_get: (pointersOut: number, bytesOut: number) =>
      writeEnvironment(guest, unsigned(pointersOut), unsigned(bytesOut)),
    args_get: () => Errno.Success,
    args_sizes_get: (countOut: number, sizeOut: number) => writeSizes([], countOut, sizeOut),
  };
}

/** Each entry with its NUL, one after the other, and the address of each. */
function writeEnvironment(guest: Guest, pointersOut: number, bytesOut: number): number {
  const { memory } = guest;
  let place = bytesOut;
  for (const [index, entry] of guest.environment.entries()) {
    const target = memory.view(place, entry.length);
    if (target === undefined || !memory.setU32(pointersOut + index * 4, place)) return Errno.Fault;
    place += entry.copy(target);
  }
  return Errno.Success;
}

function writeFile(guest: Guest, file: number, vectors: number, count: number, writtenOut: number): number {
  const level = LEVEL_OF_FILE[file];
  if (level === undefined) return Errno.BadFile;
  const parts = gather(guest, vectors, count);
  if (parts === undefined) return Errno.Fault;
  const text = Buffer.concat(parts);
  const { log } = guest.host;
  if (text.length > 0 && log.takes(LOG_LEVELS.indexOf(level))) {
    log.write({
      level,
      message: text.toString("utf8").replace(/\n$/, ""),
      plugin: guest.context().root?.plugin.id ?? 0,
    });
  }
  return guest.memory.setU32(writtenOut, text.length) ? Errno.Success : Errno.Fault;
}

function gather(guest: Guest, vectors: number, count: number): Buffer[] | undefined {
  const { memory } = guest;
  const parts: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const vector = memory.view(vectors + i * 8, 8);
    const part = vector && memory.view(vector.readUInt32LE(0), vector.readUInt32LE(4));
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return parts;
}
