import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCEPTED, Agreement } from "./support/agreement.ts";
import { describeSuite, readCases, suiteAt } from "./support/cases.ts";
import { MALFORMED, probes } from "./support/probe.ts";
import type { Evidence, ForwardedElement, Probe } from "./support/probe.ts";

interface ParseCase {
  readonly name: string;
  readonly header: string;
  readonly valid: boolean;
  readonly elements?: readonly PublishedElement[];
}

/** The values of each key, in their order. */
type PublishedElement = Readonly<Record<string, readonly string[]>>;

interface ModeCase {
  readonly config: string;
  readonly incoming: string;
  readonly outgoing: string | null;
}

const PARSING = "xfcc/xfcc_parse.json";
const MODES = "xfcc/xfcc_envoy_modes.json";
const REFUSED = "refused";

/** What we make of the values of a key that can be in an element once only: an empty value says as little as none. */
function single(values: readonly string[] = []): Evidence {
  const [first = "", ...others] = values;
  if (others.length > 0) return MALFORMED;
  return first === "" ? undefined : first;
}

function digest(values: readonly string[] | undefined): Evidence {
  const value = values === undefined ? undefined : single(values);
  return values === undefined || /^[0-9a-f]{64}$/.test(String(value)) ? value : MALFORMED;
}

function expectedOf({ By, Hash, URI, Cert }: PublishedElement): ForwardedElement {
  return { by: single(By), hash: digest(Hash), uri: single(URI), cert: single(Cert) };
}

/** The reason that a caller has for refusing evidence of these elements; `ACCEPTED` when none. */
function outcomeOf(elements: readonly ForwardedElement[] | undefined): string {
  if (elements === undefined) return REFUSED;
  if (elements.some(({ uri }) => uri === MALFORMED)) return "spiffe_id_malformed";
  if (elements.some(({ hash }) => hash === MALFORMED)) return "certificate_digest_malformed";
  return ACCEPTED;
}

const PLAIN = String.raw`[!#-+\--:<>-[\]-~]*`;
const QUOTED = String.raw`"[ !#-[\]-~]*"`;
const NAME = String.raw`"(?:[ !#-[\]-~]|\\(?:[ "#+,;<=>\\]|[0-9A-Fa-f]{2}))*"`;
const PAIR = `(By|Hash|Cert|Chain|URI|DNS)=(?:${QUOTED}|${PLAIN})|(Subject)=(?:${NAME}|${PLAIN})`;
const HEADER = new RegExp(`^(?:(?:${PAIR})(?:[;,](?:${PAIR}))*)?$`);
const NEXT_PAIR = new RegExp(`(?:${PAIR})([;,]|$)`, "g");

/** Bytes that mean something to the parser, and some that should not be there. */
const BYTES = ["\0", "\t", " ", '"', ",", ";", "=", "\\", "C", "U", "e", "\x7f", "\x80", "\xff"];

/** The header's grammar once more, in another way: the separators as they stand, and no key twice but those of SANs. */
function followsGrammar(header: string): boolean {
  if (!HEADER.test(header)) return false;
  let seen = new Set<string>();
  for (const [, key = "Subject", , separator] of header.matchAll(NEXT_PAIR)) {
    if (seen.has(key) && !["By", "URI", "DNS"].includes(key)) return false;
    seen = separator === "," ? new Set() : seen.add(key);
  }
  return true;
}

const elementsOf = (probe: Probe, header: string) => probe.forwardedElements(Buffer.from(header, "latin1"));

describeSuite(PARSING, () => {
  const cases = readCases(PARSING) as readonly ParseCase[];

  for (const probe of probes) {
    it(`each is parsed as published: ${probe.name}`, () => {
      const agreement = new Agreement(PARSING);
      for (const { name, header, valid, elements } of cases) {
        const parsed = elementsOf(probe, header);
        if (valid) assert.deepEqual(parsed, elements?.map(expectedOf), name);
        agreement.note(name, valid, outcomeOf(parsed), REFUSED);
      }
      agreement.assertComplete();
    });

    it(`each that is cut, or has a byte changed, is refused or follows the grammar: ${probe.name}`, () => {
      for (const { header } of cases) {
        for (let at = 0; at < header.length; at++) {
          const before = header.slice(0, at);
          const changed = BYTES.map((byte) => before + byte + header.slice(at + 1));
          for (const text of [before, ...changed])
            assert.equal(elementsOf(probe, text) !== undefined, followsGrammar(text), text);
        }
      }
    });
  }
});

describeSuite(MODES, () => {
  const cases = readCases(MODES) as readonly ModeCase[];
  // What is left out at the end of one is whole in the other suite.
  const whole = (header: string) => header.replace(/;\.\.\.$/, "");

  for (const probe of probes) {
    it(`what was forwarded stays as it was, and what Envoy adds comes last: ${probe.name}`, () => {
      assert.equal(cases.length, suiteAt(MODES).cases);
      for (const { config, incoming, outgoing } of cases) {
        const before = elementsOf(probe, incoming) ?? assert.fail(`${config}: ${incoming}`);
        const after = elementsOf(probe, whole(outgoing ?? "")) ?? assert.fail(`${config}: ${outgoing ?? ""}`);
        const kept = /^SANITIZE/.test(config) || outgoing === null ? [] : before;
        const added = { APPEND_FORWARD: 1, SANITIZE_SET: 1 }[config] ?? 0;
        assert.deepEqual(after.slice(0, kept.length), kept, config);
        assert.equal(after.length, kept.length + added, config);
      }
    });
  }
});

describe("the certificate in x-forwarded-client-cert", () => {
  it("is the value between the quotes, still encoded", () => {
    for (const probe of probes) {
      const [element] = elementsOf(probe, 'Cert="a%0Ab";URI=spiffe://example.org/web') ?? [];
      assert.equal(element?.cert, "a%0Ab");
    }
  });
});
