// base64url as JOSE uses it: no padding, no white space, and the unused bits of the last character zero, so that each
// value has one spelling.  https://www.rfc-editor.org/rfc/rfc7515#section-2

import { takeSpan } from "../host/arena";
import { Span, ABSENT, FAILED, byteAt, lengthOf, setByte } from "../host/span";
import { Char, isDigit, isLower, isUpper } from "./ascii";

/** Bytes that `characters` of base64url stand for, or -1 when no value has that many. */
export function decodedLength(characters: i32): i32 {
  const rest = characters & 3;
  if (characters < 0 || rest == 1) return -1;
  return (characters >> 2) * 3 + (rest == 0 ? 0 : rest - 1);
}

/** The decoded bytes, in memory that lives until the callback ends; FAILED when the text is not strict base64url. */
export function decodeBase64url(text: Span): Span {
  const length = decodedLength(lengthOf(text));
  if (length < 0) return FAILED;
  if (length == 0) return ABSENT;
  const target = takeSpan(length);
  return decodeInto(text, target) ? target : FAILED;
}

/** Decodes into `target`, which has to be exactly as long as the value. */
export function decodeInto(text: Span, target: Span): bool {
  const length = decodedLength(lengthOf(text));
  if (length < 0 || lengthOf(target) != length) return false;
  let bits: i32 = 0;
  let held: i32 = 0;
  let written: i32 = 0;
  for (let i = 0; i < lengthOf(text); i++) {
    const value = sixBits(byteAt(text, i));
    if (value < 0) return false;
    bits = ((bits << 6) | value) & 0xfff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      setByte(target, written++, (bits >> held) & 0xff);
    }
  }
  return (bits & ((1 << held) - 1)) == 0;
}

function sixBits(byte: i32): i32 {
  if (isLower(byte)) return byte - 0x47;
  if (isUpper(byte)) return byte - 0x41;
  if (isDigit(byte)) return byte + 4;
  if (byte == Char.Dash) return 62;
  return byte == Char.Underscore ? 63 : -1;
}
