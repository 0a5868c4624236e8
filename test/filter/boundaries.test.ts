// Boundaries: who may hold an issuer's tokens at all, whatever binding holds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { issuer, policy, policyWithIssuer } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import { THIEF, WEB, thief } from "./support/world.ts";

describe("an issuer's presenters", () => {
  const scene = new Scene(policyWithIssuer({ presenters: ["spiffe://example.org/ns/shop/sa/web"] }));

  it("may present its tokens, and nobody else may, though the token is his", () => {
    assertAllowed(scene.present(token()));
    const his = scene.present(token({ sub: THIEF }), { peer: thief });
    assertDenied(his, "presenter_not_admitted");
    assert.equal(his.reply?.status, 403);
  });

  it("are told before the signature is checked", () => {
    scene.host.calls.resetCounts();
    assertDenied(scene.present(token({ jti: "new" }), { peer: thief }), "presenter_not_admitted");
    assert.equal(scene.host.calls.count("proxy_call_foreign_function"), 0);
  });

  it("are each issuer's own", () => {
    const partner = issuer({ issuer: "https://partner.example", presenters: [THIEF] });
    const both = new Scene(policy({ issuers: { idp: issuer({ presenters: [WEB] }), partner } }));
    assertAllowed(both.present(token()));
    assertDenied(both.present(token({ iss: "https://partner.example" })), "presenter_not_admitted");
    assertAllowed(both.present(token({ iss: "https://partner.example", sub: THIEF }), { peer: thief }));
  });
});
