// Which path a rule speaks of. A path that two parsers may read as two is refused before any rule is looked at: otherwise
// a request could be judged by one rule and served as another.

import { Span, byteAt, indexOf, lengthOf, slice, startsWith } from "../host/span";
import { hexValue } from "../text/hex";

/** The part of `:path` that rules are about: without the query. */
export function withoutQuery(path: Span): Span {
  const mark = indexOf(path, 0x3f, 0);
  return mark < 0 ? path : slice(path, 0, mark);
}

/**
 * True unless `path` (without query) has one reading only: absolute, no empty or dot segment, no backslash, no fragment,
 * and no percent-encoding that is broken or hides a character with a meaning of its own (`/`, `\`, NUL) or one that never
 * needs encoding (RFC 3986, section 6.2.2.2), which a server behind us may decode before it routes.
 */
export function isAmbiguousPath(path: Span): bool {
  if (byteAt(path, 0) != 0x2f) return true;
  let segment = 1;
  for (let i = 1; i <= lengthOf(path); i++) {
    const byte = byteAt(path, i);
    if (byte == 0x2f || byte < 0) {
      const isLast = byte < 0;
      if (isEmptyOrDots(slice(path, segment, i), isLast)) return true;
      segment = i + 1;
    } else if (byte == 0x25) {
      if (isAmbiguousEscape(byteAt(path, i + 1), byteAt(path, i + 2))) return true;
      i += 2;
    } else if (byte == 0x5c || byte == 0x23 || byte <= 0x20 || byte >= 0x7f) {
      return true;
    }
  }
  return false;
}

/** True when `path` is `prefix` or lies below it, segment by segment. `prefix` ends without a slash. */
export function isUnderPrefix(path: Span, prefix: Span): bool {
  if (!startsWith(path, prefix)) return false;
  return lengthOf(path) == lengthOf(prefix) || byteAt(path, lengthOf(prefix)) == 0x2f;
}

function isEmptyOrDots(segment: Span, isLast: bool): bool {
  const length = lengthOf(segment);
  if (length == 0) return !isLast;
  return byteAt(segment, 0) == 0x2e && (length == 1 || (length == 2 && byteAt(segment, 1) == 0x2e));
}

function isAmbiguousEscape(first: i32, second: i32): bool {
  const high = hexValue(first);
  const low = hexValue(second);
  if (high < 0 || low < 0) return true;
  const byte = (high << 4) | low;
  return byte == 0x2f || byte == 0x5c || byte == 0 || isUnreserved(byte);
}

/** RFC 3986, section 2.3. */
function isUnreserved(byte: i32): bool {
  const letter = byte | 0x20;
  if ((letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39)) return true;
  return byte == 0x2d || byte == 0x2e || byte == 0x5f || byte == 0x7e;
}
