import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Failure } from "./failure.ts";

/** The filter beside this program: the bytes that Envoy loads. */
const BESIDE = new URL("./holdfast.wasm", import.meta.url);

/** The marker by which Envoy, too, knows what speaks its language. */
const ABI = "proxy_abi_version_0_2_1";

/** Compiles the filter. @param path in place of the one that came with this program */
export function loadModule(path = fileURLToPath(BESIDE)): WebAssembly.Module {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new Failure(`${path}: no such module; build it with "npm run build", or name another with --wasm`);
  }
  const module = compile(path, bytes);
  if (!WebAssembly.Module.exports(module).some(({ name }) => name === ABI))
    throw new Failure(`${path}: no build of the filter: it has no ${ABI}`);
  return module;
}

function compile(path: string, bytes: Buffer): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch {
    throw new Failure(`${path}: no WebAssembly module`);
  }
}
