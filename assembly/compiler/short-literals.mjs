// Makes the compiler lay out string literals with one byte a character instead of two: docs/adr/0008-short-literals.md.
//
// Whatever reads a literal therefore goes through `charAt` in assembly/host/span.ts. A module that does anything else with a string, were
// it only to join two, is refused.

import { CommonFlags, Compiler } from "assemblyscript";
import { Transform } from "assemblyscript/transform";

const LENGTH_BYTES = 4;
/** Nothing in an object is read in more than four bytes at a time. */
const ALIGNMENT = 4;
const LAST_ASCII = 0x7f;

export default class ShortLiterals extends Transform {
  afterParse() {
    if (typeof Compiler.prototype.ensureStaticStringPtr !== "function")
      throw new Error(
        "this AssemblyScript makes its literals in another way: adapt assembly/compiler/short-literals.mjs",
      );
    Compiler.prototype.ensureStaticStringPtr = function (text) {
      const { stringInstance, totalOverhead } = this.program;
      if (!this.stringSegments.has(text)) {
        const object = layOut(text, stringInstance.createBuffer(text.length), totalOverhead);
        this.stringSegments.set(text, this.addAlignedMemorySegment(object, ALIGNMENT));
      }
      return i64_add(this.stringSegments.get(text).offset, i64_new(totalOverhead));
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

/** Puts the characters behind the header, and into it the length as `String#length` reads it: in bytes of UTF-16. */
function layOut(text, object, headerBytes) {
  // How large the block is: of use to who frees it, which nobody does with what is no heap, and the bytes cost a segment each.
  object.fill(0, 0, 4);
  new DataView(object.buffer).setUint32(headerBytes - LENGTH_BYTES, 2 * text.length, true);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > LAST_ASCII) throw new RangeError(`a literal that is not ASCII: ${JSON.stringify(text)}`);
    object[headerBytes + i] = code;
  }
  return object;
}
