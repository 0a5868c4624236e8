// The schema and the filter take the same policies, but for the rules that a schema cannot say, which are listed and have an example each.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { acceptance, type Refusal } from "../../cli/acceptance.ts";
import { POLICY_SCHEMA, schemaFaults } from "../../cli/policy-schema.ts";
import { objectsOfSchema } from "../../docs/reference/write-members.ts";
import { type RefusedPlace, SEMANTIC_RULES, type SemanticRule } from "../../docs/reference/semantic-rules.ts";
import { GRAMMARS } from "./agreement/grammars.ts";
import { Judge } from "./agreement/judge.ts";
import { at, chanceFrom, Mutator } from "./agreement/mutate.ts";
import { SEEDS } from "./agreement/seeds.ts";

const POLICIES = 6000;
const STRINGS = 1000;
const SEED = 2026;

const root = resolve(import.meta.dirname, "../..");
const module = new WebAssembly.Module(readFileSync(join(root, "build/holdfast.wasm")));

/** The rule that the filter has refused this for; undefined when the schema should have said it. */
function ruleBehind(text: string, refusal: Refusal): SemanticRule | undefined {
  const { pointer } = refusal;
  const policy: unknown = JSON.parse(text);
  const steps = pointer?.split("/").slice(1) ?? [];
  const value = pointer === undefined ? undefined : at(policy, steps.map(unescaped));
  const place: RefusedPlace = { text, value, policy };
  const said = expectedBy(refusal);
  return SEMANTIC_RULES.find(
    ({ says, only }) => says.some((words) => said.startsWith(words)) && (only?.(place) ?? true),
  );
}

function expectedBy({ message }: Refusal): string {
  return message.slice(message.indexOf("expected ") + "expected ".length);
}

function unescaped(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}

describe("the schema", () => {
  it("is one, of draft 2020-12, with no keyword that is not", () => {
    const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
    assert.ok(ajv.validateSchema(POLICY_SCHEMA), ajv.errorsText());
    ajv.compile(POLICY_SCHEMA);
  });

  it("takes what the filter takes, policy by policy that uses every member", () => {
    for (const seed of SEEDS) {
      assert.deepEqual(schemaFaults(seed), []);
      assert.equal(acceptance(module, JSON.stringify(seed)).refusal, undefined);
    }
    const text = JSON.stringify(SEEDS);
    const unused = [...membersOfSchema()].filter((name) => !text.includes(`"${name}":`));
    assert.deepEqual(unused, []);
  });

  it("knows every member that the filter does, and no other", () => {
    const known = membersOfParser();
    const told = membersOfSchema();
    assert.deepEqual(
      [...known].filter((name) => !told.has(name)),
      [],
      "not in the schema",
    );
    assert.deepEqual(
      [...told].filter((name) => !known.has(name)),
      [],
      "not in the filter",
    );
  });

  it("describes every member, and says in words what each constraint expects", () => {
    for (const [object, { properties = {} }] of objectsOfSchema())
      for (const [name, { description = "" }] of Object.entries(properties))
        assert.match(description, /\.$/, `${object}.${name} has no description`);
    assert.deepEqual(wordless(POLICY_SCHEMA, "#"), []);
  });

  it(`says the same as the filter of ${POLICIES} policies a few steps away from good ones`, () => {
    const mutator = new Mutator(SEEDS, SEED);
    const judge = new Judge(module);
    const seen = { taken: 0, refused: 0, semantic: 0 };
    for (let i = 0; i < POLICIES; i++) {
      const text = mutator.next();
      const refusal = judge.refusal(text);
      if (i % 50 === 0) assert.deepEqual(refusal, acceptance(module, text).refusal, "a new VM says the same");
      const faults = schemaFaults(JSON.parse(text));
      if (refusal === undefined) {
        assert.deepEqual(faults, [], `the filter takes it, and the schema does not: ${text}`);
        seen.taken++;
      } else if (faults.length > 0) {
        seen.refused++;
      } else {
        assert.ok(
          ruleBehind(text, refusal),
          `the schema takes it, and the filter says: ${refusal.message}\n${text}`,
        );
        seen.semantic++;
      }
    }
    for (const [verdict, count] of Object.entries(seen)) assert.ok(count > 100, `${verdict}: ${count}`);
  });
});

