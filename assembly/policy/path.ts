// Which path a rule speaks of. Servers disagree about what some paths mean; a request that is judged by one reading and
// served by another slips past its rule. So what has no plain reading at all is refused before any rule is looked at, and
// what has several is refused unless all of them lead to the same rule.

import { takeSpan } from "../host/arena";
import { Span, byteAt, indexOf, lengthOf, setByte, slice, startsWith } from "../host/span";
import { hexValue } from "../text/hex";

const SLASH: i32 = 0x2f;
const BACKSLASH: i32 = 0x5c;
const PERCENT: i32 = 0x25;
const SEMICOLON: i32 = 0x3b;
const DOT: i32 = 0x2e;
const HASH: i32 = 0x23;

/** The part of `:path` that rules are about: without the query. */
export function withoutQuery(path: Span): Span {
  const mark = indexOf(path, 0x3f, 0);
  return mark < 0 ? path : slice(path, 0, mark);
}

/**
 * True unless `path` (without query) is absolute and plain: no empty or dot segment, however it is escaped or followed by
 * parameters (`..;x`), no backslash, no fragment, no broken escape, and none that hides a slash, a backslash or a NUL.
 */
export function isAmbiguousPath(path: Span): bool {
  if (byteAt(path, 0) != SLASH) return true;
  let dots = 0;
  let others = 0;
  let inParameters = false;
  for (let i = 1; i < lengthOf(path); i++) {
    let byte = byteAt(path, i);
    if (byte == SLASH) {
      if (others == 0 && dots <= 2) return true;
      dots = 0;
      others = 0;
      inParameters = false;
      continue;
    }
    if (byte == PERCENT) {
      byte = escapedByte(path, i);
      if (byte <= 0 || byte == SLASH || byte == BACKSLASH) return true;
      i += 2;
    } else if (byte == BACKSLASH || byte == HASH || byte <= 0x20 || byte >= 0x7f) {
      return true;
    }
    if (byte == SEMICOLON) inParameters = true;
    else if (inParameters) continue;
    else if (byte == DOT) dots++;
    else others++;
  }
  // Only the last segment may be empty: a slash at the end.
  return others == 0 && dots <= 2 && (dots > 0 || inParameters);
}

/** True when `path` has escapes or parameters, so that servers may read it in more than one way. */
export function hasReadings(path: Span): bool {
  return indexOf(path, PERCENT, 0) >= 0 || indexOf(path, SEMICOLON, 0) >= 0;
}

/**
 * `path`, which is not ambiguous, with its escapes decoded, and without the parameters of its segments if `strips`. Lives
 * until the callback ends.
 */
export function decodePath(path: Span, strips: bool): Span {
  const decoded = takeSpan(lengthOf(path));
  let written = 0;
  let inParameters = false;
  for (let i = 0; i < lengthOf(path); i++) {
    let byte = byteAt(path, i);
    if (byte == SLASH) inParameters = false;
    if (byte == PERCENT) {
      byte = escapedByte(path, i);
      i += 2;
    }
    if (byte == SEMICOLON) inParameters = true;
    if (!strips || !inParameters) setByte(decoded, written++, byte);
  }
  return slice(decoded, 0, written);
}

/** True when `path` is `prefix` or lies below it, segment by segment. `prefix` ends without a slash. */
export function isUnderPrefix(path: Span, prefix: Span): bool {
  if (!startsWith(path, prefix)) return false;
  return lengthOf(path) == lengthOf(prefix) || byteAt(path, lengthOf(prefix)) == SLASH;
}

/** The byte that the escape at `index` stands for, or -1. */
function escapedByte(path: Span, index: i32): i32 {
  const high = hexValue(byteAt(path, index + 1));
  const low = hexValue(byteAt(path, index + 2));
  return high < 0 || low < 0 ? -1 : (high << 4) | low;
}
