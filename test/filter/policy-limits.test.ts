import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { makeKey, nameless } from "./support/keys.ts";
import { issuer, policy, policyWithIssuer } from "./support/policies.ts";
import { PolicyDesk } from "./support/refusal.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { key, token } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";

const MAX_POLICY_BYTES = 1024 * 1024;
const desk = new PolicyDesk();

const withKeys = (...keys: readonly unknown[]): Json => policyWithIssuer({ keys: { jwks: { keys } } });
const rulesOf = (count: number): Json =>
  policy({
    rules: Array.from({ length: count }, (_, i) => ({
      name: `rule-${i}`,
      when: { path: `/${i}` },
      audiences: [`a${i}`],
    })),
  });

/** An example of everything that a policy can say. */
const EVERYTHING: Json = {
  mode: "observe",
  trustDomain: "example.org",
  trustDomainAliases: ["old.example.org"],
  federatedTrustDomains: ["partner.example"],
  decisionLog: { sampleAllowed: 100 },
  presenter: { from: "peer", validatedBy: "listener" },
  issuers: {
    idp: issuer({
      clockSkew: "30s",
      acceptedBy: ["spiffe://example.org/ns/shop/**"],
      borders: { federated: { bind: [{ network: { sources: ["10.0.0.0/8"] } }] }, outside: "deny" },
    }),
    mesh: issuer({ issuer: "mesh", keys: { jwt_authn: { payloadHeader: "x-jwt", metadataKey: "m" } } }),
    plain: issuer({ issuer: "plain", keys: "jwt_authn" }),
  },
  rules: [
    { name: "health", when: { path: "/healthz" }, token: "none" },
    {
      name: "orders",
      when: { pathPrefix: "/orders", methods: ["GET", "POST"], authority: "orders.example.org:8443" },
      mode: "enforce",
      token: "optional",
      issuers: ["idp", "mesh"],
      audiences: ["orders"],
      bind: [{ spiffe: { claim: 'act."example.org".sub' } }, { certificate: {} }],
      onDeny: "deny",
    },
    { name: "items", when: { pathTemplate: "/{tenant}/a%20b/{**}", headers: ["x-trial"] } },
    { name: "call", when: { grpc: { service: "shop.v1.Orders", method: "Get" } } },
    {
      name: "rest",
      issuers: ["idp"],
      forward: { token: "strip", payloadHeader: "x-claims", verdict: true },
    },
  ],
};

describe("size", () => {
  const padded = (size: number): string => JSON.stringify(policy()).padEnd(size);

  it("of 1 MiB is taken, one byte more is not", () => {
    desk.assertAccepted(padded(MAX_POLICY_BYTES));
    const { accepted, message } = desk.offer(padded(MAX_POLICY_BYTES + 1));
    assert.equal(accepted, false);
    assert.match(message, /at most 1 MiB/);
  });

  it("of nothing is no policy", () => {
    assert.match(desk.offer("").message, /^policy refused at byte 0: expected a policy/);
  });

  it("of 1,000 rules is taken, and each is found", () => {
    const scene = new Scene(rulesOf(1000));
    for (const i of [0, 1, 500, 999]) {
      const claims = { aud: ["orders", `a${i}`] };
      assertAllowed(scene.present(token(claims), { path: `/${i}` }));
      assertDenied(
        scene.present(token(claims), { path: `/${i + 1}` }),
        i === 999 ? "no_rule" : "audience_mismatch",
      );
    }
  });

  it("of 2,000 rules, 256 issuers and 256 strings in a list is the most", () => {
    const issuersOf = (count: number): Json =>
      policy({
        issuers: Object.fromEntries(
          Array.from({ length: count }, (_, i) => [`i${i}`, issuer({ issuer: `${i}` })]),
        ),
      });
    const audiencesOf = (count: number): Json =>
      policyWithIssuer({ audiences: Array.from({ length: count }, (_, i) => `${i}`) });
    for (const [make, most, pointer] of [
      [rulesOf, 2000, "/rules"],
      [issuersOf, 256, "/issuers"],
      [audiencesOf, 256, "/issuers/idp/audiences"],
    ] as const) {
      desk.assertAccepted(make(most));
      desk.assertRefused(make(most + 1), pointer, /at most/);
    }
  });

  it("of 64 different headers in all rules is the most", () => {
    const headersOf = (count: number): Json =>
      policy({
        rules: Array.from({ length: count }, (_, i) => ({
          name: `rule-${i}`,
          when: { path: `/${i}`, headers: ["x-all", `x-${i + 1}`] },
        })),
      });
    desk.assertAccepted(headersOf(63));
    desk.assertRefused(headersOf(64), "/rules/63/when/headers/1", /at most 64 different headers/);
  });

  it("that leaves no memory to decode a path is refused: a rule without it would take other requests", () => {
    const keys = { jwks: { keys: [{ ...key.jwk, filler: Array(120_000).fill(1) }] } };
    const spaces = "%20".repeat(140_000);
    for (const when of [
      { path: `/${spaces}` },
      { pathPrefix: `/${spaces}` },
      { pathTemplate: `/${spaces}/{id}` },
      { pathTemplate: `/{id}/${spaces}` },
    ])
      desk.assertRefused(
        policy({ issuers: { idp: issuer({ keys }) }, rules: [{ name: "spaces", when }] }),
        `/rules/0/when/${Object.keys(when)[0] ?? ""}`,
        /a shorter policy/,
      );
  });

  it("of more values than there is memory for is refused, not a trap", () => {
    for (const text of [
      `[${"1,".repeat(500_000)}1]`,
      `{"a":${"[".repeat(1_000_000)}`,
      ":".repeat(1_000_000),
    ]) {
      assert.equal(desk.offer(text).accepted, false);
    }
  });
});

