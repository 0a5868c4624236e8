// Base64 with padding, as HTTP's Basic scheme has it.  https://www.rfc-editor.org/rfc/rfc4648#section-4

import { ascii } from "../host/arena";
import { Span, byteAt, lengthOf, setByte } from "../host/span";
import { Char } from "./ascii";

const ALPHABET = ascii("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

/** Characters that `length` bytes are encoded in. */
export function base64Length(length: i32): i32 {
  return ((length + 2) / 3) * 4;
}

/** Writes `bytes` into `into` from `at` on, as far as there is room. */
export function encodeBase64(bytes: Span, into: Span, at: i32): void {
  for (let i = 0; i < lengthOf(bytes); i += 3) {
    const second = byteAt(bytes, i + 1);
    const third = byteAt(bytes, i + 2);
    const bits = (byteAt(bytes, i) << 16) | (max(second, 0) << 8) | max(third, 0);
    setByte(into, at++, byteAt(ALPHABET, bits >> 18));
    setByte(into, at++, byteAt(ALPHABET, (bits >> 12) & 63));
    setByte(into, at++, second < 0 ? Char.Equals : byteAt(ALPHABET, (bits >> 6) & 63));
    setByte(into, at++, third < 0 ? Char.Equals : byteAt(ALPHABET, bits & 63));
  }
}
