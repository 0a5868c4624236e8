// Writes the tables of members into the documents, from the policy's schema, and the list of what it cannot say. A table stands between
// `<!-- members: rule -->`, with the name that the schema has for the object, and `<!-- end -->`. Run by `npm run docs`; a test fails when
// one is stale.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { format, resolveConfig } from "prettier";
import { POLICY_SCHEMA, type Schema, resolved, titleOf } from "../../cli/policy-schema.ts";
import { SEMANTIC_RULES } from "./semantic-rules.ts";

const DOCS = resolve(import.meta.dirname, "..");
const MARKED = /<!-- (members: (\w+)|semantic rules) -->.*?<!-- end -->/gs;

/** The documents that have tables. */
export const MEMBER_PAGES = readdirSync(DOCS, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".md"))
  .map((name) => join(DOCS, name))
  .filter((page) => readFileSync(page, "utf8").search(MARKED) >= 0);

/** The page with its tables as the schema has them. */
export async function memberPage(page: string): Promise<string> {
  const text = readFileSync(page, "utf8").replaceAll(
    MARKED,
    (_, mark: string, name?: string) =>
      `<!-- ${mark} -->\n\n${name === undefined ? semanticRules() : membersOf(name, page)}\n\n<!-- end -->`,
  );
  return format(text, { ...(await resolveConfig(page)), filepath: page });
}

/** The objects whose tables stand in these texts. */
export function tablesIn(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => [...text.matchAll(MARKED)].flatMap(([, , name]) => name ?? []));
}

/** The objects of the policy's own, by the names that the schema has for them: those that have members. */
export function objectsOfSchema(): readonly (readonly [name: string, schema: Schema])[] {
  const named = Object.entries(POLICY_SCHEMA.$defs ?? {});
  // A key set has a form of its own.
  const own = named.filter(
    ([name, { properties = {} }]) => name !== "jwks" && Object.keys(properties).length > 0,
  );
  return [["policy", POLICY_SCHEMA] as const, ...own.filter(([, { type }]) => type === "object")];
}

function membersOf(name: string, page: string): string {
  const found = objectsOfSchema().find(([known]) => known === name);
  if (found === undefined) throw new Error(`${page}: the schema has no object "${name}"`);
  const [, { properties = {}, required = [] }] = found;
  const rows = Object.entries(properties).map(([member, schema]) => {
    const { default: otherwise, description = "" } = schema;
    const preset = otherwise === undefined ? "" : `\`${JSON.stringify(otherwise)}\``;
    return row([
      `\`${member}\``,
      typeOf(schema),
      required.includes(member) ? "_required_" : preset,
      linked(description, page),
    ]);
  });
  return ["| member | type | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function typeOf(schema: Schema): string {
  const { type, enum: choices, examples } = resolved(schema);
  if (choices !== undefined) return choices.map((one) => `\`"${one}"\``).join(", ");
  if (type === "boolean") return "`true`, `false`";
  if (type === "object" && examples !== undefined)
    return examples.map((one) => `\`${spaced(one)}\``).join(", ");
  const title = titleOf(schema).replace(/^(a|an|the) /, "");
  return title.replaceAll(/\{ .* \}|"[^"]*"/g, (code) => `\`${code}\``);
}

/** JSON on one line, as people write it. */
function spaced(value: unknown): string {
  return JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, " ").replaceAll("[ ", "[").replaceAll(" ]", "]");
}

/** Links in the schema start from docs/. */
function linked(description: string, page: string): string {
  return description.replaceAll(/\]\(([^)#]+)(#[^)]*)?\)/g, (_, target: string, anchor = "") => {
    const isHere = join(DOCS, target) === page && anchor !== "";
    return `](${isHere ? "" : relative(dirname(page), join(DOCS, target))}${anchor})`;
  });
}

function semanticRules(): string {
  const rows = SEMANTIC_RULES.map(({ rule, says }) => {
    const words = says.map((one) =>
      one === "" ? "what is expected of a string there" : `\`${one.trim()} …\``,
    );
    return row([rule, words.join("<br>")]);
  });
  return ["| rule | what the filter expects |", "| --- | --- |", ...rows].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

if (process.argv[1] === import.meta.filename) {
  for (const page of MEMBER_PAGES) writeFileSync(page, await memberPage(page));
}
