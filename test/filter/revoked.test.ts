// What was taken back before its time.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { LegacyScene, legacyPolicy } from "./support/first-use.ts";
import { verified } from "./support/jwt-authn.ts";
import type { Json } from "./support/json.ts";
import { policy, policyWithIssuer } from "./support/policies.ts";
import { PolicyDesk } from "./support/refusal.ts";
import { Scene, assertAllowed, assertDenied, bearer } from "./support/scene.ts";
import { key, token } from "./support/tokens.ts";
import { twinOf } from "./support/twin-signature.ts";
import { NOW, THIEF, WEB, WEB_THUMBPRINT, thief, web } from "./support/world.ts";

const digest = (text: string) => createHash("sha256").update(text).digest("base64url");
const revoking = (revoked: Json) => new Scene(policy({ revoked }));
const compact = token({ jti: "t-1" });

describe("a token that was taken back", () => {
  const ways: readonly (readonly [string, Json])[] = [
    ["by its ID", { ids: ["t-0", "t-1"] }],
    ["by its subject", { subjects: [WEB] }],
    ["by the key that has signed it", { keys: [key.jwk["kid"]] }],
    ["by itself", { tokens: [digest(compact.split(".")[1] ?? "")] }],
    ["with all from before", { issuedBefore: { idp: NOW + 1 } }],
  ];
  for (const [way, revoked] of ways) {
    it(`is token_revoked ${way}, each time`, () => {
      const scene = revoking(revoked);
      for (let i = 0; i < 3; i++) assertDenied(scene.present(compact), "token_revoked");
    });
  }

  it("is the same one with the other of its two signatures", () => {
    const twin = twinOf(compact);
    assert.notEqual(twin, compact);
    assertAllowed(new Scene().present(twin));
    const scene = revoking({ tokens: [digest(compact.split(".")[1] ?? "")] });
    for (const text of [compact, twin]) assertDenied(scene.present(text), "token_revoked");
  });

  it("is told by all of its text where it is opaque", () => {
    const scene = new LegacyScene(legacyPolicy({}, {}, { revoked: { tokens: [digest("tenant.taken")] } }));
    assertDenied(scene.use("tenant.taken"), "token_revoked");
    for (const text of ["tenant.good", "tenant", "tenant.taken2"]) assertAllowed(scene.use(text), text);
  });

  it("is no other one", () => {
    const scene = revoking({
      ids: ["t-10", "T-1", ""].filter((id) => id !== ""),
      subjects: [THIEF],
      keys: ["k10"],
      tokens: [digest(`${compact}x`)],
      issuedBefore: { idp: NOW },
    });
    for (let i = 0; i < 2; i++) assertAllowed(scene.present(compact));
    assertAllowed(scene.present(token({ jti: undefined })));
  });

  it("is one that does not say when it was issued, where that counts", () => {
    const scene = revoking({ issuedBefore: { idp: NOW - 10_000 } });
    assertAllowed(scene.present(compact));
    assertDenied(scene.present(token({ iat: undefined })), "token_revoked");
  });

  it("is found by what jwt_authn has verified, too", () => {
    const scene = new Scene({ ...policyWithIssuer({ keys: "jwt_authn" }), revoked: { ids: ["t-1"] } });
    assertAllowed(scene.ask({ metadata: verified({ jti: "t-2" }) }));
    assertDenied(scene.ask({ metadata: verified({ jti: "t-1" }) }), "token_revoked");
    const bySubject = new Scene({
      ...policyWithIssuer({ keys: "jwt_authn" }),
      revoked: { subjects: ["alice"] },
      rules: [{ name: "all", bind: [{ spiffe: { patterns: [WEB] } }] }],
    });
    assertDenied(bySubject.ask({ metadata: verified({ sub: "alice" }) }), "token_revoked");
  });

  it("closes what goes on, as soon as the policy says so", () => {
    const rules = [{ name: "all", revalidate: { every: "1h" } }];
    const scene = new Scene(policy({ rules }));
    const stream = scene.plugin.request({ peer: web, headers: [bearer(compact)] });
    const other = scene.plugin.request({ peer: web, headers: [bearer(token({ jti: "t-2" }))] });
    assert.ok(scene.plugin.configure(JSON.stringify(policy({ rules, revoked: { ids: ["t-1"] } }))));
    scene.vm.tick();
    assert.equal(stream.reply?.details, "holdfast_closed{token_revoked}");
    assert.equal(other.reply, undefined);
  });
});

describe("a presenter that was taken back", () => {
  it("is presenter_revoked before its token's signature is checked, and nobody else is", () => {
    const scene = revoking({ presenters: [THIEF] });
    scene.host.calls.resetCounts();
    assertDenied(scene.present(token({ sub: THIEF }), { peer: thief }), "presenter_revoked");
    assert.equal(scene.host.calls.count("proxy_call_foreign_function"), 0);
    assertAllowed(scene.present(compact));
  });

  it("is certificate_revoked with this certificate, and good with another", () => {
    const scene = revoking({ certificates: [WEB_THUMBPRINT] });
    assertDenied(scene.present(compact), "certificate_revoked");
    const renewed = { ...web, certSha256: createHash("sha256").update("renewed").digest("hex") };
    assertAllowed(scene.present(compact, { peer: renewed }));
    assertDenied(scene.present(compact, { peer: { ...web, certSha256: "" } }), "certificate_digest_absent");
  });
});

describe("a policy that takes something back", () => {
  const desk = new PolicyDesk();
  const cases: readonly (readonly [string, Json, RegExp])[] = [
    ["/revoked/jti", { revoked: { jti: ["x"] } }, /a known member/],
    ["/revoked/ids", { revoked: { ids: "x" } }, /a list/],
    ["/revoked/ids/0", { revoked: { ids: [""] } }, /a string/],
    ["/revoked/presenters/0", { revoked: { presenters: ["spiffe://example.org"] } }, /SPIFFE ID/],
    ["/revoked/tokens/1", { revoked: { tokens: [digest("x"), "x"] } }, /SHA-256/],
    ["/revoked/certificates/0", { revoked: { certificates: [`${digest("x")}=`] } }, /SHA-256/],
    ["/revoked/issuedBefore/corp", { revoked: { issuedBefore: { corp: 1 } } }, /the name of an entry/],
    ["/revoked/issuedBefore/idp", { revoked: { issuedBefore: { idp: "now" } } }, /seconds since 1970/],
  ];
  for (const [pointer, members, expected] of cases) {
    it(`is refused at ${pointer}: ${String(expected)}`, () => {
      desk.assertRefused(policy(members), pointer, expected);
    });
  }

  it("takes back 10,000 at most, and finds each of them at once", () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => `id-${i}`);
    desk.assertRefused(policy({ revoked: { ids: [...ids, "one more"] } }), "/revoked", /at most 10,000/);
    const scene = revoking({ ids });
    for (const jti of ["id-0", "id-5000", "id-9999"])
      assertDenied(scene.present(token({ jti })), "token_revoked");
    assertAllowed(scene.present(token({ jti: "id-10000" })));
  });
});
