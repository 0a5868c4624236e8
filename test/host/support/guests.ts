import { readFileSync } from "node:fs";
import binaryen from "assemblyscript/binaryen";

/** Assembles WebAssembly text. */
export function assemble(text: string): WebAssembly.Module {
  const parsed = binaryen.parseText(text);
  try {
    return new WebAssembly.Module(parsed.emitBinary());
  } finally {
    parsed.dispose();
  }
}

/** One of test/host/guests, each named by how it behaves. */
export function guest(name: string): WebAssembly.Module {
  return assemble(readFileSync(new URL(`../guests/${name}.wat`, import.meta.url), "utf8"));
}
