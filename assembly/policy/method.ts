import { Span, byteAt, lengthOf } from "../host/span";

/**
 * True for an HTTP method in capital letters. Methods have case, servers that ignore it exist, and every method in use is
 * in capitals: `post` would fall past the rule for `POST`.
 */
export function isMethod(text: Span): bool {
  for (let i = 0; i < lengthOf(text); i++) {
    const byte = byteAt(text, i);
    if ((byte < 0x41 || byte > 0x5a) && byte != 0x2d && byte != 0x5f) return false;
  }
  return lengthOf(text) > 0;
}
