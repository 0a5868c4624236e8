// A JSON document as a flat table of nodes, each after the one that holds it. The parser writes it from text, and
// evidence/jwt_authn from facts that never were JSON text; everybody else reads it.

import { makeForever, makeUntilReset } from "../host/arena";
import { Shelf } from "../host/shelf";
import { Span, ABSENT, byteAt, equals, equalsAscii, lengthOf, moved } from "../host/span";
import { Table, borrowTable, placeTable, tableBytes, tableForever } from "../host/table";
import { Char } from "./ascii";
import { fnv1a } from "./hash";

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

/** Occupied slots that a name may meet before the document is refused. */
const MAX_PROBES: i32 = 64;

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
  /** The document that filled the slot: an older one's slots count as free. */
  generation: u32;
  name: JsonNode;
}

@unmanaged
export class JsonDocument {
  private nodes: Table<Node>;
  private slots: Table<NameSlot>;
  private generation: u32;
  private count: i32;
  /** True when a name was refused because its object already had it. */
  duplicateName: bool;
  /** True when something was left out for lack of room. */
  isCut: bool;

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

  /** A document to copy others into, with no room of its own. */
  static forCopies(): JsonDocument {
    const document = makeForever<JsonDocument>();
    document.nodes = makeForever<Table<Node>>();
    return document;
  }

  /** Bytes of shelf that a copy takes. */
  copyBytes(): i32 {
    return tableBytes<Node>(this.count);
  }

  /**
   * Makes `into` the same document, to be read and not written, on `shelf`.
   * @param text that all of this document's texts are parts of, and `copy` of it
   */
  copyInto(into: JsonDocument, shelf: Shelf, text: Span, copy: Span): void {
    const memory = shelf.take(this.copyBytes());
    placeTable<Node>(into.nodes, memory);
    into.count = into.nodes.capacity;
    for (let i = 0; i < into.count; i++) {
      const node = into.nodes.at(i);
      node.kind = this.nodes.at(i).kind;
      node.end = this.nodes.at(i).end;
      node.text = moved(this.nodes.at(i).text, text, copy);
    }
  }

  /** Empties the document, to be written by `add`, `noteName` and `close`. */
  clear(): void {
    this.count = 0;
    this.generation++;
    this.duplicateName = false;
    this.isCut = false;
  }

  /** Makes the document empty because it was refused; `duplicateName` stays to say why. */
  discard(): void {
    this.count = 0;
  }

  /** Appends a node and gives its index, or NO_NODE when the document is full. An object or array stays open until `close`. */
  add(kind: JsonKind, text: Span): JsonNode {
    if (this.count >= this.nodes.capacity) {
      this.isCut = true;
      return NO_NODE;
    }
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

  /** Notes a name that was added in its object; false when the object has it already, or when too many names fall together. */
  noteName(object: JsonNode, name: JsonNode): bool {
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
