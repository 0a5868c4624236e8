// Members of a record that is one JSON object in one line.

import { Span, ABSENT, byteAt, lengthOf } from "../host/span";
import { writeAscii, writeByte, writeBytes, writeDecimal } from "../host/writer";
import { Char } from "../text/ascii";

/** @param value without a character that JSON escapes; absent: no member */
export function writeText(name: string, value: Span): void {
  if (value == ABSENT) return;
  writeName(name);
  writeByte(Char.Quote);
  writeBytes(value);
  writeByte(Char.Quote);
}

export function writeNumber(name: string, value: i64): void {
  writeName(name);
  writeDecimal(value);
}

/** True when the text is printable ASCII that JSON takes as it is. */
export function isPlain(text: Span): bool {
  for (let i = 0; i < lengthOf(text); i++) {
    const byte = byteAt(text, i);
    if (byte < Char.Space || byte >= Char.Delete || byte == Char.Quote || byte == Char.Backslash)
      return false;
  }
  return true;
}

function writeName(name: string): void {
  writeAscii(',"');
  writeAscii(name);
  writeAscii('":');
}
