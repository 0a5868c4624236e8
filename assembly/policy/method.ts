import { ascii } from "../host/arena";
import { Span, byteAt, lengthOf } from "../host/span";
import { Char, isUpper } from "../text/ascii";

/** Opens a tunnel, in which no request is seen any more.  RFC 9110, section 9.3.6 */
export const CONNECT = ascii("CONNECT");

/**
 * True for an HTTP method in capital letters. Methods have case, servers that ignore it exist, and every method in use is
 * in capitals: `post` would fall past the rule for `POST`.
 */
export function isMethod(text: Span): bool {
  for (let i = 0; i < lengthOf(text); i++) {
    const byte = byteAt(text, i);
    if (!isUpper(byte) && byte != Char.Dash && byte != Char.Underscore) return false;
  }
  return lengthOf(text) > 0;
}
