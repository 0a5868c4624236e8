import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SignJWT } from "jose";
import { ALGORITHMS, makeKey, nameless, sign } from "./support/keys.ts";
import type { IssuerKey, Jwk } from "./support/keys.ts";
import { issuer, policy, policyWithIssuer, policyWithRule } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { without } from "./support/json.ts";
import { CLAIMS, base64url, key, token, tokenOf } from "./support/tokens.ts";
import { AUDIENCE, ISSUER, NOW, WEB } from "./support/world.ts";

const keyed = (...keys: readonly Jwk[]): Scene => new Scene(policyWithIssuer({ keys: { jwks: { keys } } }));
const rsa = makeKey("RS256", "rsa");
const ec384 = makeKey("ES384", "ec384");
const stranger = makeKey("ES256", "k1");

describe("each algorithm", () => {
  for (const algorithm of ALGORITHMS) {
    it(`${algorithm} is verified as jose signs it`, async () => {
      const signer = makeKey(algorithm);
      const scene = keyed(signer.jwk);
      const compact = await new SignJWT({ sub: WEB })
        .setProtectedHeader({ alg: algorithm, kid: algorithm, typ: "JWT" })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setExpirationTime(NOW + 60)
        .sign(signer.privateKey);
      assertAllowed(scene.present(compact));
      const forger = makeKey(algorithm);
      assertDenied(scene.present(token({}, forger)), "signature_invalid");
    });
  }
});

describe("the key decides the algorithm", () => {
  it("a key with `alg` verifies that one only", () => {
    const scene = keyed(rsa.jwk);
    for (const algorithm of ["RS384", "RS512", "ES256"] as const) {
      const signer = { ...rsa, algorithm: algorithm === "ES256" ? rsa.algorithm : algorithm };
      const compact = tokenOf({ alg: algorithm, kid: "rsa" }, CLAIMS, signer);
      assertDenied(scene.present(compact), "algorithm_mismatch", algorithm);
    }
  });

  it("an RSA key without `alg` verifies every RSA algorithm, and no other", () => {
    const anyRsa = without(rsa.jwk, "alg");
    const scene = keyed(anyRsa);
    for (const algorithm of ["RS256", "RS384", "RS512"] as const)
      assertAllowed(scene.present(token({}, { ...rsa, algorithm })), algorithm);
    assertDenied(scene.present(tokenOf({ alg: "ES256", kid: "rsa" }, CLAIMS)), "algorithm_mismatch");
  });

  it("an EC key without `alg` verifies the one of its curve", () => {
    const any384 = without(ec384.jwk, "alg");
    const scene = keyed(any384);
    assertAllowed(scene.present(token({}, ec384)));
    assertDenied(scene.present(tokenOf({ alg: "ES256", kid: "ec384" }, CLAIMS)), "algorithm_mismatch");
  });

  it("a hash of the wrong size under the right name does not pass", () => {
    const anyRsa = without(rsa.jwk, "alg");
    const compact = tokenOf({ alg: "RS256", kid: "rsa" }, CLAIMS, { ...rsa, algorithm: "RS512" });
    assertDenied(keyed(anyRsa).present(compact), "signature_invalid");
  });
});

describe("kid", () => {
  const scene = keyed(key.jwk, rsa.jwk, ec384.jwk);

  it("chooses among several keys, byte for byte", () => {
    for (const signer of [key, rsa, ec384]) assertAllowed(scene.present(token({}, signer)), signer.algorithm);
    for (const kid of ["K1", "k1 ", "k", "k11", "k1\0"])
      assertDenied(scene.present(tokenOf({ alg: "ES256", kid }, CLAIMS)), "key_unknown", JSON.stringify(kid));
    for (const kid of ["", null, 1, ["k1"]])
      assertDenied(
        scene.present(tokenOf({ alg: "ES256", kid }, CLAIMS)),
        "token_header_malformed",
        String(kid),
      );
  });

  it("may be left out where one key only has the algorithm", () => {
    assertAllowed(scene.present(tokenOf({ alg: "ES256" }, CLAIMS)));
    assertAllowed(scene.present(tokenOf({ alg: "RS256" }, CLAIMS, rsa)));
    assertDenied(
      scene.present(tokenOf({ alg: "RS512" }, CLAIMS, { ...rsa, algorithm: "RS512" })),
      "algorithm_mismatch",
    );
  });

  it("may not be left out where two keys have it", () => {
    const two = keyed(key.jwk, makeKey("ES256", "k2").jwk);
    assertDenied(two.present(tokenOf({ alg: "ES256" }, CLAIMS)), "key_ambiguous");
    assertAllowed(two.present(token()));
  });

  it("of the token finds no key that has none", () => {
    assertDenied(keyed(nameless(key)).present(token()), "key_unknown");
    assertAllowed(keyed(nameless(key)).present(tokenOf({ alg: "ES256" }, CLAIMS)));
  });

  it("points to the one key to try: another key of the set does not help", () => {
    const forged: IssuerKey = { ...key, jwk: { ...key.jwk, kid: "other" } };
    assertDenied(
      keyed(key.jwk, makeKey("ES256", "other").jwk).present(token({}, forged)),
      "signature_invalid",
    );
  });
});

