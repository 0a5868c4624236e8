// Finds the one credential of a request. Two candidates are never weighed against each other: whoever can add a second
// one would choose which of them is judged here and which is used behind.

import { ascii } from "../host/arena";
import { ByteMap, makeByteMap, mapped, setMapped } from "../host/byte_map";
import {
  Span,
  ABSENT,
  FAILED,
  byteAt,
  equalsAsciiIgnoreCase,
  indexOf,
  lengthOf,
  lowerCase,
  slice,
  sliceFrom,
} from "../host/span";
import { Reason } from "../decision/reason";
import { Char, isLetterOrDigit } from "../text/ascii";
import { escapedByte } from "../text/percent";
import { recall } from "./token_cache";
import { CachedToken } from "./token_table";

/** Bytes of a token, at most. */
const MAX_TOKEN_BYTES: i32 = 16 * 1024;

/** What a request carries where credentials can be. Filled while its headers are read, once. */
@unmanaged
export class Credential {
  /** The token, after `find` said ok; not yet proven to be anything. */
  token: Span;
  /** What is remembered of it; null: nothing. */
  known: CachedToken | null;
  /** The header that it came in; absent: `authorization`. */
  header: Span;
  /** It came as `DPoP`, so that whoever sends it says it is bound to a key.  RFC 9449, section 7.1 */
  isDpop: bool;
  private authorization: Span;
  private count: i32;
  private value: Span;
  private namedCount: i32;

  clear(): void {
    this.token = ABSENT;
    this.known = null;
    this.header = ABSENT;
    this.isDpop = false;
    this.authorization = ABSENT;
    this.count = 0;
    this.value = ABSENT;
    this.namedCount = 0;
  }

  /**
   * The token in `authorization`, whether or not it is the one that is judged; absent: none. FAILED where some server may find one that is not
   * plainly there.
   */
  accessToken(): Span {
    const value = this.authorization;
    const scheme = schemeOf(value);
    const isToken = equalsAsciiIgnoreCase(scheme, "bearer") || equalsAsciiIgnoreCase(scheme, "dpop");
    if (isToken) return withoutBlanks(sliceFrom(value, lengthOf(scheme)));
    return mentions(value, "bearer") || mentions(value, "dpop") ? FAILED : ABSENT;
  }

  /** Notes the value of an `authorization` header. */
  note(value: Span): void {
    this.authorization = value;
    this.count++;
  }

  /** Notes the value of another header that the rule takes tokens from. */
  noteNamed(header: Span, value: Span): void {
    this.header = header;
    this.value = value;
    this.namedCount++;
  }

  /**
   * Puts the one token into `token`.
   * @param path the whole `:path`, where RFC 6750 would also allow a token and we do not
   * @param readsAuthorization whether the rule takes tokens from `authorization`
   */
  find(path: Span, readsAuthorization: bool): Reason {
    const candidates = this.namedCount + (readsAuthorization ? this.count : 0);
    if (this.count > 1 || candidates > 1) return Reason.token_duplicate;
    if (hasQueryToken(path)) return Reason.token_in_query;
    if (candidates == 0) return Reason.token_absent;
    return this.namedCount == 0 ? this.readAuthorization() : this.readNamed();
  }

  /** `credentials = "Bearer" 1*SP b64token`: RFC 6750, section 2.1; the scheme has no case: RFC 9110, section 11.1. */
  private readAuthorization(): Reason {
    const value = this.authorization;
    const scheme = schemeOf(value);
    this.isDpop = equalsAsciiIgnoreCase(scheme, "dpop");
    if (!this.isDpop && !equalsAsciiIgnoreCase(scheme, "bearer"))
      return orDuplicate(value, Reason.scheme_unsupported);
    return this.readToken(value, lengthOf(scheme));
  }

  /** A bare token; or one as in `authorization`, since gateways copy that header. */
  private readNamed(): Reason {
    const scheme = schemeOf(this.value);
    const isBare = lengthOf(scheme) == lengthOf(this.value);
    if (isBare) return this.readToken(this.value, 0);
    if (equalsAsciiIgnoreCase(scheme, "bearer")) return this.readToken(this.value, lengthOf(scheme));
    return orDuplicate(this.value, Reason.authorization_malformed);
  }

