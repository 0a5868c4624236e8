// Ed25519, which a library checks inside the module: its hash is right at every length, and its memory comes back.

import assert from "node:assert/strict";
import { it } from "node:test";
import { makeKey } from "./support/keys.ts";
import { policyWithIssuer } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { token } from "./support/tokens.ts";

const key = makeKey("EdDSA");
const scene = () => new Scene(policyWithIssuer({ keys: { jwks: { keys: [key.jwk] } } }));

it("a signature over a text of any length is told from one over another text", () => {
  const one = scene();
  // SHA-512 has blocks of 128 bytes: every length of the last one, in the signing input's steps of one to two bytes.
  for (let length = 0; length < 128; length++) {
    const compact = token({ pad: "x".repeat(length) }, key);
    assertAllowed(one.present(compact), `${length}`);
    const [head = "", payload = "", signature = ""] = compact.split(".");
    const other = Buffer.from(payload, "base64url").toString().replace('"orders"', '"ordert"');
    const forged = [head, Buffer.from(other).toString("base64url"), signature].join(".");
    assertDenied(one.present(forged), "signature_invalid", `${length}`);
    one.now += 1;
  }
});

it("a long token is no trouble, and memory does not grow", () => {
  const one = scene();
  const compact = token({ pad: "x".repeat(10_000) }, key);
  assertAllowed(one.present(compact));
  const pages = one.vm.memoryPages;
  for (let i = 0; i < 200; i++) assertAllowed(one.present(token({ pad: "x".repeat(10_000), i }, key)));
  assert.equal(one.vm.memoryPages, pages);
});
