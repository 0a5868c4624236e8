// Patterns of SPIFFE IDs: an ID in which a segment of the path may be `*`, any one segment, and the last may be `**`, one segment or
// more. The trust domain is always spelled out, and everything else is compared byte for byte.

import { ascii } from "../host/arena";
import { List } from "../host/list";
import { Span, byteAt, equals, equalsAscii, indexOf, lengthOf, slice } from "../host/span";
import { Char } from "./ascii";
import { isPathSegment, isTrustDomain } from "./spiffe_id";

const SCHEME = ascii("spiffe://");

/** True for a pattern that some workload's ID could match. */
export function isSpiffePattern(text: Span): bool {
  const slash = pathStart(text);
  if (slash < 0 || !isTrustDomain(slice(text, lengthOf(SCHEME), slash))) return false;
  let start = slash;
  while (start < lengthOf(text)) {
    const end = segmentEnd(text, start + 1);
    const segment = slice(text, start + 1, end);
    const isRest = equalsAscii(segment, "**") && end == lengthOf(text);
    if (!isRest && !equalsAscii(segment, "*") && !isPathSegment(segment)) return false;
    start = end;
  }
  return true;
}

/** @param pattern for which `isSpiffePattern` is true @param id a well-formed SPIFFE ID with a path */
export function matchesSpiffePattern(pattern: Span, id: Span): bool {
  const domain = slice(pattern, 0, pathStart(pattern));
  if (!equals(domain, slice(id, 0, lengthOf(domain)))) return false;
  let at = lengthOf(domain);
  let idAt = at;
  while (at < lengthOf(pattern)) {
    // Both stand before a slash, or one of them has no segment left.
    if (byteAt(id, idAt) != Char.Slash) return false;
    const end = segmentEnd(pattern, at + 1);
    const idEnd = segmentEnd(id, idAt + 1);
    const segment = slice(pattern, at + 1, end);
    if (equalsAscii(segment, "**")) return true;
    if (!equalsAscii(segment, "*") && !equals(segment, slice(id, idAt + 1, idEnd))) return false;
    at = end;
    idAt = idEnd;
  }
  return idAt == lengthOf(id);
}

/** True when the ID matches one of these patterns. @param id a well-formed SPIFFE ID with a path */
export function matchesAny(patterns: List<Span>, id: Span): bool {
  let link = patterns.first;
  while (link != null) {
    if (matchesSpiffePattern(link.item, id)) return true;
    link = link.next;
  }
  return false;
}

/** Index of the slash that ends the trust domain; -1 when there is none, or no scheme. */
function pathStart(text: Span): i32 {
  const hasScheme = equals(slice(text, 0, lengthOf(SCHEME)), SCHEME);
  return hasScheme ? indexOf(text, Char.Slash, lengthOf(SCHEME)) : -1;
}

function segmentEnd(text: Span, from: i32): i32 {
  const slash = indexOf(text, Char.Slash, from);
  return slash < 0 ? lengthOf(text) : slash;
}
