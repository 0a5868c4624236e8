import { existsSync, readFileSync } from "node:fs";

const WASM = new URL("../../../build/holdfast.wasm", import.meta.url);

/** The release build: what Envoy would load. */
export const filterModule: WebAssembly.Module = compile();

function compile(): WebAssembly.Module {
  if (!existsSync(WASM)) {
    throw new Error(
      "build/holdfast.wasm is missing: these tests run the release build; npx asc --target release",
    );
  }
  return new WebAssembly.Module(readFileSync(WASM));
}
