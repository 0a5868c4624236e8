// The policy's JSON while it is being read, and the pieces that every part of it is read with.

import { ascii, makeForever } from "../host/arena";
import { List } from "../host/list";
import { Region } from "../host/region";
import { Span, byteAt, equals, equalsAscii, indexOf, lengthOf, slice } from "../host/span";
import { Char, isLetterOrDigit, isUpper } from "../text/ascii";
import { JsonDocument, JsonKind, JsonNode, NO_NODE } from "../text/json";
import { isSpiffePattern } from "../text/spiffe_pattern";
import { parseDuration } from "./duration";
import { hasText, isSpelledAlike } from "./policy";
import { finishOffers, offer, refuse, refuseName, refuseValue } from "./refusal";

/** Spellings of the modes, in the order of `Mode`. */
export const MODES = ascii("enforce observe");

/** Headers that begin so are taken out of every request. */
const OWN_PREFIX = ascii("x-holdfast-");

const MAX_NAME_BYTES: i32 = 64;
const MAX_STRING_BYTES: i32 = 2048;
/** Strings of a list, at most: each is compared with those before it, and on requests with what a token has. */
const MAX_STRINGS: i32 = 256;

/** What is being read. One policy is loaded at a time. */
export let document: JsonDocument = JsonDocument.forever(1);
/** Where what is read goes. */
export let region: Region = makeForever<Region>();

/** Points the reader at a parsed document and the region for its records. */
export function startReading(from: JsonDocument, into: Region): void {
  document = from;
  region = into;
}

export const REFUSED: i32 = -1;

/** Position of the member's value among `choices`, 0 when there is no such member, REFUSED when it is another value. */
export function readChoice(object: JsonNode, name: string, choices: Span, expected: string): i32 {
  const node = document.member(object, name);
  if (node == NO_NODE) return 0;
  const text = document.stringOf(node);
  let position = 0;
  for (let start = 0; start < lengthOf(choices); position++) {
    const end = wordEnd(choices, start);
    if (equals(slice(choices, start, end), text)) return position;
    start = end + 1;
  }
  refuseValue(document, node, text, expected);
  offerEach(choices);
  finishOffers();
  return REFUSED;
}

/** True when `node` is an object whose names are all among `known`. */
export function hasOnly(node: JsonNode, known: Span): bool {
  if (document.kind(node) != JsonKind.Object) return refuse(document, node, "an object");
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    if (isOneOf(document.textOf(n), known)) continue;
    refuseName(document, n, document.textOf(n), lengthOf(known) == 0 ? "an empty object" : "a known member");
    offerEach(known);
    return finishOffers();
  }
  return true;
}

function isOneOf(name: Span, known: Span): bool {
  for (let start = 0; start < lengthOf(known);) {
    const end = wordEnd(known, start);
    if (equals(slice(known, start, end), name)) return true;
    start = end + 1;
  }
  return false;
}

function offerEach(words: Span): void {
  for (let start = 0; start < lengthOf(words);) {
    const end = wordEnd(words, start);
    offer(slice(words, start, end));
    start = end + 1;
  }
}

function wordEnd(words: Span, start: i32): i32 {
  const space = indexOf(words, Char.Space, start);
  return space < 0 ? lengthOf(words) : space;
}

/** Reads the member's strings, each once and none empty, into `texts`; without the member it stays empty. */
export function readStrings(object: JsonNode, member: string, texts: List<Span>): bool {
  const list = document.member(object, member);
  return list == NO_NODE || readTexts(list, texts);
}

/** A list of strings that has to be there, each once and none empty. */
export function readTexts(list: JsonNode, texts: List<Span>): bool {
  if (document.kind(list) != JsonKind.Array || document.firstIn(list) == NO_NODE) {
    return refuse(document, list, "a list of at least one string");
  }
  if (document.countIn(list) > MAX_STRINGS) return refuse(document, list, "a list of at most 256 strings");
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    if (!isText(n) || hasText(texts, document.stringOf(n))) {
      return refuse(document, n, "a string that is not empty, not too long and not there twice");
    }
    texts.append(region.copy(document.stringOf(n)), region);
  }
  return true;
}

/** Seconds of the member's duration, `otherwise` when there is no such member, -1 when it is no duration. */
export function readDuration(object: JsonNode, name: string, otherwise: i64): i64 {
  const node = document.member(object, name);
  return node == NO_NODE ? otherwise : parseDuration(document.stringOf(node));
}

/** True for true and false, and where there is nothing, which means false. */
export function isBoolean(node: JsonNode): bool {
  return node == NO_NODE || document.kind(node) == JsonKind.True || document.kind(node) == JsonKind.False;
}

export function orParent(node: JsonNode, parent: JsonNode): JsonNode {
  return node == NO_NODE ? parent : node;
}

/** A string of 1 to 2,048 bytes without NUL. */
export function isText(node: JsonNode): bool {
  const length = lengthOf(document.stringOf(node));
  return length > 0 && length <= MAX_STRING_BYTES && indexOf(document.stringOf(node), Char.Nul, 0) < 0;
}

export function isName(text: Span): bool {
  const length = lengthOf(text);
  if (length < 1 || length > MAX_NAME_BYTES) return false;
  for (let i = 0; i < length; i++) {
    const byte = byteAt(text, i);
    if (!isLetterOrDigit(byte) && byte != Char.Dash && byte != Char.Dot && byte != Char.Underscore)
      return false;
  }
  return true;
}

/** A header name in lower case, and not the one that tokens come in anyway, nor one of those that holdfast writes. */
export function isHeaderName(text: Span): bool {
  if (!isName(text)) return false;
  for (let i = 0; i < lengthOf(text); i++) {
    if (isUpper(byteAt(text, i))) return false;
  }
  return (
    !equalsAscii(text, "authorization") && !isSpelledAlike(OWN_PREFIX, slice(text, 0, lengthOf(OWN_PREFIX)))
  );
}

/** As `readStrings`, for SPIFFE patterns. */
export function readPatterns(object: JsonNode, member: string, patterns: List<Span>): bool {
  const list = document.member(object, member);
  return list == NO_NODE || readPatternList(list, patterns);
}

/** A list of SPIFFE patterns that has to be there. */
export function readPatternList(list: JsonNode, patterns: List<Span>): bool {
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    if (!isSpiffePattern(document.stringOf(n))) {
      return refuse(
        document,
        n,
        'a SPIFFE ID such as "spiffe://cluster.local/ns/shop/sa/web", with "*" for a segment, or "/**" at its end',
      );
    }
  }
  return readTexts(list, patterns);
}
