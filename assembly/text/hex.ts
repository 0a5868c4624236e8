import { Span, byteAt, lengthOf, setByte } from "../host/span";
import { Char, isDigit, isUpper } from "./ascii";

/** Value of a hex digit of either case, or -1. */
export function hexValue(byte: i32): i32 {
  if (isDigit(byte)) return byte - Char.Zero;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Decodes lowercase hex into `target`, which has to be exactly half as long. False when the text is anything else. */
export function decodeLowerHex(text: Span, target: Span): bool {
  if (lengthOf(text) != lengthOf(target) * 2) return false;
  for (let i = 0; i < lengthOf(target); i++) {
    const high = lowerHexValue(byteAt(text, 2 * i));
    const low = lowerHexValue(byteAt(text, 2 * i + 1));
    if (high < 0 || low < 0) return false;
    setByte(target, i, (high << 4) | low);
  }
  return true;
}

function lowerHexValue(byte: i32): i32 {
  return isUpper(byte) ? -1 : hexValue(byte);
}
