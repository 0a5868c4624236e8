// Makes the compiler lay out string literals with one byte a character instead of two, and with their length instead of a header for
// a garbage collector that this module does not have. It halves the data of the module: docs/adr/0008-short-literals.md.
//
// Whatever reads a literal therefore goes through `charAt` in assembly/host/span.ts. A module that does anything else with a string, were
// it only to join two, is refused.

import { CommonFlags, Compiler } from "assemblyscript";
import { Transform } from "assemblyscript/transform";

const LENGTH_BYTES = 4;
const LAST_ASCII = 0x7f;

export default class ShortLiterals extends Transform {
  afterParse() {
    if (typeof Compiler.prototype.ensureStaticStringPtr !== "function")
      throw new Error(
        "this AssemblyScript makes its literals in another way: adapt assembly/compiler/short-literals.mjs",
      );
    Compiler.prototype.ensureStaticStringPtr = function (text) {
      if (!this.stringSegments.has(text))
        this.stringSegments.set(text, this.addAlignedMemorySegment(layOut(text), LENGTH_BYTES));
      const { offset } = this.stringSegments.get(text);
      return i64_add(offset, i64_new(LENGTH_BYTES));
    };
  }

  afterCompile() {
    const used = usedStringFunctions(this.program);
    if (used.length > 0)
      throw new Error(
        `these would read a literal as UTF-16: ${used.join(", ")}; see assembly/compiler/short-literals.mjs`,
      );
  }
}

/** Functions of AssemblyScript's strings that ended up in the module, other than `length`. */
function usedStringFunctions(program) {
  const used = [];
  for (const [name, element] of program.instancesByName) {
    const isStrings = name.startsWith("~lib/string/") && !name.endsWith("get:length");
    if (isStrings && "localsByIndex" in element && element.is(CommonFlags.Compiled)) used.push(name);
  }
  return used;
}

/** The length as `String#length` reads it, in bytes of UTF-16, and the characters. */
function layOut(text) {
  const bytes = new Uint8Array(LENGTH_BYTES + text.length);
  new DataView(bytes.buffer).setUint32(0, 2 * text.length, true);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > LAST_ASCII) throw new RangeError(`a literal that is not ASCII: ${JSON.stringify(text)}`);
    bytes[LENGTH_BYTES + i] = code;
  }
  return bytes;
}
