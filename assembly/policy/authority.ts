// Hosts and ports.  https://www.rfc-editor.org/rfc/rfc3986#section-3.2

import { takeSpan } from "../host/arena";
import {
  Span,
  ABSENT,
  byteAt,
  equals,
  indexOf,
  lengthOf,
  lowerCase,
  setByte,
  slice,
  sliceFrom,
} from "../host/span";
import { Char, isLetterOrDigit } from "../text/ascii";
import { parseDecimal } from "../text/decimal";

/** RFC 1035, section 2.3.4, and a port. */
const MAX_BYTES: i32 = 261;
const MAX_PORT_DIGITS: i32 = 5;
const MAX_PORT: i64 = 65_535;

/**
 * True for a host name, an IPv4 address or an IPv6 address in brackets, with or without a port. One dot may end a name;
 * anything else that a resolver or a server might overlook (a comma, an escape, an empty label) makes it no authority.
 */
export function isPlainAuthority(text: Span): bool {
  if (lengthOf(text) > MAX_BYTES) return false;
  const port = portOf(text);
  const hasColon = portStart(text) >= 0;
  if (hasColon && !isPort(port)) return false;
  const host = hostOf(text);
  return byteAt(host, 0) == Char.OpeningBracket ? isBracketed(host) : isHostName(host);
}

/**
 * Host names have no case and may end in a dot. Compared as bytes, `API.example` would fall past the rule for
 * `api.example` while Envoy routes both alike. A rule that names no port takes every port.
 */
export function isAuthority(wanted: Span, given: Span): bool {
  if (!startsAlike(wanted, given)) return false;
  const port = portOf(wanted);
  if (port != ABSENT && !equals(port, portOf(given))) return false;
  const host = hostOf(wanted);
  const other = hostOf(given);
  if (lengthOf(host) != lengthOf(other)) return false;
  for (let i = 0; i < lengthOf(host); i++) {
    if (lowerCase(byteAt(host, i)) != lowerCase(byteAt(other, i))) return false;
  }
  return true;
}

/** An authority, or `*.` and one: every host below it, at any depth. */
export function isHostPattern(text: Span): bool {
  return isPlainAuthority(isBelow(text) ? sliceFrom(text, 2) : text);
}

/** As `isAuthority`, for a pattern. */
export function matchesHost(pattern: Span, given: Span): bool {
  if (!isBelow(pattern)) return isAuthority(pattern, given);
  const wanted = sliceFrom(pattern, 2);
  const label = lengthOf(hostOf(given)) - lengthOf(hostOf(wanted));
  return label > 1 && byteAt(given, label - 1) == Char.Dot && isAuthority(wanted, sliceFrom(given, label));
}

function isBelow(pattern: Span): bool {
  return byteAt(pattern, 0) == Char.Asterisk && byteAt(pattern, 1) == Char.Dot;
}

/** False when the first labels differ: for most, before anything is taken apart. */
function startsAlike(wanted: Span, given: Span): bool {
  for (let i = 0; i < lengthOf(wanted); i++) {
    const byte = byteAt(wanted, i);
    if (byte == Char.Dot || byte == Char.Colon) return true;
    if (lowerCase(byte) != lowerCase(byteAt(given, i))) return false;
  }
  return true;
}

/** The host of a plain authority in its one spelling: lower case, no port, no dot at the end. Lives until the callback ends. */
export function plainHost(authority: Span): Span {
  const host = hostOf(authority);
  const plain = takeSpan(lengthOf(host));
  for (let i = 0; i < lengthOf(plain); i++) setByte(plain, i, lowerCase(byteAt(host, i)));
  return plain;
}

/** Without the port, and without the one dot that may end a name. */
function hostOf(authority: Span): Span {
  const colon = portStart(authority);
  const host = colon < 0 ? authority : slice(authority, 0, colon);
  const last = lengthOf(host) - 1;
  return byteAt(host, last) == Char.Dot ? slice(host, 0, last) : host;
}

function portOf(authority: Span): Span {
  const colon = portStart(authority);
  return colon < 0 ? ABSENT : sliceFrom(authority, colon + 1);
}

/** Index of the colon before a port, or -1; the colons inside an IPv6 literal's brackets are no such thing. */
function portStart(authority: Span): i32 {
  return indexOf(authority, Char.Colon, max(indexOf(authority, Char.ClosingBracket, 0), 0));
}

function isPort(text: Span): bool {
  const length = lengthOf(text);
  return length <= MAX_PORT_DIGITS && parseDecimal(text) > 0 && parseDecimal(text) <= MAX_PORT;
}

function isHostName(host: Span): bool {
  let inLabel = false;
  for (let i = 0; i < lengthOf(host); i++) {
    const byte = byteAt(host, i);
    if (byte == Char.Dot) {
      if (!inLabel) return false;
      inLabel = false;
      continue;
    }
    if (!isLetterOrDigit(byte) && byte != Char.Dash && byte != Char.Underscore) return false;
    inLabel = true;
  }
  return inLabel;
}

function isBracketed(host: Span): bool {
  const last = lengthOf(host) - 1;
  for (let i = 1; i < last; i++) {
    const byte = byteAt(host, i);
    if (!isLetterOrDigit(byte) && byte != Char.Colon && byte != Char.Dot) return false;
  }
  return last > 1 && byteAt(host, last) == Char.ClosingBracket;
}