describe("a policy that is no strict JSON", () => {
  it("is refused with the place where reading stopped", () => {
    for (const [text, at] of [
      ["{", 1],
      ["[1,]", 3],
      ['{"mode" "enforce"}', 8],
      ['{"mode":"enforce",}', 18],
      ["{} {}", 3],
      ["\ufeff{}", 0],
      ["// x\n{}", 0],
      ["mode: enforce", 0],
    ] as const) {
      const { message } = desk.offer(text);
      assert.ok(
        message.startsWith(`policy refused at byte ${at}: expected strict JSON`),
        `${text}: ${message}`,
      );
    }
  });

  it("says that a name is there twice, at any depth and in any spelling", () => {
    for (const text of [
      '{"mode":"enforce","mode":"enforce"}',
      '{"mode":"enforce","\\u006dode":"observe"}',
      '{"issuers":{"a":{"keys":{"jwks":{"keys":[{"kty":"EC","kt\\u0079":"RSA"}]}}}}}',
    ])
      assert.match(desk.offer(text).message, /there twice$/, text);
  });

  it("is refused at its root when it is no object", () => {
    for (const text of ["[]", "1", '"x"', "null", "true"]) desk.assertRefused(text, "", /an object/);
  });
});

describe("a key set", () => {
  const KEYS = "/issuers/idp/keys/jwks/keys";
  const rsaPrivate = makeKey("RS256").privateKey.export({ format: "jwk" });
  const { n } = rsaPrivate;

  it("with private or symmetric material is refused, at the key", () => {
    const secrets = ["d", "k", "p", "q", "dp", "dq", "qi", "oth"].map((name) => ({
      ...key.jwk,
      [name]: "x",
    }));
    const oct = { kty: "oct", k: "c2VjcmV0" };
    for (const secret of [...secrets, oct, { kty: "oct" }, rsaPrivate, { ...key.jwk, use: "enc", d: "x" }])
      desk.assertRefused(withKeys(key.jwk, secret), `${KEYS}/1`, /public key: this one is private/);
  });

  it("with one `kid` twice is refused, at the second, whatever either key is for", () => {
    const second = makeKey("ES384", "k1").jwk;
    const forOthers = [
      { use: "enc" },
      { key_ops: ["encrypt"] },
      { alg: "ES512" },
      { kty: "OKP", crv: "Ed25519" },
      { x: 1 },
    ].map((members) => ({ ...second, ...members }));
    for (const other of [second, ...forOthers]) {
      desk.assertRefused(withKeys(key.jwk, other), `${KEYS}/1`, /"kid" that no other/);
      desk.assertRefused(withKeys(other, key.jwk), `${KEYS}/1`, /"kid" that no other/);
    }
    desk.assertAccepted(withKeys(nameless(key), nameless(makeKey("ES256"))));
  });

  it("without a key that can verify a token is refused", () => {
    // Without a `kid`: several of one name would be another flaw.
    const jwk = nameless(key);
    const unusable: readonly unknown[] = [
      1,
      null,
      {},
      { kty: "EC" },
      { ...jwk, kid: 1 },
      { ...jwk, kid: "" },
      { ...jwk, kty: "ec" },
      { ...jwk, crv: "P-521" },
      { ...jwk, crv: "P-256K" },
      { ...jwk, alg: "HS256" },
      { ...jwk, alg: "ES384" },
      { ...jwk, alg: null },
      { ...jwk, use: "enc" },
      { ...jwk, use: null },
      { ...jwk, key_ops: "verify" },
      { ...jwk, key_ops: ["sign"] },
      { ...jwk, x: `${String(jwk["x"])}=` },
      { ...jwk, x: String(jwk["x"]).slice(0, -2) },
      { ...jwk, y: 1 },
      { kty: "RSA", e: "AQAB" },
      { kty: "RSA", n, e: "AQ" },
      { kty: "RSA", n, e: "Ag" },
      { kty: "RSA", n, e: "" },
      { kty: "RSA", n, e: "AAEAAQ" },
      { kty: "RSA", n, e: "AQAAAAE" },
      { kty: "RSA", n: Buffer.alloc(128, 0xff).toString("base64url"), e: "AQAB" },
      { kty: "RSA", n: Buffer.alloc(255, 0xff).toString("base64url"), e: "AQAB" },
      { kty: "RSA", n: Buffer.alloc(1025, 0xff).toString("base64url"), e: "AQAB" },
      { kty: "OKP", crv: "X25519", x: "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08" },
    ];
    desk.assertRefused(withKeys(), KEYS, /a public key for/);
    for (const jwk of unusable) desk.assertRefused(withKeys(jwk), KEYS, /a public key for/);
    desk.assertRefused(withKeys(...unusable), KEYS);
    desk.assertAccepted(withKeys(...unusable, key.jwk));
  });

  it("of 256 keys is the most", () => {
    const keysOf = (count: number) => Array.from({ length: count }, (_, i) => ({ ...key.jwk, kid: `k${i}` }));
    desk.assertAccepted(withKeys(...keysOf(256)));
    desk.assertRefused(withKeys(...keysOf(257)), KEYS, /at most 256/);
  });
});

