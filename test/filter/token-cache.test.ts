// The cache of verified tokens: it saves the signature, and nothing else.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Peer } from "../../cli/host/index.ts";
import { FetchingScene, answerWith, fetchingPolicy } from "./support/key-server.ts";
import { makeKey } from "./support/keys.ts";
import { issuer, policy, policyWithIssuer, policyWithRule } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied, bearer } from "./support/scene.ts";
import { key, token, tokenOf, CLAIMS } from "./support/tokens.ts";
import { THIEF, WEB_THUMBPRINT, thief, web } from "./support/world.ts";

const CHECK = "proxy_call_foreign_function";

/** How often a signature is checked while `act` runs. */
function checksDuring(scene: Scene, act: () => void): number {
  const before = scene.host.calls.count(CHECK);
  act();
  return scene.host.calls.count(CHECK) - before;
}

function events(scene: Scene): readonly number[] {
  return ["hit", "miss", "eviction"].map((name) => scene.host.counter(`holdfast.token_cache.${name}`));
}

describe("a token that was verified", () => {
  it("is not verified again, whatever its size", () => {
    for (const size of [0, 500, 2_000, 8_000, 11_000]) {
      const scene = new Scene();
      const compact = token({ pad: "x".repeat(size) });
      assert.equal(
        checksDuring(scene, () => {
          for (let i = 0; i < 5; i++) assertAllowed(scene.present(compact));
        }),
        1,
        `${size}`,
      );
      assert.deepEqual(events(scene), [4, 1, 0]);
    }
  });

  it("is judged all the same each time: the presenter", () => {
    const scene = new Scene();
    assertAllowed(scene.present(token()));
    assertDenied(scene.present(token(), { peer: thief }), "spiffe_mismatch");
    const bound = token({ cnf: { "x5t#S256": WEB_THUMBPRINT } });
    assertAllowed(scene.present(bound));
    assertDenied(scene.present(bound, { peer: thief }), "certificate_mismatch");
    assertAllowed(scene.present(bound));
  });

  it("is judged all the same each time: the time", () => {
    const scene = new Scene(policyWithIssuer({ clockSkew: "0s" }));
    const compact = token({ exp: CLAIMS.exp });
    assertAllowed(scene.present(compact));
    scene.now = CLAIMS.exp - 1;
    assertAllowed(scene.present(compact));
    scene.now = CLAIMS.exp;
    assertDenied(scene.present(compact), "token_expired");
  });

  it("is judged all the same each time: the policy", () => {
    const scene = new Scene();
    const compact = token();
    assertAllowed(scene.present(compact));
    assert.ok(scene.plugin.configure(JSON.stringify(policyWithIssuer({ audiences: ["other"] }))));
    assertDenied(scene.present(compact), "audience_mismatch");
    assert.ok(scene.plugin.configure(JSON.stringify(policyWithIssuer({ issuer: "https://other.example" }))));
    assertDenied(scene.present(compact), "issuer_unknown");
    assert.ok(scene.plugin.configure(JSON.stringify(policyWithIssuer({ kind: "kubernetes" }))));
    assertDenied(scene.present(compact), "claim_absent");
    assert.ok(scene.plugin.configure(JSON.stringify(policyWithRule({ token: "none" }))));
    assertAllowed(scene.present(compact));
  });

  it("is known byte for byte: another head or payload before the same signature is another token", () => {
    const scene = new Scene();
    const compact = token();
    assertAllowed(scene.present(compact));
    const [head = "", payload = "", signature = ""] = compact.split(".");
    const otherHead = Buffer.from(JSON.stringify({ kid: "k1", alg: "ES256" })).toString("base64url");
    const otherPayload = Buffer.from(JSON.stringify({ ...CLAIMS, sub: THIEF })).toString("base64url");
    assertDenied(scene.present(`${otherHead}.${payload}.${signature}`), "signature_invalid");
    assertDenied(scene.present(`${head}.${otherPayload}.${signature}`, { peer: thief }), "signature_invalid");
  });

  it("is no token of another plugin in the VM whose issuer has other keys", () => {
    const scene = new Scene();
    const stranger = makeKey("ES256", "k1");
    const other = scene.vm.configure({
      configuration: JSON.stringify(policyWithIssuer({ keys: { jwks: { keys: [stranger.jwk] } } })),
    });
    assertAllowed(scene.present(token()));
    assertDenied(other.request({ peer: web, headers: [bearer(token())] }), "signature_invalid");
    assertAllowed(other.request({ peer: web, headers: [bearer(token({}, stranger))] }));
    assertDenied(scene.present(token({}, stranger)), "signature_invalid");
  });

  it("has to be verified again when its key is replaced, and is refused when that fails or the key is gone", () => {
    const scene = new FetchingScene(fetchingPolicy({ refresh: "10s" }));
    const compact = token();
    scene.publish(key.jwk);
    assertAllowed(scene.present(compact));
    scene.pass(10);
    scene.call.respond(answerWith(makeKey("ES256", "k1").jwk));
    assertDenied(scene.present(compact), "signature_invalid");
    scene.pass(10);
    scene.call.respond(answerWith(key.jwk));
    assertAllowed(scene.present(compact));
    scene.pass(10);
    scene.call.respond(answerWith(makeKey("ES256", "k2").jwk));
    const gone = scene.plugin.request({ peer: web, headers: [bearer(compact)] });
    scene.publish(makeKey("ES256", "k2").jwk);
    assertDenied(gone, "key_unknown");
  });

  it("may not be verified with what another algorithm would take for a key", () => {
    const rsa = makeKey("RS256", "k1");
    const scene = new Scene(policyWithIssuer({ keys: { jwks: { keys: [rsa.jwk] } } }));
    assertAllowed(scene.present(token({}, rsa)));
    const strict = { ...rsa.jwk, alg: "RS512" };
    assert.ok(
      scene.plugin.configure(JSON.stringify(policyWithIssuer({ keys: { jwks: { keys: [strict] } } }))),
    );
    assertDenied(scene.present(token({}, rsa)), "algorithm_mismatch");
  });
});

