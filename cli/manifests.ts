import { type Document, LineCounter, parseAllDocuments, visit } from "yaml";
import { Failure } from "./failure.ts";
import { readFile } from "./read-file.ts";
import { Value } from "./value.ts";

/** One document of a file, or one item of a Kubernetes list. */
export interface Manifest {
  readonly file: string;
  /** Of the whole file. */
  readonly text: string;
  readonly root: Value;
  /** Of a Kubernetes object; empty for anything else. */
  readonly kind: string;
}

/** Everything in a file: JSON, or YAML with any number of documents. @throws Failure for what is neither */
export function readManifests(file: string, text = readFile(file).toString("utf8")): readonly Manifest[] {
  refuseMark(file, text);
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: !looksLikeJson(text),
  });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const root = Value.rootOf({ file, document, lines });
    if (!(root !== undefined && standsAlone(root) && looksLikeJson(text)))
      refuseErrors(file, text, document, lines);
    return root === undefined ? [] : itemsOf(root).map((item) => manifestOf(file, text, item));
  });
}

/** YAML may begin with it, and JSON may not. @throws Failure when JSON does */
export function refuseMark(file: string, text: string): void {
  if (text.startsWith("\uFEFF") && looksLikeJson(text))
    throw new Failure(`${file}:1:1: begins with a byte-order mark: save it as UTF-8 without one`);
}

/** The filter reads JSON more strictly than YAML is read here, and says where it is wrong. */
export function looksLikeJson(text: string): boolean {
  return /^\s*\{/.test(text);
}

/** Whether this is a policy by itself, and not what loads one. */
export function standsAlone(root: Value): boolean {
  return isPolicy(root) && !root.has("kind");
}

export function isPolicy(value: Value): boolean {
  return value.isMap && ["issuers", "rules", "presenter"].some((member) => value.has(member));
}

function refuseErrors(file: string, text: string, document: Document, lines: LineCounter): void {
  const refuse = (offset: number, what: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new Failure(`${file}:${line}:${col}: ${looksLikeJson(text) ? "no JSON" : "no YAML"}: ${what}`);
  };
  const [error] = document.errors;
  if (error !== undefined) refuse(error.pos[0], error.message.split("\n")[0] ?? "");
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) === undefined)
        refuse(
          alias.range?.[0] ?? 0,
          `the alias *${alias.source} stands for nothing; expected &${alias.source} before it`,
        );
    },
  });
}

function itemsOf(root: Value): readonly Value[] {
  const items = root.get("items");
  const isKubernetesList = root.get("kind")?.text.endsWith("List") === true && items?.isList === true;
  return isKubernetesList ? items.children : [root];
}

function manifestOf(file: string, text: string, root: Value): Manifest {
  return { file, text, root, kind: root.get("kind")?.text ?? "" };
}
