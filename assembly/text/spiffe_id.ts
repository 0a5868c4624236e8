// SPIFFE IDs, by the strict reading of the standard: nothing is folded, decoded or normalised.
// https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md

import { ascii } from "../host/arena";
import { Span, ABSENT, byteAt, indexOf, lengthOf, slice, sliceFrom, startsWith } from "../host/span";
import { Char, isDigit, isLetter, isLower } from "./ascii";

/** Section 2.3. */
const MAX_ID_BYTES: i32 = 2048;
const MAX_TRUST_DOMAIN_BYTES: i32 = 255;

const SCHEME = ascii("spiffe://");
const WIMSE_SCHEME = ascii("wimse://");

/** The trust domain of a SPIFFE ID, or absent when `id` is not one. */
export function trustDomainOf(id: Span): Span {
  return startsWith(id, SCHEME) ? trustDomainAfter(id, lengthOf(SCHEME)) : ABSENT;
}

function trustDomainAfter(id: Span, scheme: i32): Span {
  if (lengthOf(id) > MAX_ID_BYTES) return ABSENT;
  const rest = sliceFrom(id, scheme);
  let end = 0;
  while (end < lengthOf(rest) && byteAt(rest, end) != Char.Slash) end++;
  const domain = slice(rest, 0, end);
  if (!isTrustDomain(domain)) return ABSENT;
  return isPath(sliceFrom(rest, end)) ? domain : ABSENT;
}

/**
 * The authority of a workload identifier URI of WIMSE's, which is a SPIFFE ID or has the same form under the scheme `wimse`; absent
 * for anything else.  https://datatracker.ietf.org/doc/draft-ietf-wimse-identifier/
 */
export function authorityOf(uri: Span): Span {
  const isWimse = startsWith(uri, WIMSE_SCHEME);
  return isWimse ? trustDomainAfter(uri, lengthOf(WIMSE_SCHEME)) : trustDomainOf(uri);
}

/** True when a SPIFFE ID names more than its trust domain. */
export function hasPath(id: Span, trustDomain: Span): bool {
  return lengthOf(id) > lengthOf(SCHEME) + lengthOf(trustDomain);
}

/** True for a well-formed SPIFFE ID that names more than a trust domain. */
export function isWorkloadId(id: Span): bool {
  const domain = trustDomainOf(id);
  return domain != ABSENT && hasPath(id, domain);
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

/** One segment of a path: neither empty nor dots. */
export function isPathSegment(text: Span): bool {
  let dots = 0;
  for (let i = 0; i < lengthOf(text); i++) {
    const byte = byteAt(text, i);
    if (!isLetter(byte) && !isDigitOrMark(byte)) return false;
    if (byte == Char.Dot) dots++;
  }
  const length = lengthOf(text);
  return length > 0 && !(dots == length && length <= 2);
}

/** Section 2.2: empty, or segments that are neither empty nor dots, of letters, digits, dots, dashes and underscores. */
function isPath(path: Span): bool {
  let start = 0;
  while (start < lengthOf(path)) {
    const slash = indexOf(path, Char.Slash, start + 1);
    const end = slash < 0 ? lengthOf(path) : slash;
    if (!isPathSegment(slice(path, start + 1, end))) return false;
    start = end;
  }
  return true;
}

function isDigitOrMark(byte: i32): bool {
  return isDigit(byte) || byte == Char.Dash || byte == Char.Dot || byte == Char.Underscore;
}
