import { Status } from "./abi.ts";
import { GuestTrap } from "./errors.ts";
import { applyFault } from "./apply-fault.ts";
import { dueFault } from "./faults.ts";
import type { Guest } from "./guest.ts";
import type { HostFunction } from "./imports/host-function.ts";

type Call = (...args: (number | bigint)[]) => number | undefined;

// What Envoy lets through while `_initialize` or `_start` runs (src/wasm.cc, setRestrictedCallback).
const ALLOWED_AT_START: ReadonlySet<string> = new Set([
  "proxy_log",
  "fd_write",
  "args_sizes_get",
  "args_get",
  "environ_sizes_get",
  "environ_get",
  "clock_time_get",
  "random_get",
]);

/** The function that the guest gets: counts each call and shows the fault that is due, if any. */
export function instrument(guest: Guest, name: string, implementation: HostFunction): Call {
  const site = guest.host.calls.site(name);
  const allowedAtStart = ALLOWED_AT_START.has(name);
  // The module's import section fixes the argument types; Instance checks nothing at the JavaScript side.
  const call = implementation as Call;
  return (...args) => {
    site.calls += 1;
    if (guest.starting && !allowedAtStart) throw new GuestTrap(`restricted callback ${name} called at start`);
    if (site.fault === undefined) return call(...args);
    const fault = dueFault(site);
    if (fault === undefined) return call(...args);
    if ("status" in fault) return fault.status;
    applyFault(guest, name, fault.result, args, () => call(...args));
    return Status.Ok;
  };
}
