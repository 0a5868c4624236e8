// JSON as RFC 8259 has it, and stricter where a laxer reader would let two parties see two documents: a name twice in one
// object, an escaped lone surrogate, invalid UTF-8 and anything around the document are refused.
//
// Strings with escapes are unescaped where they stand (the result is never longer), so that every string is one span of
// the text. The work is linear in the length of the text.

import { ascii, makeForever } from "../host/arena";
import { Span, ABSENT, byteAt, lengthOf, setByte, slice, sliceFrom, startsWith } from "../host/span";
import { Char, isDigit } from "./ascii";
import { hexValue } from "./hex";
import { JsonDocument, JsonKind, JsonNode, NO_NODE } from "./json";
import { characterLength } from "./utf8";

/** Arrays and objects inside each other, at most. */
const MAX_DEPTH: i32 = 32;

const TRUE = ascii("true");
const FALSE = ascii("false");
const NULL = ascii("null");

/** Reads `text` into `document`, unescaping its strings in place. False when it is not one strict JSON document that fits. */
export function parseJson(document: JsonDocument, text: Span): bool {
  return parser.parse(document, text);
}

/** Where the last text stopped being read, in bytes: the place of the fault when it was refused. */
export function stoppedAt(): i32 {
  return parser.at;
}

@unmanaged
class JsonParser {
  at: i32;
  private text: Span;
  private document: JsonDocument;

  parse(document: JsonDocument, text: Span): bool {
    document.clear();
    this.document = document;
    this.text = text;
    this.at = 0;
    this.skipSpace();
    const isValue = this.value(0);
    this.skipSpace();
    if (isValue && this.at == lengthOf(text)) return true;
    document.discard();
    return false;
  }

  private value(depth: i32): bool {
    const byte = byteAt(this.text, this.at);
    if (byte == Char.OpeningBrace) return this.object(depth);
    if (byte == Char.OpeningBracket) return this.array(depth);
    if (byte == Char.Quote) return this.quoted(JsonKind.String) != NO_NODE;
    if (byte == Char.LowerT) return this.word(JsonKind.True, TRUE);
    if (byte == Char.LowerF) return this.word(JsonKind.False, FALSE);
    if (byte == Char.LowerN) return this.word(JsonKind.Null, NULL);
    return this.number();
  }

  private object(depth: i32): bool {
    const object = depth < MAX_DEPTH ? this.document.add(JsonKind.Object, ABSENT) : NO_NODE;
    if (object == NO_NODE) return false;
    this.at++;
    this.skipSpace();
    if (this.accept(Char.ClosingBrace)) return true;
    do {
      this.skipSpace();
      if (byteAt(this.text, this.at) != Char.Quote) return false;
      const name = this.quoted(JsonKind.Name);
      if (name == NO_NODE || !this.document.noteName(object, name)) return false;
      this.skipSpace();
      if (!this.accept(Char.Colon)) return false;
      this.skipSpace();
      if (!this.value(depth + 1)) return false;
      this.skipSpace();
    } while (this.accept(Char.Comma));
    this.document.close(object);
    return this.accept(Char.ClosingBrace);
  }

  private array(depth: i32): bool {
    const array = depth < MAX_DEPTH ? this.document.add(JsonKind.Array, ABSENT) : NO_NODE;
    if (array == NO_NODE) return false;
    this.at++;
    this.skipSpace();
    if (this.accept(Char.ClosingBracket)) return true;
    do {
      this.skipSpace();
      if (!this.value(depth + 1)) return false;
      this.skipSpace();
    } while (this.accept(Char.Comma));
    this.document.close(array);
    return this.accept(Char.ClosingBracket);
  }

  private word(kind: JsonKind, word: Span): bool {
    if (!startsWith(sliceFrom(this.text, this.at), word)) return false;
    this.at += lengthOf(word);
    return this.document.add(kind, ABSENT) != NO_NODE;
  }

  private number(): bool {
    const start = this.at;
    this.accept(Char.Dash);
    if (!this.accept(Char.Zero) && !this.digits()) return false;
    if (this.accept(Char.Dot) && !this.digits()) return false;
    if (this.accept(Char.LowerE) || this.accept(Char.UpperE)) {
      if (!this.accept(Char.Plus)) this.accept(Char.Dash);
      if (!this.digits()) return false;
    }
    return this.document.add(JsonKind.Number, slice(this.text, start, this.at)) != NO_NODE;
  }

