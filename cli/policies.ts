import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLMap,
  visit,
} from "yaml";
import { Failure } from "./failure.ts";
import { readFile } from "./read-file.ts";

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A policy as it was found, alone or in what loads it. */
export interface FoundPolicy {
  readonly file: string;
  /** What the filter would get. */
  readonly text: string;
  /** What it stands in: the map of a WasmPlugin, say; undefined for a policy that stands alone. */
  readonly container: Container | undefined;
  /** Where the value of this JSON pointer is; of one inside a text, where the text is. */
  at(pointer: string): Place;
}

/** What loads a policy. */
export interface Container {
  readonly kind: string;
  /** The value of a member by its names; undefined when it has none. */
  get(...names: readonly string[]): unknown;
  placeOf(...names: readonly string[]): Place;
}

const WASM_FILTER = /envoy\.extensions\.filters\.http\.wasm\.v3\.Wasm$/;
const POLICY_MEMBERS = ["issuers", "rules", "presenter"];

/** Every policy in a file: JSON, or YAML that holds some. @throws Failure when there is none, or the file is no YAML */
export function findPolicies(file: string): readonly FoundPolicy[] {
  const text = readFile(file).toString("utf8");
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: !looksLikeJson(text) });
  if (!Array.isArray(documents)) return nothingIn(file);
  const found = documents.flatMap((document) => policiesIn(file, text, document, lines));
  return found.length === 0 ? nothingIn(file) : found;
}

function nothingIn(file: string): never {
  throw new Failure(
    `${file}: no policy; expected one with "issuers", or a WasmPlugin, EnvoyFilter, EnvoyExtensionPolicy or Envoy bootstrap that holds one`,
  );
}

/** The filter reads JSON more strictly than YAML is read here, and says where it is wrong. */
function looksLikeJson(text: string): boolean {
  return /^\s*\{/.test(text);
}

function policiesIn(file: string, text: string, document: Document, lines: LineCounter): FoundPolicy[] {
  const place = (node: Node | undefined): Place => {
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    return { line, column: col };
  };
  const root = document.contents;
  if (isMap(root) && isPolicy(root) && !root.has("kind")) {
    const at = (pointer: string) => place(nodeAt(root, pointer));
    return [{ file, text: looksLikeJson(text) ? text : toJson(root), container: undefined, at }];
  }
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new Failure(`${file}:${line}:${col}: no YAML: ${error.message.split("\n")[0] ?? ""}`);
  }
  const found: FoundPolicy[] = [];
  visit(document, {
    Map: (_key, map) => {
      for (const node of heldIn(map)) {
        const text = isScalar(node) ? String(node.value) : toJson(node);
        const at = (pointer: string) => place(isScalar(node) ? node : nodeAt(node, pointer));
        const holder = isMap(root) ? root : map;
        found.push({ file, text, container: containerOf(holder, map, place), at });
      }
    },
  });
  return found;
}

/** The policies that stand right in this map. */
function heldIn(map: YAMLMap): Node[] {
  const held: unknown[] = [map.get("pluginConfig", true)];
  if (WASM_FILTER.test(textOf(map.get("@type")))) held.push(configurationIn(map));
  if (WASM_FILTER.test(textOf(map.get("type_url")))) held.push(configurationIn(map.get("value")));
  // Of Envoy Gateway's extension policies.
  if (map.has("name") && map.has("code")) held.push(map.get("config", true));
  return held.filter(
    (node): node is Node => (isMap(node) && isPolicy(node)) || (isScalar(node) && isPolicyText(node.value)),
  );
}

/** `config.configuration.value`: a text, or a struct. */
function configurationIn(filter: unknown): unknown {
  if (!isMap(filter)) return undefined;
  return filter.getIn(["config", "configuration", "value"], true);
}

function isPolicy(map: YAMLMap): boolean {
  return POLICY_MEMBERS.some((member) => map.has(member));
}

function isPolicyText(value: unknown): boolean {
  return typeof value === "string" && /^\s*\{/.test(value) && /"(issuers|rules|presenter)"/.test(value);
}

function containerOf(root: YAMLMap, map: YAMLMap, place: (node: Node | undefined) => Place): Container {
  const node = (names: readonly string[]) =>
    (map.getIn(names, true) ?? root.getIn(names, true)) as Node | undefined;
  return {
    kind: textOf(root.get("kind")) || "Envoy",
    get: (...names) => {
      const value = node(names);
      return isScalar(value) ? value.value : value;
    },
    placeOf: (...names) => place(node(names)),
  };
}

function toJson(node: Node): string {
  return JSON.stringify((node as YAMLMap).toJSON());
}

/** The node that a JSON pointer leads to, or the nearest one above it. */
function nodeAt(root: Node, pointer: string): Node {
  let node = root;
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const collection = node as { get?: (key: string | number, keepScalar: true) => Node | undefined };
    const next = collection.get?.(/^\d+$/.test(name) ? Number(name) : name, true);
    if (next === undefined) return node;
    node = next;
  }
  return node;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
