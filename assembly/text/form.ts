// One value of a form, application/x-www-form-urlencoded.  https://url.spec.whatwg.org/#application/x-www-form-urlencoded

import { ascii, takeSpan } from "../host/arena";
import { Span, ABSENT, byteAt, lengthOf, setByte } from "../host/span";
import { Char, isLetterOrDigit } from "./ascii";

/** In capital letters, as RFC 3986, section 2.1, prefers. */
const DIGITS = ascii("0123456789ABCDEF");

/** `value` encoded, in memory that lives until the callback ends; absent when it is empty or there is no room. */
export function encodeFormValue(value: Span): Span {
  let length = 0;
  for (let i = 0; i < lengthOf(value); i++) length += isPlain(byteAt(value, i)) ? 1 : 3;
  const encoded = takeSpan(length);
  if (encoded == ABSENT) return ABSENT;
  let at = 0;
  for (let i = 0; i < lengthOf(value); i++) {
    const byte = byteAt(value, i);
    if (isPlain(byte)) {
      setByte(encoded, at++, byte);
      continue;
    }
    setByte(encoded, at++, Char.Percent);
    setByte(encoded, at++, byteAt(DIGITS, byte >> 4));
    setByte(encoded, at++, byteAt(DIGITS, byte & 15));
  }
  return encoded;
}

/** What needs no escape. A space may be written as `%20`, too. */
function isPlain(byte: i32): bool {
  return isLetterOrDigit(byte) || byte == Char.Dash || byte == Char.Dot || byte == Char.Underscore;
}
