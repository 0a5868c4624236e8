// Finds the one credential of a request. Two candidates are never weighed against each other: whoever can add a second
// one would choose which of them is judged here and which is used behind.

import {
  Span,
  ABSENT,
  byteAt,
  equalsAsciiIgnoreCase,
  indexOf,
  lengthOf,
  lowerCase,
  slice,
  sliceFrom,
} from "../host/span";
import { ascii } from "../host/arena";
import { hexValue } from "../text/hex";
import { Reason } from "../decision/reason";

/** Bytes of a token, at most. */
export const MAX_TOKEN_BYTES: i32 = 16 * 1024;

const SPACE: i32 = 0x20;
const COMMA: i32 = 0x2c;

/** What a request carries where credentials can be. Filled while its headers are read, once. */
@unmanaged
export class Credential {
  /** The token of `authorization: Bearer`, after `find` said ok; not yet proven to be anything. */
  token: Span;
  private authorization: Span;
  private count: i32;

  clear(): void {
    this.token = ABSENT;
    this.authorization = ABSENT;
    this.count = 0;
  }

  /** Notes the value of an `authorization` header. */
  note(value: Span): void {
    this.authorization = value;
    this.count++;
  }

  /** Puts the bearer token into `token`. `path` is the whole `:path`, where RFC 6750 would also allow a token and we do not. */
  find(path: Span): Reason {
    if (this.count > 1) return Reason.token_duplicate;
    if (hasQueryToken(path)) return Reason.token_in_query;
    if (this.count == 0) return Reason.token_absent;
    return this.readBearer();
  }

  /** `credentials = "Bearer" 1*SP b64token`: RFC 6750, section 2.1; the scheme has no case: RFC 9110, section 11.1. */
  private readBearer(): Reason {
    const value = this.authorization;
    const space = indexOf(value, SPACE, 0);
    const scheme = space < 0 ? value : slice(value, 0, space);
    // Envoy joins repeated headers with a comma on some paths, so a comma is a second credential, whatever its scheme.
    if (indexOf(value, COMMA, 0) >= 0) return Reason.token_duplicate;
    if (!equalsAsciiIgnoreCase(scheme, "bearer")) return Reason.scheme_unsupported;
    let start = lengthOf(scheme);
    while (byteAt(value, start) == SPACE) start++;
    const token = sliceFrom(value, start);
    if (lengthOf(token) > MAX_TOKEN_BYTES) return Reason.token_too_large;
    if (!isB64Token(token)) return Reason.authorization_malformed;
    this.token = token;
    return Reason.ok;
  }
}

function isB64Token(text: Span): bool {
  const length = lengthOf(text);
  let end = length;
  while (end > 0 && byteAt(text, end - 1) == 0x3d) end--;
  for (let i = 0; i < end; i++) {
    if (!isTokenByte(byteAt(text, i))) return false;
  }
  return end > 0;
}

function isTokenByte(byte: i32): bool {
  const letter = byte | 0x20;
  if ((letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39)) return true;
  // - . _ ~ + /
  return byte == 0x2d || byte == 0x2e || byte == 0x5f || byte == 0x7e || byte == 0x2b || byte == 0x2f;
}

const ACCESS_TOKEN = ascii("access_token");
const MARK: i32 = 0x3f;
const AMPERSAND: i32 = 0x26;
const SEMICOLON: i32 = 0x3b;
const EQUALS: i32 = 0x3d;
const OPENING_BRACKET: i32 = 0x5b;
const PERCENT: i32 = 0x25;
const UNDERSCORE: i32 = 0x5f;

/** True when some server might find a parameter `access_token` in the query. */
function hasQueryToken(path: Span): bool {
  let start = indexOf(path, MARK, 0);
  if (start < 0) return false;
  for (let i = start; i < lengthOf(path); i++) {
    const byte = byteAt(path, i);
    const separates = i == start || byte == AMPERSAND || byte == SEMICOLON;
    if (separates && isAccessTokenAt(path, i + 1)) return true;
  }
  return false;
}

/** Servers decode names, ignore their case, write `_` for `.` and space, and take `name[...]` for `name`. */
function isAccessTokenAt(path: Span, at: i32): bool {
  for (let i = 0; i < lengthOf(ACCESS_TOKEN); i++) {
    const isEscape = byteAt(path, at) == PERCENT;
    const byte = isEscape ? escapedByte(path, at) : byteAt(path, at);
    if (folded(byte) != byteAt(ACCESS_TOKEN, i)) return false;
    at += isEscape ? 3 : 1;
  }
  const end = byteAt(path, at) == PERCENT ? escapedByte(path, at) : byteAt(path, at);
  return end == EQUALS || end == AMPERSAND || end == SEMICOLON || end == OPENING_BRACKET || end < 0;
}

function folded(byte: i32): i32 {
  return byte == 0x2e || byte == SPACE || byte == 0x2b ? UNDERSCORE : lowerCase(byte);
}

function escapedByte(path: Span, index: i32): i32 {
  return (hexValue(byteAt(path, index + 1)) << 4) | hexValue(byteAt(path, index + 2));
}
