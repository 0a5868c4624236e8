// How Envoy's verify_signature tells a key that is none from a signature that does not hold: docs/host.md rests on this.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { offCurve } from "../host/support/off-curve.ts";
import { signatureArguments } from "../host/support/signature-arguments.ts";
import { messagesOf, probe } from "./guests/probe.ts";
import { verify } from "./guests/steps.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { testedEnvoys } from "./support/versions.ts";

const holds = "\b\u0001";
const signatureIsWrong = "\u0012&Failed to verify digest. Error code: 0";
const keyIsNone = "\u0012#Failed to initialize digest verify.";

const curves = [
  { curve: "P-256", hash: "sha256", coordinateBytes: 32 },
  { curve: "P-384", hash: "sha384", coordinateBytes: 48 },
  { curve: "P-521", hash: "sha512", coordinateBytes: 66 },
];

const text = Buffer.from("text");
const nothing = Buffer.alloc(0);

const cases = curves.flatMap(({ curve, hash, coordinateBytes }) => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: curve });
  const key = publicKey.export({ format: "der", type: "spki" });
  const signature = sign(hash, text, privateKey);
  const zero = Buffer.concat([key.subarray(0, -2 * coordinateBytes), Buffer.alloc(2 * coordinateBytes)]);
  return [
    { title: `${curve}, a good signature`, hash, key, signature, expected: holds },
    { title: `${curve}, no signature`, hash, key, signature: nothing, expected: signatureIsWrong },
    { title: `${curve}, a point off the curve`, hash, key: offCurve(key), signature, expected: keyIsNone },
    {
      title: `${curve}, a point off the curve and no signature`,
      hash,
      key: offCurve(key),
      signature: nothing,
      expected: keyIsNone,
    },
    { title: `${curve}, zero coordinates`, hash, key: zero, signature: nothing, expected: keyIsNone },
  ];
});

for (const version of testedEnvoys()) {
  describe(`verify_signature, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      const onConfigure = cases.map((given) => verify(signatureArguments({ ...given, text })));
      const listeners = [probe("verifies", { onConfigure })];
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    for (const [index, { title, expected }] of cases.entries()) {
      it(`tells what is wrong: ${title}`, async () => {
        const messages = await messagesOf(envoy, "verifies");
        assert.deepEqual(messages.slice(2 * index, 2 * index + 2), ["verify 0", expected]);
      });
    }
  });
}
