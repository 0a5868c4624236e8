import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type ParsedNode,
} from "yaml";
import { Failure } from "./failure.ts";

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One document of a file, as it was read. */
export interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** So many values are looked at in one document, with those behind each alias counted anew: aliases can be put into aliases. */
const MAX_VALUES = 2_000_000;
/** An alias may also lead to what it stands in. */
const MAX_DEPTH = 200;

/** A value in a file: what it is, where it is and what it stands in. An alias is what it stands for. */
export class Value {
  readonly #source: Source;
  readonly #node: Node;

  private constructor(
    source: Source,
    node: Node,
    /** Its name, or its index in a list, in what it stands in; empty at the root. */
    readonly name: string,
    readonly parent: Value | undefined,
  ) {
    this.#source = source;
    this.#node = isAlias(node) ? (node.resolve(source.document) ?? node) : node;
  }

  static rootOf(source: Source): Value | undefined {
    const node = source.document.contents as ParsedNode | null;
    return node === null ? undefined : new Value(source, node, "", undefined);
  }

  get file(): string {
    return this.#source.file;
  }

  get place(): Place {
    const { line, col } = this.#source.lines.linePos(this.#node.range?.[0] ?? 0);
    return { file: this.#source.file, line, column: col };
  }

  get isMap(): boolean {
    return isMap(this.#node);
  }

  get isList(): boolean {
    return isSeq(this.#node);
  }

  get isScalar(): boolean {
    return isScalar(this.#node);
  }

  /** What a scalar says; undefined for a map or a list. */
  get scalar(): unknown {
    return isScalar(this.#node) ? this.#node.value : undefined;
  }

  /** What a text says; empty for anything else. */
  get text(): string {
    return typeof this.scalar === "string" ? this.scalar : "";
  }

  get isTrue(): boolean {
    return this.scalar === true;
  }

  /** Whether both are the same place of the same file, on whatever way one came to it. */
  is(other: Value): boolean {
    return this.#node === other.#node;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /**
   * The member that these names lead to; undefined where there is none, or null. Envoy takes its names in two spellings,
   * `http_filters` and `httpFilters`; ask in the first.
   */
  get(...names: readonly (string | number)[]): Value | undefined {
    return names
      .map(String)
      .reduce<Value | undefined>(
        (value, name) => (value === undefined ? undefined : (value.#member(name) ?? value.#renamed(name))),
        this,
      );
  }

  /** What stands right in it, in order. */
  get children(): readonly Value[] {
    const { items } = this.#node as { readonly items?: readonly unknown[] };
    if (isSeq(this.#node)) return (items ?? []).flatMap((node, i) => this.#child(node, String(i)));
    if (!isMap(this.#node)) return [];
    return this.#node.items.flatMap(({ key, value }) => this.#child(value, nameOf(key)));
  }

  /** What it stands in, the nearest first. */
  *ancestors(): Generator<Value> {
    for (let value = this.parent; value !== undefined; value = value.parent) yield value;
  }

  /** It and all that is in it, from the first to the last. @throws Failure for what has no end, or none in sight */
  *all(): Generator<Value> {
    let count = 0;
    const open: { readonly value: Value; readonly depth: number }[] = [{ value: this, depth: 0 }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { value, depth } = next;
      if (++count > MAX_VALUES || depth > MAX_DEPTH) throw this.#tooLarge();
      yield value;
      for (const child of value.children.toReversed()) open.push({ value: child, depth: depth + 1 });
    }
  }

  /** As JSON has it. @throws Failure for what has no end, or none in sight */
  toJson(): string {
    try {
      return JSON.stringify(this.#node.toJS(this.#source.document));
    } catch {
      throw this.#tooLarge();
    }
  }

  #member(name: string): Value | undefined {
    if (isSeq(this.#node)) return this.children[Number(name)];
    if (!isMap(this.#node)) return undefined;
    return this.#child(this.#node.get(name, true), name)[0];
  }

  #renamed(name: string): Value | undefined {
    return name.includes("_") ? this.#member(camelCase(name)) : undefined;
  }

  #child(node: unknown, name: string): readonly Value[] {
    if (!isScalar(node) && !isMap(node) && !isSeq(node) && !isAlias(node)) return [];
    const value = new Value(this.#source, node, name, this);
    return value.scalar === null ? [] : [value];
  }

  #tooLarge(): Failure {
    const { file, line, column } = this.place;
    return new Failure(
      `${file}:${line}:${column}: too large, or without end, once its aliases are followed; write out what they stand for`,
    );
  }
}

function nameOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : "";
}

function camelCase(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
