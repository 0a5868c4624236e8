// Which path a rule speaks of. Servers disagree about what some paths mean; a request that is judged by one reading and
// served by another slips past its rule. So what has no plain reading at all is refused before any rule is looked at, and
// what has several is refused unless all of them lead to the same rule.

import { takeSpan } from "../host/arena";
import { Span, ABSENT, byteAt, indexOf, lengthOf, setByte, slice, startsWith } from "../host/span";
import { Char } from "../text/ascii";
import { escapedByte } from "../text/percent";
import { isUtf8 } from "../text/utf8";

/** The part of `:path` that rules are about: without the query. */
export function withoutQuery(path: Span): Span {
  const mark = indexOf(path, Char.QuestionMark, 0);
  return mark < 0 ? path : slice(path, 0, mark);
}

/**
 * True unless `path` (without query) is absolute and plain: no empty or dot segment, however it is escaped or followed by
 * parameters (`..;x`), no backslash, no fragment, no broken escape, and none that hides a slash, a backslash, a control
 * character or bytes that are no UTF-8.
 */
export function isAmbiguousPath(path: Span): bool {
  if (byteAt(path, 0) != Char.Slash) return true;
  let dots = 0;
  let others = 0;
  let inParameters = false;
  for (let i = 1; i < lengthOf(path); i++) {
    let byte = byteAt(path, i);
    if (byte == Char.Slash) {
      if (others == 0 && dots <= 2) return true;
      dots = 0;
      others = 0;
      inParameters = false;
      continue;
    }
    if (byte == Char.Percent) {
      byte = escapedByte(path, i);
      if (byte < Char.Space || byte == Char.Delete || byte == Char.Slash || byte == Char.Backslash)
        return true;
      i += 2;
    } else if (byte == Char.Backslash || byte == Char.Hash || byte <= Char.Space || byte >= Char.Delete) {
      return true;
    }
    if (byte == Char.Semicolon) inParameters = true;
    else if (inParameters) continue;
    else if (byte == Char.Dot) dots++;
    else others++;
  }
  // Only the last segment may be empty: a slash at the end.
  if (others == 0 && dots <= 2 && (dots > 0 || inParameters)) return true;
  return hasReadings(path) && !isDecodable(path);
}

function isDecodable(path: Span): bool {
  const decoded = decodePath(path, false);
  return decoded != ABSENT && isUtf8(decoded);
}

/** True when `path` has escapes or parameters, so that servers may read it in more than one way. */
export function hasReadings(path: Span): bool {
  return indexOf(path, Char.Percent, 0) >= 0 || indexOf(path, Char.Semicolon, 0) >= 0;
}

/**
 * `path`, which is not ambiguous, with its escapes decoded; if `strips`, as a server reads it that decodes before it cuts:
 * without parameters, and only up to an escaped `?` or `#`. Lives until the callback ends; absent when there is no room for it,
 * which is no reading that a rule may be chosen by.
 */
export function decodePath(path: Span, strips: bool): Span {
  const decoded = takeSpan(lengthOf(path));
  let written = 0;
  let inParameters = false;
  for (let i = 0; i < lengthOf(path); i++) {
    let byte = byteAt(path, i);
    if (byte == Char.Slash) inParameters = false;
    if (byte == Char.Percent) {
      byte = escapedByte(path, i);
      i += 2;
    }
    if (byte == Char.Semicolon) inParameters = true;
    if (strips && (byte == Char.QuestionMark || byte == Char.Hash)) break;
    if (!strips || !inParameters) setByte(decoded, written++, byte);
  }
  return slice(decoded, 0, written);
}

/** True when `path` is `prefix` or lies below it, segment by segment. `prefix` ends without a slash; absent it takes all. */
export function isUnderPrefix(path: Span, prefix: Span): bool {
  if (!startsWith(path, prefix)) return false;
  return lengthOf(path) == lengthOf(prefix) || byteAt(path, lengthOf(prefix)) == Char.Slash;
}
