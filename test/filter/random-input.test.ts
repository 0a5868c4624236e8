import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { asHeader, assertNeverAllowed } from "./support/hostile.ts";
import { PAYLOAD_HEADER, forwarded, verifiedExactly } from "./support/jwt-authn.ts";
import { policy, policyWithIssuer } from "./support/policies.ts";
import { Scene, assertAllowed, reasonOf, verdictOf } from "./support/scene.ts";
import { token, tokenOf } from "./support/tokens.ts";
import { AUDIENCE, ISSUER, NOW, WEB, WEB_THUMBPRINT } from "./support/world.ts";

const scene = new Scene();

describe("a request", () => {
  it("with random authorization values are never allowed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isBearer) => {
        const value = (isBearer ? "Bearer " : "") + asHeader(bytes);
        assertNeverAllowed(scene.ask({ headers: [["authorization", value]] }), JSON.stringify(value));
      }),
      { seed: 2, numRuns: 2000 },
    );
  });

  it("with random paths and SPIFFE IDs never trap and never pass for web", () => {
    const guarded = new Scene(policy({ rules: [{ name: "orders", when: { pathPrefix: "/orders" } }] }));
    const good = token();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 60 }), (path, id) => {
        const uriSan = `spiffe://${asHeader(id)}`;
        const stream = guarded.present(good, { path: `/${asHeader(path)}`, peer: { mtls: true, uriSan } });
        assertNeverAllowed(stream, JSON.stringify([asHeader(path), uriSan, reasonOf(stream)]));
      }),
      { seed: 3, numRuns: 2000 },
    );
  });

  it("with random claims around a good signature never trap", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("exp", "nbf", "iat", "aud", "sub", "cnf", "x"), fc.jsonValue()),
        (claims) => {
          const stream = scene.present(token(claims));
          assert.notEqual(stream.outcome, "trapped");
          assert.equal(stream.outcome === "continue", verdictOf(stream) === "allow");
        },
      ),
      { seed: 4, numRuns: 1000 },
    );
  });

  it("with random claims that jwt_authn left in metadata is never judged more mildly than by the token itself", () => {
    const byToken = new Scene(policyWithIssuer({ keys: { jwt_authn: { payloadHeader: PAYLOAD_HEADER } } }));
    const byMetadata = new Scene(policyWithIssuer({ keys: "jwt_authn" }));
    const text = fc.constantFrom("", "x", AUDIENCE, WEB, WEB_THUMBPRINT, "x5t#S256", "12345678");
    const date = fc.constantFrom(0, -1, NOW - 61, NOW, NOW + 0.5, NOW + 61, 1e15, 2 ** 53);
    const plain = fc.oneof(text, date, fc.boolean(), fc.constant(null));
    const cnf = fc.dictionary(fc.constantFrom("x5t#S256", "jkt", ""), fc.oneof(plain, fc.array(plain)));
    // Metadata have lost their types: beside the audience that is wanted, `aud` may hold a number, or be an object with
    // numbers for names, and nobody can tell. So neither is among these.
    const mostly = (good: unknown, other: fc.Arbitrary<unknown>) =>
      fc.oneof({ weight: 3, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: other });
    const claims = fc.record(
      {
        aud: mostly(AUDIENCE, fc.oneof(plain, fc.array(fc.oneof(text, fc.constant(null)), { maxLength: 3 }))),
        exp: mostly(NOW + 60, plain),
        nbf: mostly(NOW, plain),
        iat: mostly(NOW, plain),
        sub: mostly(WEB, fc.oneof(plain, fc.array(plain))),
        cnf: mostly({ "x5t#S256": WEB_THUMBPRINT }, fc.oneof(plain, fc.array(plain), cnf)),
      },
      { requiredKeys: [] },
    );
    let allowed = 0;
    fc.assert(
      fc.property(claims, (random) => {
        const all = { iss: ISSUER, aud: AUDIENCE, exp: NOW + 60, ...random };
        const compact = tokenOf({ alg: "ES256", kid: "k1" }, all);
        const metadata = verifiedExactly(all);
        const left = verdictOf(byMetadata.ask({ metadata }));
        const whole = verdictOf(byToken.ask({ headers: forwarded(compact), metadata }));
        if (left === "allow") assert.equal(whole, "allow", JSON.stringify(all));
        if (left === "allow") allowed++;
      }),
      { seed: 7, numRuns: 4000 },
    );
    assert.ok(allowed > 1000, `only ${allowed} were allowed at all`);
  });

  it("trapped nothing", () => {
    assert.equal(scene.host.vmFailures, 0);
    assertAllowed(scene.present(token()));
  });
});