describe("a string", () => {
  for (const { name, policyWith, pieces } of GRAMMARS) {
    it(`is a good ${name} to both or to neither`, () => {
      const judge = new Judge(module);
      const chance = chanceFrom(SEED);
      const seen = { taken: 0, refused: 0 };
      for (let i = 0; i < STRINGS; i++) {
        const count = 1 + Math.floor(chance() ** 2 * 7);
        const text = Array.from({ length: count }, () => pieces[Math.floor(chance() * pieces.length)]).join(
          "",
        );
        const policy = JSON.stringify(policyWith(text));
        const refusal = judge.refusal(policy);
        const isGood = schemaFaults(JSON.parse(policy)).length === 0;
        const isSame = isGood === (refusal === undefined);
        const isSemantic = isGood && refusal !== undefined && ruleBehind(policy, refusal) !== undefined;
        assert.ok(
          isSame || isSemantic,
          `${JSON.stringify(text)}: ${refusal?.message ?? "taken by the filter"}`,
        );
        seen[refusal === undefined ? "taken" : "refused"]++;
      }
      for (const [verdict, times] of Object.entries(seen)) assert.ok(times > 5, `${verdict}: ${times}`);
    });
  }
});

describe("a rule that a schema cannot say", () => {
  for (const one of SEMANTIC_RULES) {
    it(`is broken: ${one.rule}`, () => {
      assert.equal(one.examples.length, one.says.length, "an example for each message");
      for (const [i, example] of one.examples.entries()) {
        const text = typeof example === "string" ? example : JSON.stringify(example);
        assert.deepEqual(schemaFaults(JSON.parse(text)), [], "the schema says it after all");
        const { refusal } = acceptance(module, text);
        assert.ok(refusal !== undefined, "the filter takes it");
        assert.ok(expectedBy(refusal).startsWith(one.says[i] ?? ""), refusal.message);
        assert.equal(ruleBehind(text, refusal)?.rule, one.rule, refusal.message);
      }
    });
  }
});

/** The names in the parser's tables of members. */
function membersOfParser(): Set<string> {
  const folder = join(root, "assembly/policy");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  const tables = files.flatMap((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    return [
      ...text.matchAll(/^const (\w*MEMBERS|\w*OPTIONS|METHODS|BORDERS) = ascii\(\s*"([^"]*)",?\s*\);/gm),
    ];
  });
  assert.ok(tables.length > 25, `${tables.length} tables found`);
  // What a feed says is no policy.
  const ofPolicies = tables.filter(([, name]) => name !== "DOCUMENT_MEMBERS");
  return new Set(ofPolicies.flatMap(([, , names = ""]) => names.split(" ").filter((name) => name !== "")));
}

function membersOfSchema(): Set<string> {
  return new Set(objectsOfSchema().flatMap(([, { properties = {} }]) => Object.keys(properties)));
}

/** What a fault may be found by, and so needs words. */
const CONSTRAINTS =
  /^(pattern|minLength|maxLength|minimum|maximum|minItems|maxItems|uniqueItems|minProperties|maxProperties|contains|const|not|type)$/;
/** Where other schemas are; what stands in `if`, `not` and `contains` is never told. */
const SINGLE = ["items", "additionalProperties", "propertyNames", "then", "else"];
const NAMED = ["properties", "dependentSchemas", "$defs"];

/** The places of constraints without a title, whose fault nobody could put into words. */
function wordless(schema: unknown, place: string): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const parts = schema as Readonly<Record<string, unknown>>;
  const isTold = "title" in parts || "enum" in parts || parts["type"] === "boolean";
  const constraint = Object.keys(parts).find((keyword) => CONSTRAINTS.test(keyword));
  const own = constraint === undefined || isTold ? [] : [`${place}/${constraint}`];
  const single = SINGLE.flatMap((keyword) => wordless(parts[keyword], `${place}/${keyword}`));
  const all = (parts["allOf"] ?? []) as readonly unknown[];
  const listed = all.flatMap((one, i) => wordless(one, `${place}/allOf/${i}`));
  const named = NAMED.flatMap((keyword) =>
    Object.entries(parts[keyword] ?? {}).flatMap(([name, one]) =>
      wordless(one, `${place}/${keyword}/${name}`),
    ),
  );
  return [...own, ...single, ...listed, ...named];
}
