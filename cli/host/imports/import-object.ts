import { LoadError } from "../errors.ts";
import type { Guest } from "../guest.ts";
import { instrument } from "../instrument.ts";
import { buffers } from "./buffers.ts";
import { foreignFunction } from "./foreign-function.ts";
import { headerMaps } from "./header-maps.ts";
import type { HostFunction, HostFunctions } from "./host-function.ts";
import { httpCall } from "./http-call.ts";
import { logAndClock } from "./log-and-clock.ts";
import { metrics } from "./metrics.ts";
import { properties } from "./properties.ts";
import { sharedData } from "./shared-data.ts";
import { streamControl } from "./stream-control.ts";
import { unimplemented } from "./unimplemented.ts";
import { wasi } from "./wasi.ts";

/**
 * The imports that the module asks for, and no others.
 *
 * @throws LoadError naming every import that there is none for.
 */
export function importObject(guest: Guest, module: WebAssembly.Module): WebAssembly.Imports {
  const known = knownImports(guest);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  const missing: string[] = [];
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const implementation = kind === "function" ? known.get(from)?.get(name) : undefined;
    if (implementation === undefined) missing.push(`${from}.${name} (${kind})`);
    else (imports[from] ??= {})[name] = instrument(guest, name, implementation);
  }
  if (missing.length === 0) return imports;
  throw new LoadError(
    `no such host function: ${missing.join(", ")}; expected proxy-wasm 0.2.1 host calls from "env" and the WASI ` +
      `calls of cli/host/imports/wasi.ts from "wasi_snapshot_preview1"`,
  );
}

function knownImports(guest: Guest): ReadonlyMap<string, ReadonlyMap<string, HostFunction>> {
  const env: HostFunctions = {
    ...logAndClock(guest),
    ...properties(guest),
    ...headerMaps(guest),
    ...buffers(guest),
    ...sharedData(guest),
    ...metrics(guest),
    ...streamControl(guest),
    ...httpCall(guest),
    ...foreignFunction(guest),
    ...unimplemented(),
  };
  const wasiFunctions = new Map(Object.entries(wasi(guest)));
  return new Map([
    ["env", new Map(Object.entries(env))],
    ["wasi_snapshot_preview1", wasiFunctions],
    ["wasi_unstable", wasiFunctions],
  ]);
}
