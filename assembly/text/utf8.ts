// UTF-8, strictly: no overlong form, no surrogate, nothing above U+10FFFF.  https://www.rfc-editor.org/rfc/rfc3629#section-4

import { Span, byteAt, lengthOf } from "../host/span";

/** Length in bytes of the well-formed character at `index`, or 0 when there is none. */
export function characterLength(text: Span, index: i32): i32 {
  const first = byteAt(text, index);
  if (first < 0) return 0;
  if (first < 0x80) return 1;
  const second = byteAt(text, index + 1);
  if (first >= 0xc2 && first <= 0xdf) return isTail(second) ? 2 : 0;
  if (!isTail(byteAt(text, index + 2))) return 0;
  if (first >= 0xe0 && first <= 0xef) {
    const low = first == 0xe0 ? 0xa0 : 0x80;
    const high = first == 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high ? 3 : 0;
  }
  if (!isTail(byteAt(text, index + 3))) return 0;
  if (first >= 0xf0 && first <= 0xf4) {
    const low = first == 0xf0 ? 0x90 : 0x80;
    const high = first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high ? 4 : 0;
  }
  return 0;
}

export function isUtf8(text: Span): bool {
  let i = 0;
  while (i < lengthOf(text)) {
    const length = characterLength(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

function isTail(byte: i32): bool {
  return byte >= 0x80 && byte <= 0xbf;
}
