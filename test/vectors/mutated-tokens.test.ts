// No change of a valid token is valid: every bit is flipped, and the token is cut after every byte. There is no second
// spelling of a token that would be good too: base64url is read strictly, so that even bits that no octet uses count.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SignJWT, importJWK } from "jose";
import { without } from "../filter/support/json.ts";
import type { Json } from "../filter/support/json.ts";
import { asHeader } from "../filter/support/hostile.ts";
import { policyWithIssuer } from "../filter/support/policies.ts";
import { Scene, assertAllowed, reasonOf } from "../filter/support/scene.ts";
import { AUDIENCE, ISSUER, NOW, WEB, WEB_THUMBPRINT } from "../filter/support/world.ts";
import { FIXED_KEYS } from "./support/fixed-keys.ts";
import { FAILURE_INTERVAL } from "./support/failures.ts";

const ALGORITHMS = [
  ["RS256", "RSA"],
  ["RS384", "RSA"],
  ["RS512", "RSA"],
  ["ES256", "P-256"],
  ["ES384", "P-384"],
  ["ES512", "P-521"],
  ["EdDSA", "Ed25519"],
] as const;

type Algorithm = (typeof ALGORITHMS)[number][0];

const CLAIMS = { iss: ISSUER, sub: WEB, aud: AUDIENCE, exp: NOW + 86_400 };

interface Shape {
  readonly header?: Json;
  readonly claims?: Json;
}

/** Tokens as issuers write them, short: each byte is changed eight times and cut once. */
const SHAPES: readonly Shape[] = [
  {},
  { header: { kid: "k" } },
  { header: { typ: "at+jwt", kid: "k" } },
  { header: { typ: "JWT" }, claims: { iat: NOW, scope: "a b" } },
  { claims: { iat: NOW, nbf: NOW - 60, jti: "1" } },
  { claims: { aud: [AUDIENCE] } },
  { claims: { aud: ["a", AUDIENCE, "b"] } },
  { claims: { n: [-1, 0.5, 1e9, null, true, false] } },
  { claims: { o: { o: { o: [[], {}] } } } },
  { claims: { t: "\u00e9\u20ac\u{1F600}" } },
  { claims: { t: '"\\/\b\t\n' } },
  { claims: { cnf: { "x5t#S256": WEB_THUMBPRINT } } },
  { claims: { "": "", a: "x".repeat(61) } },
  { claims: { groups: Array.from({ length: 12 }, (_, i) => `g${i}`) } },
  { header: { kid: "k", x: "y" }, claims: { client_id: "c", azp: "c" } },
];

/** Counts why each change of `token` is refused; fails on the first that is not. */
function refusalsOf(scene: Scene, token: string): ReadonlyMap<string, number> {
  const refusals = new Map<string, number>();
  const present = (changed: string, name: string): void => {
    const stream = scene.present(changed);
    const reason = reasonOf(stream);
    if (stream.outcome !== "replied" || reason === undefined)
      assert.fail(`${name} is let through: ${changed}`);
    assert.notEqual(reason, "failures_exceeded", "a change that nobody looked at says nothing");
    if (reason === "signature_invalid") scene.now += FAILURE_INTERVAL;
    refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
  };
  const bytes = Buffer.from(token, "latin1");
  for (let i = 0; i < bytes.length; i++) {
    const original = bytes[i] ?? 0;
    for (let bit = 0; bit < 8; bit++) {
      bytes[i] = original ^ (1 << bit);
      present(asHeader(bytes), `byte ${i}, bit ${bit}`);
    }
    bytes[i] = original;
    present(token.slice(0, i), `first ${i} bytes`);
  }
  return refusals;
}

async function makeToken(
  algorithm: Algorithm,
  family: keyof typeof FIXED_KEYS,
  shape: Shape,
): Promise<string> {
  return new SignJWT({ ...CLAIMS, ...shape.claims })
    .setProtectedHeader({ ...shape.header, alg: algorithm })
    .sign(await importJWK(FIXED_KEYS[family], algorithm));
}

describe(`${ALGORITHMS.length * SHAPES.length} valid tokens`, () => {
  it("are 100 or more", () => {
    assert.ok(ALGORITHMS.length * SHAPES.length >= 100);
  });

  for (const [algorithm, family] of ALGORITHMS) {
    const jwk = without(FIXED_KEYS[family] as Json, "d", "p", "q", "dp", "dq", "qi");
    const scene = new Scene(policyWithIssuer({ keys: { jwks: { keys: [{ ...jwk, kid: "k" }] } } }));

    it(`${algorithm}: no flipped bit and no truncation of ${SHAPES.length} is allowed`, async () => {
      for (const shape of SHAPES) {
        const token = await makeToken(algorithm, family, shape);
        assertAllowed(scene.present(token));
        const refusals = refusalsOf(scene, token);
        // Changes that leave a well-formed token come as far as the signature.
        assert.ok((refusals.get("signature_invalid") ?? 0) > token.length / 2, JSON.stringify([...refusals]));
        assertAllowed(scene.present(token), "and the token itself is still good");
      }
    });
  }
});
