// JSON as RFC 8259 has it, and stricter where a laxer reader would let two parties see two documents: a name twice in one
// object, an escaped lone surrogate, invalid UTF-8 and anything around the document are refused.
//
// One pass over the text writes a flat table of nodes. Strings with escapes are unescaped where they stand (the result is
// never longer), so that every string is one span of the text. The work is linear in the length of the text: names are
// looked up in a hash table with a bounded number of probes, and a document that would need more is refused.

import { ascii, makeForever, makeUntilReset } from "../host/arena";
import {
  Span,
  ABSENT,
  byteAt,
  equals,
  equalsAscii,
  lengthOf,
  setByte,
  slice,
  sliceFrom,
  startsWith,
} from "../host/span";
import { Table, borrowTable, tableForever } from "../host/table";
import { Char, isDigit } from "./ascii";
import { fnv1a } from "./hash";
import { hexValue } from "./hex";
import { characterLength } from "./utf8";

export const enum JsonKind {
  Nothing = 0,
  Null = 1,
  True = 2,
  False = 3,
  Number = 4,
  String = 5,
  Object = 6,
  Array = 7,
  Name = 8,
}

/** Index of a node; the root is 0. */
export type JsonNode = i32;
export const ROOT: JsonNode = 0;
/** No such node. Every reader answers for it as for a value of no kind. */
export const NO_NODE: JsonNode = -1;

/** Arrays and objects inside each other, at most. */
const MAX_DEPTH: i32 = 32;
/** Occupied slots that a name may meet before the document is refused. */
const MAX_PROBES: i32 = 64;

const TRUE = ascii("true");
const FALSE = ascii("false");
const NULL = ascii("null");

@unmanaged
class Node {
  kind: JsonKind;
  /** Index after the last node below this one; of a name, the object that it is in. */
  end: i32;
  /** A string or name without its quotes, unescaped; a number as written. */
  text: Span;
}

@unmanaged
class NameSlot {
  /** The parse that filled the slot: an older one's slots count as free. */
  generation: u32;
  name: JsonNode;
}

@unmanaged
export class JsonDocument {
  private nodes: Table<Node>;
  private slots: Table<NameSlot>;
  private generation: u32;
  private count: i32;
  private text: Span;
  private at: i32;
  /** True when the last `parse` refused a name that its object already had. */
  duplicateName: bool;

  /** A document of at most `values` nodes that is used again and again. */
  static forever(values: i32): JsonDocument {
    const document = makeForever<JsonDocument>();
    document.nodes = tableForever<Node>(values);
    document.slots = tableForever<NameSlot>(powerOfTwoFrom(values));
    return document;
  }

  /** A document with room for whatever is in `text`, until the callback ends; null when there is no memory for it. */
  static borrow(text: Span): JsonDocument | null {
    const values = mostNodes(text);
    const document = makeUntilReset<JsonDocument>();
    const nodes = borrowTable<Node>(values);
    const slots = borrowTable<NameSlot>(powerOfTwoFrom(values));
    if (document == null || nodes == null || slots == null) return null;
    document.nodes = nodes;
    document.slots = slots;
    return document;
  }

  /** Reads `text`, unescaping its strings in place. False when it is not one strict JSON document that fits. */
  parse(text: Span): bool {
    this.clear();
    this.text = text;
    this.at = 0;
    this.skipSpace();
    const isValue = this.value(0);
    this.skipSpace();
    if (isValue && this.at == lengthOf(text)) return true;
    this.count = 0;
    return false;
  }

  /** Where the last `parse` stopped reading, in bytes: the place of the fault when it said false. */
  stoppedAt(): i32 {
    return this.at;
  }

  kind(node: JsonNode): JsonKind {
    return <u32>node < <u32>this.count ? this.nodes.at(node).kind : JsonKind.Nothing;
  }

  /** The bytes of a string, a name or a number; of anything else absent. */
  textOf(node: JsonNode): Span {
    return <u32>node < <u32>this.count ? this.nodes.at(node).text : ABSENT;
  }

  /** The bytes of a string; of anything else absent. */
  stringOf(node: JsonNode): Span {
    return this.kind(node) == JsonKind.String ? this.textOf(node) : ABSENT;
  }

  /** The first name of an object, the first value of an array, or NO_NODE. */
  firstIn(container: JsonNode): JsonNode {
    const kind = this.kind(container);
    if (kind != JsonKind.Object && kind != JsonKind.Array) return NO_NODE;
    return container + 1 < this.nodes.at(container).end ? container + 1 : NO_NODE;
  }

  /** What follows `node`, which `firstIn` or `nextIn` gave for the same container, or NO_NODE. */
  nextIn(container: JsonNode, node: JsonNode): JsonNode {
    const value = this.kind(node) == JsonKind.Name ? this.valueOf(node) : node;
    const next = this.nodes.at(value).end;
    return next < this.nodes.at(container).end ? next : NO_NODE;
  }