describe("a key set", () => {
  it("may hold keys for other purposes, which verify nothing", () => {
    const others: readonly Jwk[] = [
      { ...stranger.jwk, kid: "enc", use: "enc" },
      { ...stranger.jwk, kid: "ops", key_ops: ["encrypt"] },
      { ...stranger.jwk, kid: "no-ops", key_ops: [] },
      { ...stranger.jwk, kid: "alg", alg: "ES512" },
      { ...stranger.jwk, kid: "crv", crv: "P-384" },
      { kty: "OKP", crv: "X25519", kid: "okp", x: "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08" },
      // All zero is a point of small order: a signature can be made that fits every message.
      { kty: "OKP", crv: "Ed25519", kid: "small", x: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
    ];
    const scene = keyed(...others, key.jwk);
    assertAllowed(scene.present(token()));
    for (const { kid } of others)
      assertDenied(
        scene.present(tokenOf({ alg: "ES256", kid }, CLAIMS, stranger)),
        "key_unknown",
        String(kid),
      );
  });

  it("may say what its keys are for", () => {
    assertAllowed(keyed({ ...key.jwk, use: "sig", key_ops: ["verify"] }).present(token()));
  });

  it("may hold a point off its curve, which is no key", () => {
    const off = { ...stranger.jwk, kid: "off", y: stranger.jwk["x"] };
    const scene = keyed(off, key.jwk);
    assertAllowed(scene.present(token()));
    assertDenied(scene.present(tokenOf({ alg: "ES256", kid: "off" }, CLAIMS, stranger)), "key_unknown");
    assert.throws(() => keyed(off), /expected a public key/);
  });

  it("whose keys are all for PS256 is refused, with the advice to let jwt_authn verify", () => {
    const { n, e } = makeKey("RS256").jwk;
    for (const alg of ["PS256", "PS384", "PS512"])
      assert.throws(
        () => keyed({ kty: "RSA", alg, n, e }),
        /let Envoy verify them, with "keys": "jwt_authn"/,
      );
  });
});

describe("issuers", () => {
  const second = makeKey("ES256", "k1");
  const issuers = {
    one: issuer({ issuer: "https://one.example" }),
    two: issuer({ issuer: "https://two.example", keys: { jwks: { keys: [second.jwk] } } }),
  };

  it("each have their own keys: none signs for another", () => {
    const scene = new Scene(policy({ issuers }));
    assertAllowed(scene.present(token({ iss: "https://one.example" })));
    assertAllowed(scene.present(token({ iss: "https://two.example" }, second)));
    assertDenied(scene.present(token({ iss: "https://two.example" })), "signature_invalid");
    assertDenied(scene.present(token({ iss: "https://one.example" }, second)), "signature_invalid");
  });

  it("are known by their exact name", () => {
    const scene = new Scene();
    for (const iss of [
      `${ISSUER}/`,
      ISSUER.toUpperCase(),
      ISSUER.slice(0, -1),
      `${ISSUER}\0`,
      "",
      null,
      1,
      [ISSUER],
      undefined,
    ])
      assertDenied(scene.present(token({ iss })), "issuer_unknown", String(iss));
  });

  it("that a rule does not name are unknown to it", () => {
    const scene = new Scene(policy({ issuers, rules: [{ name: "all", issuers: ["two"] }] }));
    assertAllowed(scene.present(token({ iss: "https://two.example" }, second)));
    assertDenied(scene.present(token({ iss: "https://one.example" })), "issuer_unknown");
  });
});

it("the signature is over the token's own bytes: the same claims spelled otherwise need another one", () => {
  const [head = "", , tail = ""] = token().split(".");
  const respelled = base64url(JSON.stringify(CLAIMS).replace(",", ", "));
  assertDenied(new Scene().present(`${head}.${respelled}.${tail}`), "signature_invalid");
});

it("the host is asked once for each token, with the hash that the algorithm names", () => {
  const scene = new Scene(policyWithRule({}));
  scene.host.calls.resetCounts();
  scene.present(token());
  assert.equal(scene.host.calls.count("proxy_call_foreign_function"), 1);
  assert.equal(sign(key, "x").length, 64);
});