describe("a flood of good tokens from one presenter", () => {
  const rule = policy({ issuers: { idp: issuer() } });
  const flood = (scene: Scene, count: number): void => {
    for (let i = 0; i < count; i++) assertAllowed(scene.present(token({ sub: THIEF, i }), { peer: thief }));
  };

  it("does not drive out the tokens of others", () => {
    const scene = new Scene(rule, { logLevel: "critical" });
    const tokens = Array.from({ length: 20 }, (_, i) => token({ i }));
    for (const compact of tokens) assertAllowed(scene.present(compact));
    flood(scene, 3_000);
    assert.equal(
      checksDuring(scene, () => {
        for (const compact of tokens) assertAllowed(scene.present(compact));
      }),
      0,
    );
    const evicted = events(scene)[2] ?? 0;
    assert.ok(evicted > 2_000, `his own made room: ${evicted}`);
  });

  it("leaves room for newcomers", () => {
    const scene = new Scene(rule, { logLevel: "critical" });
    flood(scene, 3_000);
    const tokens = Array.from({ length: 20 }, (_, i) => token({ i }));
    for (const compact of tokens) scene.present(compact);
    assert.equal(
      checksDuring(scene, () => {
        for (const compact of tokens) assertAllowed(scene.present(compact));
      }),
      0,
    );
  });

  it("may use the whole cache while nobody else needs it", () => {
    const scene = new Scene(rule, { logLevel: "critical" });
    const tokens = Array.from({ length: 400 }, (_, i) => token({ i }));
    for (const compact of tokens) scene.present(compact);
    const again = checksDuring(scene, () => {
      for (const compact of tokens) assertAllowed(scene.present(compact));
    });
    // Eight places for each hash: some hashes have more than eight tokens.
    assert.ok(again < 120, `${again} of 400 were checked again`);
  });
});

describe("bad signatures", () => {
  const forged = (i: number) => tokenOf({ alg: "ES256", kid: "k1", i }, CLAIMS, makeKeyOnce);
  const makeKeyOnce = makeKey("ES256", "k1");
  const peer: Peer = thief;

  it("are checked a thousand times for one presenter, then a hundred times a second", () => {
    const scene = new Scene(policy(), { logLevel: "critical" });
    for (let i = 0; i < 1_000; i++) assertDenied(scene.present(forged(i), { peer }), "signature_invalid");
    assert.equal(
      checksDuring(scene, () => {
        assertDenied(scene.present(forged(100), { peer }), "failures_exceeded");
      }),
      0,
    );
    assert.equal(scene.present(forged(101), { peer }).reply?.status, 503);
    scene.now += 1;
    for (let i = 0; i < 100; i++) assertDenied(scene.present(forged(i), { peer }), "signature_invalid");
    assertDenied(scene.present(forged(0), { peer }), "failures_exceeded");
  });

  it("cost what a check of their algorithm costs: sixteen of Ed25519", () => {
    const ed = makeKey("EdDSA", "k1");
    const other = makeKey("EdDSA", "k1");
    const scene = new Scene(policyWithIssuer({ keys: { jwks: { keys: [ed.jwk] } } }));
    for (let i = 0; i < 17; i++) assertDenied(scene.present(token({ i }, other)), "signature_invalid");
    assertDenied(scene.present(token({}, other)), "failures_exceeded");
  });

  it("on observed routes are nothing to those that are enforced", () => {
    const rules = [{ name: "trial", when: { pathPrefix: "/trial" }, mode: "observe" }, { name: "rest" }];
    const scene = new Scene(policy({ rules }), { logLevel: "critical" });
    for (let i = 0; i < 1_001; i++) scene.present(forged(i), { path: "/trial" });
    assertAllowed(scene.present(token()));
  });

  it("of one presenter are nothing to another, nor to his own tokens that were verified before", () => {
    const scene = new Scene();
    const own = token({ sub: THIEF });
    assertAllowed(scene.present(own, { peer }));
    for (let i = 0; i < 1_001; i++) scene.present(forged(i), { peer });
    assertDenied(scene.present(token({ sub: THIEF, i: 1 }), { peer }), "failures_exceeded");
    assertAllowed(scene.present(own, { peer }));
    assertAllowed(scene.present(token()));
  });
});