describe("a good policy that is changed at random", () => {
  const text = JSON.stringify(EVERYTHING);

  it("is good as it is", () => {
    desk.assertAccepted(text);
  });

  it("never traps, and is taken or refused with a reason: bytes", () => {
    const original = Buffer.from(text);
    fc.assert(
      fc.property(
        fc.nat(original.length - 1),
        fc.nat(255),
        fc.nat(3),
        fc.nat(2),
        (at, byte, removed, added) => {
          const middle = Buffer.alloc(added, byte);
          const changed = Buffer.concat([original.subarray(0, at), middle, original.subarray(at + removed)]);
          const { accepted, message } = desk.offer(changed);
          if (!accepted) assert.match(message, /^policy refused at (byte \d+|"[ -~]*"): expected .+/);
        },
      ),
      { seed: 5, numRuns: 4000 },
    );
  });

  it("never traps, and is taken or refused with a reason: values", () => {
    const places = [...text.matchAll(/"[^"\\]*"|\d+|\[|\{/g)].map(
      ({ index, 0: found }) => [index, found.length] as const,
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.json({ maxDepth: 2 }), ([index, length], value) => {
        const { accepted, message } = desk.offer(text.slice(0, index) + value + text.slice(index + length));
        if (!accepted) assert.match(message, /^policy refused at (byte \d+|"[ -~]*"): expected .+/);
      }),
      { seed: 6, numRuns: 3000 },
    );
  });
});
