import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { Scene, assertAllowed, reasonOf } from "../filter/support/scene.ts";
import { CLAIMS, base64url, token, tokenOfText, tokenSignedBy } from "../filter/support/tokens.ts";
import { ACCEPTED, Agreement } from "./support/agreement.ts";
import { describeSuite, readCases, readFiles } from "./support/cases.ts";
import { probes } from "./support/probe.ts";
import type { SuitePath } from "./suites.ts";

interface Base64urlCase {
  readonly input_hex: string;
  readonly valid: boolean;
}

const BASE64URL = "base64url/base64url.json";
const PARSING = "jsontestsuite/test_parsing";
const TRANSFORM = "jsontestsuite/test_transform";
const NOT_JSON = "token_payload_malformed";

// What the suite leaves to the implementation, and we accept: numbers are kept as they are written, and who wants a date or
// a count checks its range.
const ACCEPTED_BY_CHOICE = new Set([
  "i_number_double_huge_neg_exp.json",
  "i_number_huge_exp.json",
  "i_number_neg_int_huge_exp.json",
  "i_number_pos_double_huge_exp.json",
  "i_number_real_neg_overflow.json",
  "i_number_real_pos_overflow.json",
  "i_number_real_underflow.json",
  "i_number_too_big_neg_int.json",
  "i_number_too_big_pos_int.json",
  "i_number_very_big_negative_int.json",
]);

const isPublishedAsValid = (name: string): boolean =>
  name.startsWith("y_") || ACCEPTED_BY_CHOICE.has(name) || !/^[in]_/.test(name);

/** A good token in which `text` is the value of a claim that nobody reads. */
function tokenWithClaim(text: Buffer): string {
  const [before = "", after = ""] = JSON.stringify({ more: "?", ...CLAIMS }).split('"?"');
  return tokenOfText(
    JSON.stringify({ alg: "ES256", kid: "k1" }),
    Buffer.concat([Buffer.from(before), text, Buffer.from(after)]),
  );
}

const scene = new Scene();
const outcomeOf = (compact: string): string => reasonOf(scene.present(compact)) ?? ACCEPTED;

const JSON_SUITES: readonly SuitePath[] = [PARSING, TRANSFORM];
for (const path of JSON_SUITES) {
  describeSuite(path, () => {
    const cases = readFiles(path, ".json");

    it("each is accepted or refused as published, in a token", () => {
      const agreement = new Agreement(path);
      for (const [name, contents] of cases) {
        const outcome = outcomeOf(tokenWithClaim(contents));
        agreement.note(name, isPublishedAsValid(name), outcome, NOT_JSON, "token_too_large");
      }
      agreement.assertComplete();
    });

    for (const probe of probes) {
      it(`each is accepted or refused as published, as a document: ${probe.name}`, () => {
        const agreement = new Agreement(path);
        for (const [name, contents] of cases) {
          const outcome = probe.acceptsJson(contents) ? ACCEPTED : NOT_JSON;
          agreement.note(name, isPublishedAsValid(name), outcome, NOT_JSON);
        }
        agreement.assertComplete();
      });
    }
  });
}

describeSuite(BASE64URL, () => {
  const cases = readCases(BASE64URL) as readonly Base64urlCase[];
  const nameOf = ({ input_hex }: Base64urlCase, index: number) => `#${index + 1} ${input_hex}`;

  it("each is accepted or refused as published, as the signature of a token", () => {
    const agreement = new Agreement(BASE64URL);
    // What Envoy would never let into a header.
    const isSendable = (text: string) => !/[\0\r\n]/.test(text);
    cases.forEach((one, index) => {
      const text = Buffer.from(one.input_hex, "hex").toString("latin1");
      const outcome = isSendable(text) ? outcomeOf(tokenSignedBy(text)) : "not sent";
      // What can be read is a signature, and not the right one.
      const isRead = outcome === "signature_malformed" || outcome === "signature_invalid";
      agreement.note(
        nameOf(one, index),
        one.valid,
        isRead ? ACCEPTED : outcome,
        "token_malformed",
        "authorization_malformed",
        "token_duplicate",
        "not sent",
      );
    });
    agreement.assertComplete();
  });

  for (const probe of probes) {
    it(`each is accepted or refused as published, and decoded as Node does: ${probe.name}`, () => {
      const agreement = new Agreement(BASE64URL);
      cases.forEach((one, index) => {
        const text = Buffer.from(one.input_hex, "hex");
        const decoded = probe.base64url(text);
        agreement.note(nameOf(one, index), one.valid, decoded ? ACCEPTED : "refused", "refused");
        if (decoded) assert.deepEqual(decoded, Buffer.from(text.toString("latin1"), "base64url"));
      });
      agreement.assertComplete();
    });
  }
});

it("what carries the cases is good by itself", () => {
  assertAllowed(scene.present(token()));
  assertAllowed(scene.present(tokenWithClaim(Buffer.from("1"))));
  assert.equal(outcomeOf(tokenSignedBy(base64url("x"))), "signature_malformed");
});

for (const probe of probes) {
  describe(`built as ${probe.name}`, () => {
    it("an escaped string means what JSON.parse says", () => {
      for (const text of [
        '"a"',
        '"\\u0000\\b\\f\\n\\r\\t\\/\\\\\\""',
        '"\\u00e9\\u20AC\\ud83d\\ude00"',
        '"\u00e9\u{1F600}"',
        '"\\uD800\\uDC00\\udbff\\udfff"',
      ])
        assert.equal(probe.jsonString(Buffer.from(text))?.toString("utf8"), JSON.parse(text), text);
    });

    it("SHA-256 is the same wherever the text is split", () => {
      for (let length = 0; length <= 200; length++) {
        const text = Buffer.from(Array.from({ length }, (_, i) => (i * 7 + length) & 0xff));
        const expected = createHash("sha256").update(text).digest();
        for (let split = 0; split <= length; split++)
          assert.deepEqual(probe.digestInParts(text, split), expected, `${length} bytes, split at ${split}`);
      }
    });
  });
}
