// Envoy's x-forwarded-client-cert: whom each proxy on the way says that it saw. It proves no more than whoever wrote it is
// trusted for. A header that could be read in two ways is malformed as a whole, so it is read as Envoy writes it: a key in
// another case, a space after a comma or an escape outside the Subject is for some readers one thing and for some another.
// https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert

import { makeForever } from "../host/arena";
import { Span, ABSENT, FAILED, byteAt, equalsAscii, indexOf, lengthOf, slice } from "../host/span";
import { Table, tableForever } from "../host/table";
import { Char, isUpper, isVisible } from "../text/ascii";
import { hexValue } from "../text/hex";

const MAX_HEADER_BYTES: i32 = 16 * 1024;
/** One for each proxy on the way. */
const MAX_ELEMENTS: i32 = 16;
const DIGEST_CHARACTERS: i32 = 64;
const MALFORMED: i32 = -1;

const enum Key {
  Unknown = 0,
  By = 1,
  Hash = 2,
  Cert = 3,
  Chain = 4,
  Subject = 5,
  Uri = 6,
  Dns = 7,
}

/** What one proxy says of the client that it saw, and of itself. The spans are parts of the header. */
@unmanaged
export class XfccElement {
  /** The proxy's own URI SAN; absent when there is none, FAILED when there are several. */
  by: Span;
  /** SHA-256 of the client's certificate, 64 lowercase hex digits; absent when not said, FAILED when it is no such thing. */
  hash: Span;
  /** The client's URI SAN; absent when there is none, FAILED when there are several. */
  uri: Span;
  /** The client's certificate, PEM, percent-encoded and not yet looked at: `decodePercent` reads it. Absent when not said. */
  cert: Span;
  /** A bit for each `Key` that was there. */
  private keys: i32;

  clear(): void {
    this.by = ABSENT;
    this.hash = ABSENT;
    this.uri = ABSENT;
    this.cert = ABSENT;
    this.keys = 0;
  }

  /** Takes one pair in; false when its key was there before and Envoy writes no second one. */
  take(key: Key, value: Span): bool {
    const isFirst = (this.keys & (1 << key)) == 0;
    this.keys |= 1 << key;
    switch (key) {
      case Key.By:
        this.by = isFirst ? value : FAILED;
        return true;
      case Key.Uri:
        this.uri = isFirst ? value : FAILED;
        return true;
      case Key.Dns:
        return true;
      case Key.Hash:
        this.hash = isDigest(value) ? value : FAILED;
        return isFirst;
      case Key.Cert:
        this.cert = value;
        return isFirst;
      default:
        return isFirst;
    }
  }
}

@unmanaged
export class Xfcc {
  /** Elements of the header, at most 16, the one of the nearest proxy last; 0 when it was absent or malformed. */
  count: i32;
  /** One more than a header may have, which stays empty. */
  private elements: Table<XfccElement>;

  static make(): Xfcc {
    const xfcc = makeForever<Xfcc>();
    xfcc.elements = tableForever<XfccElement>(MAX_ELEMENTS + 1);
    return xfcc;
  }

  /**
   * Reads a header of at most 16 KiB; an absent one has no elements. False when it is malformed anywhere.
   * @param header the one value of the one header: several headers are for the caller to refuse
   */
  parse(header: Span): bool {
    this.count = 0;
    if (lengthOf(header) > MAX_HEADER_BYTES) return false;
    if (lengthOf(header) == 0 || this.readElements(header)) return true;
    this.count = 0;
    return false;
  }

  /** The element at `index`, until the next `parse`; one with nothing in it when the header has no such element. */
  element(index: i32): XfccElement {
    return this.elements.at(<u32>index < <u32>this.count ? index : MAX_ELEMENTS);
  }

  private readElements(header: Span): bool {
    let end = -1;
    do {
      if (this.count == MAX_ELEMENTS) return false;
      end = readElement(header, end + 1, this.elements.at(this.count++));
    } while (byteAt(header, end) == Char.Comma);
    return end == lengthOf(header);
  }
}

