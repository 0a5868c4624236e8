import { LOG_LEVELS, Status } from "../abi.ts";
import { nanoseconds } from "../clock.ts";
import type { Guest } from "../guest.ts";
import { unsigned } from "./host-function.ts";
import type { HostFunctions } from "./host-function.ts";

export function logAndClock(guest: Guest): HostFunctions {
  const { host } = guest;
  return {
    proxy_log: (level: number, message: number, size: number) =>
      writeLog(guest, unsigned(level), unsigned(message), unsigned(size)),

    proxy_get_log_level: (out: number) =>
      guest.memory.setU32(unsigned(out), host.log.level) ? Status.Ok : Status.InvalidMemoryAccess,

    proxy_get_current_time_nanoseconds: (out: number) =>
      guest.memory.setU64(unsigned(out), nanoseconds(host.now())) ? Status.Ok : Status.InvalidMemoryAccess,

    proxy_set_tick_period_milliseconds: (period: number) => {
      const root = guest.context().root;
      if (root !== undefined) root.tickPeriodMilliseconds = unsigned(period);
      return Status.Ok;
    },
  };
}

function writeLog(guest: Guest, level: number, message: number, size: number): Status {
  const name = LOG_LEVELS[level];
  if (name === undefined) return Status.BadArgument;
  const text = guest.memory.view(message, size);
  if (text === undefined) return Status.InvalidMemoryAccess;
  const { log } = guest.host;
  if (log.takes(level)) {
    log.write({ level: name, message: text.toString("utf8"), plugin: guest.context().root?.plugin.id ?? 0 });
  }
  return Status.Ok;
}
