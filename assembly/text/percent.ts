import { Span, ABSENT, FAILED, byteAt, lengthOf, setByte, slice } from "../host/span";
import { Char, isLetterOrDigit } from "./ascii";
import { hexValue } from "./hex";

/** The byte that the percent-encoding at `index` stands for, or -1 when there is none.  RFC 3986, section 2.1. */
export function escapedByte(text: Span, index: i32): i32 {
  const high = hexValue(byteAt(text, index + 1));
  const low = hexValue(byteAt(text, index + 2));
  return high < 0 || low < 0 ? -1 : (high << 4) | low;
}

/**
 * Decodes text in which all but unreserved characters (RFC 3986, section 2.3) is percent-encoded, so that `+` cannot be read in two ways.
 * @returns the part of `into` that was written; FAILED when the text is anything else, or more than fits
 */
export function decodePercent(text: Span, into: Span): Span {
  let written = 0;
  for (let i = 0; i < lengthOf(text); i++) {
    const isEscape = byteAt(text, i) == Char.Percent;
    const byte = isEscape ? escapedByte(text, i) : byteAt(text, i);
    if (byte < 0 || (!isEscape && !isUnreserved(byte)) || written == lengthOf(into)) return FAILED;
    setByte(into, written++, byte);
    if (isEscape) i += 2;
  }
  return written == 0 ? ABSENT : slice(into, 0, written);
}

export function isUnreserved(byte: i32): bool {
  if (byte == Char.Dash || byte == Char.Dot || byte == Char.Underscore) return true;
  return isLetterOrDigit(byte) || byte == Char.Tilde;
}