  /** The value that belongs to a name. */
  valueOf(name: JsonNode): JsonNode {
    return name + 1;
  }

  /** The value of an object's member, or NO_NODE. */
  member(object: JsonNode, name: string): JsonNode {
    if (this.kind(object) != JsonKind.Object) return NO_NODE;
    for (let n = this.firstIn(object); n != NO_NODE; n = this.nextIn(object, n)) {
      if (equalsAscii(this.textOf(n), name)) return this.valueOf(n);
    }
    return NO_NODE;
  }

  /** As `member`, for a name that is known only at run time. */
  memberNamed(object: JsonNode, name: Span): JsonNode {
    if (this.kind(object) != JsonKind.Object) return NO_NODE;
    for (let n = this.firstIn(object); n != NO_NODE; n = this.nextIn(object, n)) {
      if (equals(this.textOf(n), name)) return this.valueOf(n);
    }
    return NO_NODE;
  }

  /** How many members or values are directly in a container. */
  countIn(container: JsonNode): i32 {
    let count = 0;
    for (let n = this.firstIn(container); n != NO_NODE; n = this.nextIn(container, n)) count++;
    return count;
  }

  // The same table can also be written by hand, from facts that never were JSON text.

  /** Empties the document, to be written by `add` and `close`. */
  clear(): void {
    this.count = 0;
    this.generation++;
    this.duplicateName = false;
  }

  /** Appends a node and gives its index, or NO_NODE when the document is full. An object or array stays open until `close`. */
  add(kind: JsonKind, text: Span): JsonNode {
    if (this.count >= this.nodes.capacity) return NO_NODE;
    const index = this.count++;
    const node = this.nodes.at(index);
    node.kind = kind;
    node.text = text;
    node.end = this.count;
    return index;
  }

  /** Ends an object or array: all nodes added since are in it. */
  close(container: JsonNode): void {
    if (<u32>container < <u32>this.count) this.nodes.at(container).end = this.count;
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
    const object = depth < MAX_DEPTH ? this.add(JsonKind.Object, ABSENT) : NO_NODE;
    if (object == NO_NODE) return false;
    this.at++;
    this.skipSpace();
    if (this.accept(Char.ClosingBrace)) return true;
    do {
      this.skipSpace();
      if (byteAt(this.text, this.at) != Char.Quote) return false;
      const name = this.quoted(JsonKind.Name);
      if (name == NO_NODE || !this.isFirstOfItsName(object, name)) return false;
      this.skipSpace();
      if (!this.accept(Char.Colon)) return false;
      this.skipSpace();
      if (!this.value(depth + 1)) return false;
      this.skipSpace();
    } while (this.accept(Char.Comma));
    this.close(object);
    return this.accept(Char.ClosingBrace);
  }

  private array(depth: i32): bool {
    const array = depth < MAX_DEPTH ? this.add(JsonKind.Array, ABSENT) : NO_NODE;
    if (array == NO_NODE) return false;
    this.at++;
    this.skipSpace();
    if (this.accept(Char.ClosingBracket)) return true;
    do {
      this.skipSpace();
      if (!this.value(depth + 1)) return false;
      this.skipSpace();
    } while (this.accept(Char.Comma));
    this.close(array);
    return this.accept(Char.ClosingBracket);
  }

  private word(kind: JsonKind, word: Span): bool {
    if (!startsWith(sliceFrom(this.text, this.at), word)) return false;
    this.at += lengthOf(word);
    return this.add(kind, ABSENT) != NO_NODE;
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
    return this.add(JsonKind.Number, slice(this.text, start, this.at)) != NO_NODE;
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
    return this.add(kind, slice(this.text, start, end));
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

  /** Notes the name in its object; false when the object has it already, or when too many names fall together. */
  private isFirstOfItsName(object: JsonNode, name: JsonNode): bool {
    const text = this.nodes.at(name).text;
    this.nodes.at(name).end = object;
    const mask = this.slots.capacity - 1;
    // Colliding names cost a bounded number of probes, so the hash needs no secret.
    let index = fnv1a(text, object) & mask;
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const slot = this.slots.at(index);
      if (slot.generation != this.generation) {
        slot.generation = this.generation;
        slot.name = name;
        return true;
      }
      const other = this.nodes.at(slot.name);
      if (other.end == object && equals(other.text, text)) {
        this.duplicateName = true;
        return false;
      }
      index = (index + 1) & mask;
    }
    return false;
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

/** No document in `text` can have more nodes: each value but the root follows one of `[ { , :`, and so does each name. */
function mostNodes(text: Span): i32 {
  let count = 1;
  for (let i = 0; i < lengthOf(text); i++) {
    const byte = byteAt(text, i);
    if (byte == Char.OpeningBracket || byte == Char.OpeningBrace || byte == Char.Comma || byte == Char.Colon)
      count++;
  }
  return count;
}

function powerOfTwoFrom(value: i32): i32 {
  let power = 16;
  while (power < value) power <<= 1;
  return power;
}
