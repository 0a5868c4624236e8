import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from "yaml";
import { Failure } from "../failure.ts";
import { suggestion } from "../nearest-name.ts";
import { readFile } from "../read-file.ts";

/** Where a value is: names and indices from the top. */
export type Path = readonly (string | number)[];

/** What a value has to be. `any` is looked at by somebody else. */
export type Shape =
  | "any"
  | "string"
  | "number"
  | { readonly oneOf: readonly string[] }
  | { readonly members: Readonly<Record<string, Shape>>; readonly required?: readonly string[] }
  | { readonly each: Shape }
  | { readonly list: Shape }
  | { readonly either: readonly Shape[] };

/** A YAML file whose values are known by their places. */
export class Source {
  readonly file: string;
  readonly #document: Document;
  readonly #lines = new LineCounter();

  /** @throws Failure when there is no such file, or it is no YAML */
  constructor(file: string) {
    this.file = file;
    this.#document = parseDocument(readFile(file).toString("utf8"), {
      lineCounter: this.#lines,
      prettyErrors: false,
    });
    const [error] = this.#document.errors;
    if (error !== undefined)
      throw new Failure(`${this.#at(error.pos[0])}: no YAML: ${error.message.split("\n")[0] ?? ""}`);
  }

  /** The whole of it, as plain values. */
  get value(): unknown {
    const value: unknown = this.#document.toJS();
    return value;
  }

  /** `file:line:column` of a value, or of the nearest one above it. */
  placeOf(path: Path): string {
    for (let length = path.length; length > 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node)) return this.#at(node.range?.[0] ?? 0);
    }
    return this.#at(this.#document.contents?.range?.[0] ?? 0);
  }

  /** @throws Failure with the place and what was expected there */
  fail(path: Path, what: string): never {
    throw new Failure(`${this.placeOf(path)}: ${what}`);
  }

  /** @throws Failure at the first value that is not what it has to be */
  check(shape: Shape): void {
    this.#check(this.#document.contents, shape, []);
  }

  #check(given: unknown, shape: Shape, path: Path): void {
    const node = isAlias(given) ? given.resolve(this.#document) : given;
    if (shape === "any") return;
    if (!fits(node, shape)) this.fail(path, `${nameOf(path)}expected ${describe(shape)}`);
    if (typeof shape === "string" || "oneOf" in shape) return;
    if ("either" in shape) {
      const fitting = shape.either.find((one) => fits(node, one));
      if (fitting !== undefined) this.#check(node, fitting, path);
    } else if ("list" in shape) {
      if (isSeq(node))
        node.items.forEach((item, i) => {
          this.#check(item, shape.list, [...path, i]);
        });
    } else {
      this.#checkMap(node, shape, path);
    }
  }

  #checkMap(node: unknown, shape: Extract<Shape, { each: Shape } | { members: object }>, path: Path): void {
    if (!isMap(node)) return;
    for (const { key, value } of node.items) {
      const name = String(isScalar(key) ? key.value : key);
      const member = "each" in shape ? shape.each : memberOf(shape.members, name);
      if (member === undefined && "members" in shape) {
        const at = isNode(key) ? this.#at(key.range?.[0] ?? 0) : this.placeOf(path);
        throw new Failure(`${at}: no such member "${name}"${suggestion(name, Object.keys(shape.members))}`);
      }
      this.#check(value, member ?? "any", [...path, name]);
    }
    if ("members" in shape)
      for (const name of shape.required ?? [])
        if (!node.has(name)) this.fail(path, `${nameOf(path)}expected a member "${name}"`);
  }

  #at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.file}:${line}:${col}`;
  }
}

function memberOf(members: Readonly<Record<string, Shape>>, name: string): Shape | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isCollection(value) || isAlias(value);
}

function fits(node: unknown, shape: Shape): boolean {
  if (shape === "any") return true;
  if (typeof shape === "string") return isScalar(node) && typeof node.value === shape;
  if ("oneOf" in shape) return isScalar(node) && shape.oneOf.includes(String(node.value));
  if ("either" in shape) return shape.either.some((one) => fits(node, one));
  return "list" in shape ? isSeq(node) : isMap(node);
}

function describe(shape: Shape): string {
  if (shape === "any") return "something";
  if (typeof shape === "string") return `a ${shape}`;
  if ("oneOf" in shape) return `one of ${shape.oneOf.join(", ")}`;
  if ("either" in shape) return shape.either.map(describe).join(" or ");
  if ("list" in shape) return "a list";
  return "members" in shape
    ? `members such as ${Object.keys(shape.members).join(", ")}`
    : "names with values";
}

function nameOf(path: Path): string {
  return path.length === 0 ? "" : `"${path.join(".")}": `;
}
