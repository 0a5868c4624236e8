import { Span, byteAt, lengthOf, slice } from "../host/span";
import { Char } from "../text/ascii";
import { parseDecimal } from "../text/decimal";

/** Seconds of a whole number and one of the units `s`, `m`, `h`, as in "30s"; -1 for anything else. */
export function parseDuration(text: Span): i64 {
  const last = lengthOf(text) - 1;
  const amount = last > 6 ? -1 : parseDecimal(slice(text, 0, last));
  if (amount < 0) return -1;
  switch (byteAt(text, last)) {
    case Char.LowerS:
      return amount;
    case Char.LowerM:
      return amount * 60;
    case Char.LowerH:
      return amount * 3600;
    default:
      return -1;
  }
}
