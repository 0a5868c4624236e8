import { Span, byteAt, lengthOf } from "../host/span";
import { Char, isDigit } from "./ascii";

/** Below 2^53: past that a JSON number does not mean the same integer to everybody. */
const MAX_DIGITS: i32 = 15;

/** The value of a whole number of at most 15 digits, written without sign, point, exponent or leading zero; otherwise -1. */
export function parseDecimal(text: Span): i64 {
  const length = lengthOf(text);
  if (length < 1 || length > MAX_DIGITS) return -1;
  if (length > 1 && byteAt(text, 0) == Char.Zero) return -1;
  let value: i64 = 0;
  for (let i = 0; i < length; i++) {
    const byte = byteAt(text, i);
    if (!isDigit(byte)) return -1;
    value = value * 10 + (byte - Char.Zero);
  }
  return value;
}