/** Index of what follows the element that starts at `start`. */
function readElement(header: Span, start: i32, element: XfccElement): i32 {
  element.clear();
  let end = readPair(header, start, element);
  while (byteAt(header, end) == Char.Semicolon) end = readPair(header, end + 1, element);
  return end;
}

/** Index of what follows the pair that starts at `start`. */
function readPair(header: Span, start: i32, element: XfccElement): i32 {
  const equals = indexOf(header, Char.Equals, start);
  const key = keyNamed(slice(header, start, equals));
  if (key == Key.Unknown) return MALFORMED;
  const isQuoted = byteAt(header, equals + 1) == Char.Quote;
  const from = isQuoted ? equals + 2 : equals + 1;
  const to = isQuoted ? quotedEnd(header, from, key == Key.Subject) : plainEnd(header, from);
  if (to == MALFORMED || !element.take(key, slice(header, from, to))) return MALFORMED;
  return isQuoted ? to + 1 : to;
}

/** Keys are without case in Envoy's documentation; Envoy itself writes each in one way. */
function keyNamed(name: Span): Key {
  if (equalsAscii(name, "By")) return Key.By;
  if (equalsAscii(name, "Hash")) return Key.Hash;
  if (equalsAscii(name, "Cert")) return Key.Cert;
  if (equalsAscii(name, "Chain")) return Key.Chain;
  if (equalsAscii(name, "Subject")) return Key.Subject;
  if (equalsAscii(name, "URI")) return Key.Uri;
  return equalsAscii(name, "DNS") ? Key.Dns : Key.Unknown;
}

/**
 * Index of what follows a value without quotes. Envoy writes the SANs, which it lets a certificate choose, just as they are:
 * one with `;` or `,` in it reads like further pairs, so that only the authority keeps it from saying what it likes.
 */
function plainEnd(header: Span, from: i32): i32 {
  let i = from;
  while (isPlain(byteAt(header, i))) i++;
  return i;
}

function isPlain(byte: i32): bool {
  if (byte == Char.Comma || byte == Char.Semicolon || byte == Char.Equals) return false;
  return isVisible(byte) && byte != Char.Quote && byte != Char.Backslash;
}

/** Index of the quote that ends a value. */
function quotedEnd(header: Span, from: i32, hasEscapes: bool): i32 {
  let i = from;
  while (byteAt(header, i) != Char.Quote) {
    const byte = byteAt(header, i);
    const isEscape = byte == Char.Backslash;
    if (isEscape ? !hasEscapes : byte != Char.Space && !isVisible(byte)) return MALFORMED;
    const length = isEscape ? escapeLength(header, i) : 1;
    if (length == 0) return MALFORMED;
    i += length;
  }
  return i;
}

/** Length of the escape at `index`, as a distinguished name has it, or 0.  https://www.rfc-editor.org/rfc/rfc4514#section-3 */
function escapeLength(text: Span, index: i32): i32 {
  const byte = byteAt(text, index + 1);
  switch (byte) {
    case Char.Space:
    case Char.Quote:
    case Char.Hash:
    case Char.Plus:
    case Char.Comma:
    case Char.Semicolon:
    case LESS_THAN:
    case Char.Equals:
    case GREATER_THAN:
    case Char.Backslash:
      return 2;
    default:
      return hexValue(byte) >= 0 && hexValue(byteAt(text, index + 2)) >= 0 ? 3 : 0;
  }
}

const LESS_THAN: i32 = 0x3c;
const GREATER_THAN: i32 = 0x3e;

function isDigest(value: Span): bool {
  for (let i = 0; i < lengthOf(value); i++) {
    const byte = byteAt(value, i);
    if (hexValue(byte) < 0 || isUpper(byte)) return false;
  }
  return lengthOf(value) == DIGEST_CHARACTERS;
}
