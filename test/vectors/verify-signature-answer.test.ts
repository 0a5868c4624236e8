import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { key } from "../filter/support/tokens.ts";
import { sign } from "../filter/support/keys.ts";
import { KeyFault, SignatureCheck, probes } from "./support/probe.ts";

const TEXT = "what was signed";

/** Protobuf that is not exactly `result: true`, one byte of tag and one of value. */
const OTHER_ANSWERS = [
  [0x08],
  [0x08, 0x00],
  [0x08, 0x02],
  [0x08, 0xff],
  [0x08, 0x81, 0x00],
  [0x08, 0x01, 0x00],
  [0x08, 0x01, 0x12, 0x00],
  [0x00, 0x08, 0x01],
  [0x09, 0x01],
  [0x10, 0x01],
  [0x01, 0x08],
  [0x12, 0x01, 0x65],
  [0x01],
];

for (const probe of probes) {
  describe(`verify_signature answers, built as ${probe.name}`, () => {
    const signature = sign(key, TEXT);
    const check = (answer?: readonly number[]): number => {
      assert.equal(probe.readKey(key.jwk), KeyFault.None);
      probe.feignedAnswer = answer && Uint8Array.from(answer);
      const result = probe.verify("ES256", signature, Buffer.from(TEXT));
      probe.feignedAnswer = undefined;
      return result;
    };

    it("with `result: true` and nothing else: the signature holds", () => {
      assert.equal(check(), SignatureCheck.Valid);
      assert.equal(check([0x08, 0x01]), SignatureCheck.Valid);
    });

    it("with anything else: it does not", () => {
      for (const answer of OTHER_ANSWERS) assert.equal(check(answer), SignatureCheck.Invalid, String(answer));
    });

    it("with nothing: it is not known", () => {
      assert.equal(check([]), SignatureCheck.Unknown);
    });
  });
}