  private digits(): bool {
    const start = this.at;
    while (isDigit(byteAt(this.text, this.at))) this.at++;
    return this.at > start;
  }

  /** Reads a string and its quotes; its bytes are moved together as escapes are replaced by what they stand for. */
  private quoted(kind: JsonKind): JsonNode {
    this.at++;
    const start = this.at;
    this.skipPlain();
    let end = this.at;
    let byte = byteAt(this.text, this.at);
    while (byte != Char.Quote) {
      if (byte < Char.Space) return NO_NODE;
      const length = byte == Char.Backslash ? this.escape(end) : this.character(end, byte);
      if (length == 0) return NO_NODE;
      end += length;
      byte = byteAt(this.text, this.at);
    }
    this.at++;
    return this.document.add(kind, slice(this.text, start, end));
  }

  /** Goes on to the first byte that is no character by itself: most strings have none before their end. */
  private skipPlain(): void {
    const text = this.text;
    let at = this.at;
    let byte = byteAt(text, at);
    while (byte >= Char.Space && byte < 0x80 && byte != Char.Quote && byte != Char.Backslash)
      byte = byteAt(text, ++at);
    this.at = at;
  }

  /** Moves the character at the cursor to `target`; how many bytes it has, or 0 when it is none. */
  private character(target: i32, first: i32): i32 {
    const length = first < 0x80 ? 1 : characterLength(this.text, this.at);
    if (target != this.at) {
      for (let i = 0; i < length; i++) setByte(this.text, target + i, byteAt(this.text, this.at + i));
    }
    this.at += length;
    return length;
  }

  /** Writes at `target` what the escape at the cursor stands for; how many bytes that is, or 0 when it is none. */
  private escape(target: i32): i32 {
    const letter = byteAt(this.text, this.at + 1);
    if (letter == Char.LowerU) return this.unicodeEscape(target);
    const meant = escapedBy(letter);
    if (meant < 0) return 0;
    this.at += 2;
    setByte(this.text, target, meant);
    return 1;
  }

  private unicodeEscape(target: i32): i32 {
    const unit = this.utf16Unit(this.at);
    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return 0;
    this.at += 6;
    if (unit < 0xd800 || unit > 0xdfff) return this.writeUtf8(target, unit);
    const low = this.utf16Unit(this.at);
    if (low < 0xdc00 || low > 0xdfff) return 0;
    this.at += 6;
    return this.writeUtf8(target, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
  }

  /** The value of a `\uXXXX` at `index`, or -1. */
  private utf16Unit(index: i32): i32 {
    if (byteAt(this.text, index) != Char.Backslash || byteAt(this.text, index + 1) != Char.LowerU) return -1;
    let unit = 0;
    for (let i = 2; i < 6; i++) {
      const digit = hexValue(byteAt(this.text, index + i));
      if (digit < 0) return -1;
      unit = (unit << 4) | digit;
    }
    return unit;
  }

  private writeUtf8(target: i32, point: i32): i32 {
    if (point < 0x80) {
      setByte(this.text, target, point);
      return 1;
    }
    const tails = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    const mark = tails == 1 ? 0xc0 : tails == 2 ? 0xe0 : 0xf0;
    setByte(this.text, target, mark | (point >> (6 * tails)));
    for (let i = 1; i <= tails; i++) {
      setByte(this.text, target + i, 0x80 | ((point >> (6 * (tails - i))) & 0x3f));
    }
    return tails + 1;
  }

  private accept(byte: i32): bool {
    if (byteAt(this.text, this.at) != byte) return false;
    this.at++;
    return true;
  }

  private skipSpace(): void {
    while (isSpace(byteAt(this.text, this.at))) this.at++;
  }
}

/** One text is read at a time. */
const parser = makeForever<JsonParser>();

function isSpace(byte: i32): bool {
  return byte == Char.Space || byte == Char.LineFeed || byte == Char.CarriageReturn || byte == Char.Tab;
}

/** The character that a one-letter escape stands for, or -1. */
function escapedBy(letter: i32): i32 {
  switch (letter) {
    case Char.Quote:
    case Char.Backslash:
    case Char.Slash:
      return letter;
    case Char.LowerB:
      return Char.Backspace;
    case Char.LowerF:
      return Char.FormFeed;
    case Char.LowerN:
      return Char.LineFeed;
    case Char.LowerR:
      return Char.CarriageReturn;
    case Char.LowerT:
      return Char.Tab;
    default:
      return -1;
  }
}
