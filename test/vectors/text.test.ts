import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { describeCases, readCases, readFiles } from "./support/cases.ts";
import { probes } from "./support/probe.ts";

interface Base64urlCase {
  readonly input_hex: string;
  readonly valid: boolean;
  readonly source: string;
}

// What the suite leaves to the reader, and we accept.
const ACCEPTED_BY_CHOICE = new Set([
  // Numbers are kept as they are written; who wants a date or a count checks its range.
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

// What the suite says must be accepted, and we refuse: names are unique (RFC 8259, section 4, only says that they should be).
const REFUSED_BY_CHOICE = new Set(["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"]);

// Of the transformations: the same names twice, and halves of surrogate pairs in escapes or raw.
const REFUSED_TRANSFORMATIONS = /^(object_same_key|string_\d_(escaped_)?invalid_codepoint)/;

for (const probe of probes) {
  describe(`built as ${probe.name}`, () => {
    describeCases("base64url/base64url.json", 427, () => {
      it("each is accepted or refused as published, and decoded as Node does", () => {
        for (const { input_hex, valid, source } of readCases("base64url/base64url.json") as Base64urlCase[]) {
          const text = Buffer.from(input_hex, "hex");
          const decoded = probe.base64url(text);
          assert.equal(decoded !== undefined, valid, `${input_hex}: ${source}`);
          if (valid) assert.deepEqual(decoded, Buffer.from(text.toString("latin1"), "base64url"));
        }
      });
    });

    describeCases("jsontestsuite/test_parsing/", 318, () => {
      it("each is accepted or refused as published", () => {
        for (const [name, contents] of readFiles("jsontestsuite/test_parsing/")) {
          const isWanted = name.startsWith("y_") || ACCEPTED_BY_CHOICE.has(name);
          assert.equal(probe.acceptsJson(contents), isWanted && !REFUSED_BY_CHOICE.has(name), name);
        }
      });
    });

    describeCases("jsontestsuite/test_transform/", 22, () => {
      it("each is accepted, or refused because two readers would read two documents", () => {
        for (const [name, contents] of readFiles("jsontestsuite/test_transform/"))
          assert.equal(probe.acceptsJson(contents), !REFUSED_TRANSFORMATIONS.test(name), name);
      });
    });

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
