// Which rule decides, held against a slow model that is written from docs/policy.md and shares no code with the filter.

import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { policy } from "./support/policies.ts";
import { PolicyDesk } from "./support/refusal.ts";
import { Scene, reasonOf } from "./support/scene.ts";

interface When {
  readonly path?: string;
  readonly pathPrefix?: string;
  readonly pathTemplate?: string;
  readonly grpc?: { readonly service: string; readonly method?: string };
  readonly methods?: readonly string[];
  readonly authority?: string;
  readonly headers?: readonly string[];
}

interface Question {
  readonly path: string;
  readonly method: string;
  readonly authority: string;
  readonly headers: readonly (readonly [string, string])[];
}

type Spelling = (text: string) => string;

const decode = (path: string): string =>
  path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));

/** As a server reads it that decodes first: without parameters, up to what then is a query or a fragment. */
const cut = (path: string): string =>
  decode(path)
    .replace(/[?#].*$/s, "")
    .replace(/;[^/]*/g, "");

function isPlain(path: string): boolean {
  if (!path.startsWith("/") || /[\\#\0-\x20\x7f-\uffff]/.test(path)) return false;
  if (/%(?![0-9a-f]{2})|%(2f|5c|7f|[01][0-9a-f])/i.test(path)) return false;
  const segments = decode(path).split("/").slice(1);
  return segments.every((segment, index) => {
    const name = segment.replace(/;.*$/s, "");
    const isEnd = index === segments.length - 1 && segment === "";
    return isEnd || !["", ".", ".."].includes(name);
  });
}

function takesPath(when: When, path: string, spell: Spelling): boolean {
  if (when.path !== undefined) return path === spell(when.path);
  if (when.pathTemplate !== undefined) return takesTemplate(when.pathTemplate, path, spell);
  if (when.grpc?.method !== undefined) return path === `/${when.grpc.service}/${when.grpc.method}`;
  const prefix = when.grpc === undefined ? when.pathPrefix : `/${when.grpc.service}/`;
  if (prefix === undefined) return true;
  const bare = spell(prefix).replace(/\/$/, "");
  return path === bare || path.startsWith(`${bare}/`);
}

function takesTemplate(template: string, path: string, spell: Spelling): boolean {
  const wanted = template.split("/").slice(1);
  const given = path.split("/").slice(1);
  const hasRest = wanted.at(-1) === "{**}";
  if (hasRest ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((segment, i) => {
    if (segment === "{**}") return true;
    return segment.startsWith("{") ? given[i] !== "" : given[i] === spell(segment);
  });
}

/** @param same how a server tells headers apart */
function takesRest(when: When, { method, authority, headers }: Question, same: Spelling): boolean {
  const [host, port] = authority.toLowerCase().split(":");
  const [ruleHost, rulePort] = (when.authority ?? authority).toLowerCase().split(":");
  if (when.methods !== undefined && !when.methods.includes(method)) return false;
  if (when.authority !== undefined && (host !== ruleHost || (rulePort ?? port) !== port)) return false;
  const names = headers.map(([name]) => same(name));
  return (when.headers ?? []).every((name) => names.includes(same(name)));
}

/** The index of the rule that decides, or why none does. */
function expected(rules: readonly When[], question: Question): number | string {
  const path = question.path.replace(/\?.*$/s, "");
  if (!isPlain(path)) return "path_ambiguous";
  const readings: readonly (readonly [string, Spelling])[] = /[%;]/.test(path)
    ? [
        [path, (spelt) => spelt],
        [decode(path), decode],
        [cut(path), decode],
      ]
    : [[path, decode]];
  const choices = (same: Spelling) =>
    readings.map(([reading, spell]) =>
      rules.findIndex((when) => takesPath(when, reading, spell) && takesRest(when, question, same)),
    );
  const byName = choices((name) => name);
  const [choice = -1] = byName;
  if (byName.some((other) => other !== choice)) return "path_ambiguous";
  const byLookalike = choices((name) => name.replaceAll("_", "-"));
  if (byLookalike.some((other) => other !== choice)) return "header_ambiguous";
  return choice === -1 ? "no_rule" : choice;
}

const ruleSegment = fc.constantFrom(
  "a",
  "b",
  "ab",
  "a.b",
  "a,b",
  "%2Cb",
  "a%3Ab",
  "caf%C3%A9",
  "a%20b",
  "%7Bb",
);
const rulePath = fc.array(ruleSegment, { maxLength: 3 }).map((segments) => `/${segments.join("/")}`);
const variable = fc.constantFrom("{id}", "{*}", "{a-b_1}");
const template = fc
  .tuple(
    fc.array(fc.oneof(ruleSegment, variable), { maxLength: 2 }),
    variable,
    fc.array(fc.oneof(ruleSegment, variable), { maxLength: 2 }),
    fc.constantFrom("", "", "/", "/{**}"),
  )
  .map(([start, one, more, end]) => `/${[...start, one, ...more].join("/")}${end}`);
const anyTemplate = fc.oneof(
  { weight: 3, arbitrary: template },
  { weight: 1, arbitrary: rulePath.map((path) => `${path.replace(/\/$/, "")}/{**}`) },
);
const grpc = fc.record(
  { service: fc.constantFrom("a", "b", "a.b"), method: fc.constantFrom("a", "b", "ab") },
  { requiredKeys: ["service"] },
);
const segment = fc.constantFrom(
  ...["a", "b", "ab", "a.b", "a,b", ",b", "a:b", "%2cb", "a%2Cb", "a%3ab", "caf%c3%a9", "caf%C3%A9", "a%20b"],
  ...["%61", "{b", "%7Bb", "%7bb", "{id}", "%7B%2A%7D"],
  ...[
    "a;x",
    ";x",
    "a%3Bx",
    "..",
    ".",
    "%2e.",
    "..;x",
    "",
    "a%2fb",
    "a%",
    "a%3Fb",
    "%3Fb",
    "a%23",
    "%0a",
    "a\\b",
    "A",
  ],
);
const plainSegment = fc.constantFrom("a", "b", "ab", "a.b");
const question: fc.Arbitrary<Question> = fc.record({
  path: fc
    .tuple(
      fc.array(fc.oneof({ weight: 2, arbitrary: plainSegment }, { weight: 1, arbitrary: segment }), {
        maxLength: 5,
      }),
      fc.constantFrom("", "", "", "/", "?a=/b", "?"),
    )
    .map(([segments, end]) => `/${segments.join("/")}${end}`),
  method: fc.constantFrom("GET", "POST"),
  authority: fc.constantFrom("one.example", "ONE.example:443", "two.example:8443"),
  headers: fc
    .subarray(["x-a", "x_a", "x-b", "x_b", "x-a-b", "x_a-b"])
    .map((names) => names.map((name) => [name, ""] as const)),
});
const condition = fc.record(
  {
    methods: fc.constantFrom(["GET"], ["POST"], ["GET", "POST"]),
    authority: fc.constantFrom("one.example", "two.example", "two.example:8443"),
    headers: fc.constantFrom(["x-a"], ["x-a", "x-b"], ["x_b"], ["x-a-b"]),
  },
  { requiredKeys: [] },
);
const pathCondition: fc.Arbitrary<When> = fc.oneof(
  fc.constant({}),
  rulePath.map((path) => ({ path })),
  rulePath.map((pathPrefix) => ({ pathPrefix })),
  anyTemplate.map((pathTemplate) => ({ pathTemplate })),
  grpc.map((service) => ({ grpc: service })),
);
const when: fc.Arbitrary<When> = fc
  .tuple(condition, pathCondition)
  .map(([rest, path]) => ({ ...rest, ...path }));

/** Which rules the filter takes, by their indices: it refuses those that it says an earlier one covers. */
function reachable(desk: PolicyDesk, rules: readonly When[]): readonly number[] {
  let kept = rules.map((_, index) => index);
  for (;;) {
    const { accepted, message } = desk.offer(policyOf(rules, kept));
    if (accepted) return kept;
    const [, refused] = /"\/rules\/(\d+)": expected a rule that can be reached/.exec(message) ?? [];
    assert.notEqual(refused, undefined, message);
    kept = kept.filter((_, place) => place !== Number(refused));
  }
}

const policyOf = (rules: readonly When[], kept: readonly number[]) =>
  policy({ rules: kept.map((index) => ({ name: `r${index}`, when: rules[index] })) });

for (const { most, questions, runs, seed } of [
  { most: 4, questions: 16, runs: 900, seed: 20_261_122 },
  { most: 60, questions: 60, runs: 400, seed: 20_261_123 },
]) {
  it(`is the one of up to ${most} rules that a reader of the document would name, for every reading of the request`, () => {
    const desk = new PolicyDesk();
    const seen = { decided: 0, refused: 0, ambiguous: 0 };
    const property = fc.property(
      fc.array(when, { minLength: 1, maxLength: most, size: "max" }),
      fc.array(question, { minLength: questions, maxLength: questions }),
      (rules, asked) => {
        const kept = reachable(desk, rules);
        seen.refused += rules.length - kept.length;
        const scene = new Scene(policyOf(rules, kept), { logLevel: "warn" });
        for (const one of asked) {
          scene.now += 10; // Only so many lines are logged in a second.
          const stream = scene.ask(one);
          const { rule } = JSON.parse(scene.lastLine().slice("holdfast ".length)) as { rule?: string };
          const answer = rule === undefined ? reasonOf(stream) : Number(rule.slice(1));
          // By all rules, those that were refused included: none of them would ever have decided.
          assert.equal(answer, expected(rules, one), JSON.stringify({ rules, one }));
          if (rule !== undefined) seen.decided++;
          if (answer === "header_ambiguous") seen.ambiguous++;
        }
      },
    );
    fc.assert(property, { numRuns: runs, seed });
    const { decided, refused, ambiguous } = seen;
    assert.ok(decided > 1_000 && refused > 40 && ambiguous > 300, JSON.stringify(seen));
  });
}
