// An http or https URI in the one form that RFC 3986, sections 6.2.2 and 6.2.3, leaves of it, so that equal bytes are the same resource.

import { ascii, takeSpan } from "../host/arena";
import {
  Span,
  ABSENT,
  FAILED,
  byteAt,
  equals,
  indexOf,
  lengthOf,
  lowerCase,
  setByte,
  slice,
  sliceFrom,
} from "../host/span";
import { line, startLine, writeBytes } from "../host/writer";
import { Char } from "./ascii";
import { escapedByte, isUnreserved } from "./percent";

const MARK = ascii("://");
const HTTP = ascii("http");
const HTTPS = ascii("https");
const HTTP_PORT = ascii(":80");
const HTTPS_PORT = ascii(":443");
const NO_PORT = ascii(":");
const ROOT_PATH = ascii("/");

/** A URI without query and fragment, taken apart and normalised. */
@unmanaged
export class HttpUri {
  /** `http` or `https`. */
  scheme: Span;
  isHttps: bool;
  /** Host in lower case, and the port unless it is the scheme's own. */
  authority: Span;
  /** At least `/`. */
  path: Span;

  /** `scheme://authority`, valid until the next line is written. */
  origin(): Span {
    startLine();
    writeBytes(this.scheme);
    writeBytes(MARK);
    writeBytes(this.authority);
    return line();
  }

  /** False for anything else: another scheme, user information, a broken escape. Lives until the callback ends. */
  read(uri: Span): bool {
    const colon = indexOf(uri, Char.Colon, 0);
    this.scheme = lowered(slice(uri, 0, colon));
    this.isHttps = equals(this.scheme, HTTPS);
    if (!this.isHttps && !equals(this.scheme, HTTP)) return false;
    if (!equals(slice(uri, colon, colon + lengthOf(MARK)), MARK)) return false;
    const rest = withoutQuery(sliceFrom(uri, colon + lengthOf(MARK)));
    const slash = indexOf(rest, Char.Slash, 0);
    const authority = slash < 0 ? rest : slice(rest, 0, slash);
    if (indexOf(authority, Char.At, 0) >= 0) return false;
    this.authority = normalAuthority(authority, this.isHttps);
    this.path = slash < 0 ? ROOT_PATH : normalPath(sliceFrom(rest, slash));
    return lengthOf(this.authority) > 0 && this.path != FAILED;
  }
}

/** Up to the first `?` or `#`. */
function withoutQuery(text: Span): Span {
  for (let i = 0; i < lengthOf(text); i++) {
    const byte = byteAt(text, i);
    if (byte == Char.QuestionMark || byte == Char.Hash) return slice(text, 0, i);
  }
  return text;
}

/** Host names have no case, and a scheme's own port, or an empty one, goes without saying. @param isHttps which one that is */
export function normalAuthority(authority: Span, isHttps: bool): Span {
  const port = isHttps ? HTTPS_PORT : HTTP_PORT;
  const omitted = endsWith(authority, port) ? port : endsWith(authority, NO_PORT) ? NO_PORT : ABSENT;
  return lowered(slice(authority, 0, lengthOf(authority) - lengthOf(omitted)));
}

function endsWith(text: Span, ending: Span): bool {
  return equals(sliceFrom(text, lengthOf(text) - lengthOf(ending)), ending);
}

function lowered(text: Span): Span {
  const copy = takeSpan(lengthOf(text));
  for (let i = 0; i < lengthOf(text); i++) setByte(copy, i, lowerCase(byteAt(text, i)));
  return copy;
}

/**
 * An absolute path with its dot segments removed, escapes of unreserved characters decoded and the others in capitals. FAILED for a broken
 * escape, or when there is no memory.
 */
export function normalPath(path: Span): Span {
  const plain = takeSpan(lengthOf(path));
  if (lengthOf(plain) != lengthOf(path)) return FAILED;
  let written = 0;
  for (let i = 0; i < lengthOf(path); i++) {
    const byte = byteAt(path, i);
    if (byte != Char.Percent) {
      setByte(plain, written++, byte);
      continue;
    }
    const escaped = escapedByte(path, i);
    if (escaped < 0) return FAILED;
    if (isUnreserved(escaped)) {
      setByte(plain, written++, escaped);
    } else {
      setByte(plain, written++, Char.Percent);
      setByte(plain, written++, upperCase(byteAt(path, i + 1)));
      setByte(plain, written++, upperCase(byteAt(path, i + 2)));
    }
    i += 2;
  }
  return removeDotSegments(slice(plain, 0, written));
}

/** RFC 3986, section 5.2.4, in place; for an absolute path. */
function removeDotSegments(path: Span): Span {
  let written = 0;
  let start = 0;
  while (start < lengthOf(path)) {
    const slash = indexOf(path, Char.Slash, start + 1);
    const end = slash < 0 ? lengthOf(path) : slash;
    const isLast = slash < 0;
    const dots = dotsIn(path, start + 1, end);
    if (dots == 2) written = lastSlash(path, written);
    if (dots > 0) {
      if (isLast) setByte(path, written++, Char.Slash);
    } else {
      for (let i = start; i < end; i++) setByte(path, written++, byteAt(path, i));
    }
    start = end;
  }
  return written == 0 ? ROOT_PATH : slice(path, 0, written);
}

/** 1 for the segment `.`, 2 for `..`, 0 for any other. */
function dotsIn(path: Span, from: i32, to: i32): i32 {
  const length = to - from;
  if (length < 1 || length > 2 || byteAt(path, from) != Char.Dot) return 0;
  return length == 1 ? 1 : byteAt(path, from + 1) == Char.Dot ? 2 : 0;
}

/** Where the last segment before `end` begins, with its slash. */
function lastSlash(path: Span, end: i32): i32 {
  let at = end - 1;
  while (at > 0 && byteAt(path, at) != Char.Slash) at--;
  return max(0, at);
}

function upperCase(byte: i32): i32 {
  return byte >= Char.LowerA && byte <= Char.LowerF ? byte - 32 : byte;
}
