// SPIFFE IDs, by the strict reading of the standard: nothing is folded, decoded or normalised.
// https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md

import { ascii } from "../host/arena";
import { Span, ABSENT, byteAt, lengthOf, slice, sliceFrom, startsWith } from "../host/span";
import { Char, isDigit, isLetter, isLower } from "./ascii";

/** Section 2.3. */
const MAX_ID_BYTES: i32 = 2048;
const MAX_TRUST_DOMAIN_BYTES: i32 = 255;

const SCHEME = ascii("spiffe://");

/** The trust domain of a SPIFFE ID, or absent when `id` is not one. */
export function trustDomainOf(id: Span): Span {
  if (lengthOf(id) > MAX_ID_BYTES || !startsWith(id, SCHEME)) return ABSENT;
  const rest = sliceFrom(id, lengthOf(SCHEME));
  let end = 0;
  while (end < lengthOf(rest) && byteAt(rest, end) != Char.Slash) end++;
  const domain = slice(rest, 0, end);
  if (!isTrustDomain(domain)) return ABSENT;
  return isPath(sliceFrom(rest, end)) ? domain : ABSENT;
}

/** True when a SPIFFE ID names more than its trust domain. */
export function hasPath(id: Span, trustDomain: Span): bool {
  return lengthOf(id) > lengthOf(SCHEME) + lengthOf(trustDomain);
}

/** Section 2.1: lowercase letters, digits, dots, dashes and underscores; no port, no user, no percent-encoding. */
export function isTrustDomain(name: Span): bool {
  const length = lengthOf(name);
  if (length < 1 || length > MAX_TRUST_DOMAIN_BYTES) return false;
  for (let i = 0; i < length; i++) {
    const byte = byteAt(name, i);
    if (!isLower(byte) && !isDigitOrMark(byte)) return false;
  }
  return true;
}

/** Section 2.2: empty, or segments that are neither empty nor dots, of letters, digits, dots, dashes and underscores. */
function isPath(path: Span): bool {
  let i = 0;
  while (i < lengthOf(path)) {
    const start = ++i;
    let dots = 0;
    for (; i < lengthOf(path) && byteAt(path, i) != Char.Slash; i++) {
      const byte = byteAt(path, i);
      if (!isLetter(byte) && !isDigitOrMark(byte)) return false;
      if (byte == Char.Dot) dots++;
    }
    const length = i - start;
    if (length == 0 || (dots == length && length <= 2)) return false;
  }
  return true;
}

function isDigitOrMark(byte: i32): bool {
  return isDigit(byte) || byte == Char.Dash || byte == Char.Dot || byte == Char.Underscore;
}
