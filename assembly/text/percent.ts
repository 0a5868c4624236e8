import { Span, byteAt } from "../host/span";
import { hexValue } from "./hex";

/** The byte that the percent-encoding at `index` stands for, or -1 when there is none.  RFC 3986, section 2.1. */
export function escapedByte(text: Span, index: i32): i32 {
  const high = hexValue(byteAt(text, index + 1));
  const low = hexValue(byteAt(text, index + 2));
  return high < 0 || low < 0 ? -1 : (high << 4) | low;
}
