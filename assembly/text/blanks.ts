// Blanks around a header's value: RFC 9110, section 5.6.3.

import { Span, byteAt, lengthOf, slice } from "../host/span";
import { Char } from "./ascii";

/** Without spaces and tabs at either end. */
export function trimmed(text: Span): Span {
  let start = 0;
  let end = lengthOf(text);
  while (isBlank(byteAt(text, start))) start++;
  while (end > start && isBlank(byteAt(text, end - 1))) end--;
  return slice(text, start, end);
}

function isBlank(byte: i32): bool {
  return byte == Char.Space || byte == Char.Tab;
}
