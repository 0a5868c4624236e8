// Which rule decides, held against a slow model that is written from docs/policy.md and shares no code with the filter.

import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { policy } from "./support/policies.ts";
import { Scene, reasonOf } from "./support/scene.ts";

interface When {
  readonly path?: string;
  readonly pathPrefix?: string;
  readonly methods?: readonly string[];
  readonly authority?: string;
}

interface Question {
  readonly path: string;
  readonly method: string;
  readonly authority: string;
}

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

function takesPath(when: When, path: string, spell: (rulePath: string) => string): boolean {
  if (when.path !== undefined) return path === spell(when.path);
  if (when.pathPrefix === undefined) return true;
  const prefix = spell(when.pathPrefix).replace(/\/$/, "");
  return path === prefix || path.startsWith(`${prefix}/`);
}

function takesRest(when: When, { method, authority }: Question): boolean {
  const [host, port] = authority.toLowerCase().split(":");
  const [ruleHost, rulePort] = (when.authority ?? authority).toLowerCase().split(":");
  if (when.methods !== undefined && !when.methods.includes(method)) return false;
  return when.authority === undefined || (host === ruleHost && (rulePort ?? port) === port);
}

/** The index of the rule that decides, or why none does. */
function expected(rules: readonly When[], question: Question): number | "path_ambiguous" | "no_rule" {
  const path = question.path.replace(/\?.*$/s, "");
  if (!isPlain(path)) return "path_ambiguous";
  const choose = (reading: string, spell: (rulePath: string) => string) =>
    rules.findIndex((when) => takesPath(when, reading, spell) && takesRest(when, question));
  const decoded = choose(decode(path), decode);
  const isEscaped = /[%;]/.test(path);
  const choices = isEscaped
    ? [choose(path, (spelt) => spelt), decoded, choose(cut(path), decode)]
    : [decoded];
  if (new Set(choices).size > 1) return "path_ambiguous";
  return decoded === -1 ? "no_rule" : decoded;
}

const ruleSegment = fc.constantFrom("a", "b", "ab", "a,b", "%2Cb", "a%3Ab", "caf%C3%A9", "a%20b");
const rulePath = fc.array(ruleSegment, { maxLength: 3 }).map((segments) => `/${segments.join("/")}`);
const segment = fc.constantFrom(
  ...["a", "b", "ab", "a,b", ",b", "a:b", "%2cb", "a%2Cb", "a%3ab", "caf%c3%a9", "caf%C3%A9", "a%20b", "%61"],
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
    "a%23",
    "%0a",
    "a\\b",
    "A",
  ],
);
const question = fc.record({
  path: fc
    .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom("", "", "", "/", "?a=/b", "?"))
    .map(([segments, end]) => `/${segments.join("/")}${end}`),
  method: fc.constantFrom("GET", "POST"),
  authority: fc.constantFrom("one.example", "ONE.example:443", "two.example:8443"),
});
const condition = fc.record(
  {
    methods: fc.constantFrom(["GET"], ["POST"], ["GET", "POST"]),
    authority: fc.constantFrom("one.example", "two.example", "two.example:8443"),
  },
  { requiredKeys: [] },
);
const when: fc.Arbitrary<When> = fc.oneof(
  condition,
  fc.tuple(condition, rulePath).map(([rest, path]) => ({ ...rest, path })),
  fc.tuple(condition, rulePath).map(([rest, pathPrefix]) => ({ ...rest, pathPrefix })),
);

it("is the one that a reader of the document would name, for every reading of the path", () => {
  let accepted = 0;
  let decided = 0;
  const property = fc.property(
    fc.array(when, { minLength: 1, maxLength: 4 }),
    fc.array(question, { minLength: 8, maxLength: 8 }),
    (rules, questions) => {
      const named = rules.map((conditions, index) => ({ name: `r${index}`, when: conditions }));
      let scene: Scene;
      try {
        scene = new Scene(policy({ rules: named }), { logLevel: "warn" });
      } catch {
        return; // A rule that an earlier one covers; policy-refusal.test.ts is about that.
      }
      accepted++;
      for (const asked of questions) {
        const stream = scene.ask(asked);
        const { rule } = JSON.parse(scene.lastLine().slice("holdfast ".length)) as { rule?: string };
        const seen = rule === undefined ? reasonOf(stream) : Number(rule.slice(1));
        assert.equal(seen, expected(rules, asked), JSON.stringify({ rules, asked }));
        if (rule !== undefined) decided++;
      }
    },
  );
  fc.assert(property, { numRuns: 1_500, seed: 20_261_122 });
  assert.ok(accepted > 500 && decided > 1_000, `${accepted} policies, ${decided} decisions by a rule`);
});
