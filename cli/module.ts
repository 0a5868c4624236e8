import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Failure } from "./failure.ts";

/** The filter beside this program: the bytes that Envoy loads. */
const BESIDE = new URL("./holdfast.wasm", import.meta.url);

/** Compiles the filter. @param path in place of the one that came with this program */
export function loadModule(path = fileURLToPath(BESIDE)): WebAssembly.Module {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new Failure(`${path}: no such module; build it with "npm run build", or name another with --wasm`);
  }
  try {
    return new WebAssembly.Module(bytes);
  } catch {
    throw new Failure(`${path}: no WebAssembly module`);
  }
}