  private readToken(value: Span, start: i32): Reason {
    const token = withoutBlanks(sliceFrom(value, start));
    if (lengthOf(token) > MAX_TOKEN_BYTES) return orDuplicate(value, Reason.token_too_large);
    // The same bytes were looked through when they came first.
    this.known = recall(token);
    if (this.known == null && !isB64Token(token)) return orDuplicate(value, Reason.authorization_malformed);
    this.token = token;
    return Reason.ok;
  }
}

/** True when the word is anywhere in the value, in letters of either case. */
function mentions(value: Span, word: string): bool {
  for (let i = 0; i <= lengthOf(value) - word.length; i++) {
    if (equalsAsciiIgnoreCase(slice(value, i, i + word.length), word)) return true;
  }
  return false;
}

/** All up to the first space. */
function schemeOf(value: Span): Span {
  const space = indexOf(value, Char.Space, 0);
  return space < 0 ? value : slice(value, 0, space);
}

function withoutBlanks(value: Span): Span {
  let start = 0;
  while (byteAt(value, start) == Char.Space) start++;
  return sliceFrom(value, start);
}

/** Envoy joins repeated headers with a comma on some paths, so a comma is a second credential, whatever else is wrong. */
function orDuplicate(value: Span, reason: Reason): Reason {
  return indexOf(value, Char.Comma, 0) >= 0 ? Reason.token_duplicate : reason;
}

function isB64Token(text: Span): bool {
  let end = lengthOf(text);
  while (end > 0 && byteAt(text, end - 1) == Char.Equals) end--;
  for (let i = 0; i < end; i++) {
    if (mapped(TOKEN_BYTES, byteAt(text, i)) == 0) return false;
  }
  return end > 0;
}

/** 1 for each character of RFC 6750's b64token. */
const TOKEN_BYTES = makeTokenBytes();

function makeTokenBytes(): ByteMap {
  const map = makeByteMap(0);
  for (let byte = 0; byte < 256; byte++) {
    if (isLetterOrDigit(byte)) setMapped(map, byte, 1);
  }
  setMapped(map, Char.Dash, 1);
  setMapped(map, Char.Dot, 1);
  setMapped(map, Char.Underscore, 1);
  setMapped(map, Char.Tilde, 1);
  setMapped(map, Char.Plus, 1);
  setMapped(map, Char.Slash, 1);
  return map;
}

const ACCESS_TOKEN = ascii("access_token");

/** True when some server might find a parameter `access_token` in the query. */
export function hasQueryToken(path: Span): bool {
  let start = indexOf(path, Char.QuestionMark, 0);
  if (start < 0) return false;
  for (let i = start; i < lengthOf(path); i++) {
    const byte = byteAt(path, i);
    const separates = byte == Char.QuestionMark || byte == Char.Ampersand || byte == Char.Semicolon;
    if (separates && isAccessTokenAt(path, afterBlanks(path, i + 1))) return true;
  }
  return false;
}

/** Index of the first byte that is no blank, as some servers skip them before a name. */
function afterBlanks(path: Span, at: i32): i32 {
  while (true) {
    const isEscape = byteAt(path, at) == Char.Percent;
    const byte = isEscape ? escapedByte(path, at) : byteAt(path, at);
    if (byte != Char.Plus && byte != Char.Space) return at;
    at += isEscape ? 3 : 1;
  }
}

/** Servers decode names, ignore their case, write `_` for `.`, space and `[`, and end them at `[` or NUL. */
function isAccessTokenAt(path: Span, at: i32): bool {
  for (let i = 0; i < lengthOf(ACCESS_TOKEN); i++) {
    const isEscape = byteAt(path, at) == Char.Percent;
    const byte = isEscape ? escapedByte(path, at) : byteAt(path, at);
    if (folded(byte) != byteAt(ACCESS_TOKEN, i)) return false;
    at += isEscape ? 3 : 1;
  }
  const end = byteAt(path, at) == Char.Percent ? escapedByte(path, at) : byteAt(path, at);
  return (
    end == Char.Nul ||
    end == Char.Equals ||
    end == Char.Ampersand ||
    end == Char.Semicolon ||
    end == Char.OpeningBracket ||
    end < 0
  );
}

function folded(byte: i32): i32 {
  return byte == Char.Dot || byte == Char.Space || byte == Char.Plus || byte == Char.OpeningBracket
    ? Char.Underscore
    : lowerCase(byte);
}
