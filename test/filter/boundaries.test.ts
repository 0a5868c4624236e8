// Boundaries: who may hold an issuer's tokens at all, and which services accept them, whatever binding holds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { issuer, policy, policyWithIssuer } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import { THIEF, WEB, thief, web } from "./support/world.ts";

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

describe("the services that accept an issuer's tokens", () => {
  const ORDERS = "spiffe://example.org/ns/shop/sa/orders";
  const accepting = policyWithIssuer({ acceptedBy: ["spiffe://example.org/ns/shop/sa/*"] });
  const scene = new Scene(accepting);
  const at = (localUriSan: string | undefined, compact = token(), peer = web) =>
    scene.present(compact, { peer: localUriSan === undefined ? peer : { ...peer, localUriSan } });

  it("are told by the certificate that this service shows", () => {
    assertAllowed(at(ORDERS));
    const elsewhere = at("spiffe://example.org/ns/billing/sa/invoices");
    assertDenied(elsewhere, "service_not_admitted");
    assert.equal(elsewhere.reply?.status, 403);
  });

  it("are none where this service shows no name, or one that is no whole match", () => {
    for (const local of [
      undefined,
      "",
      "example.org/ns/shop/sa/orders",
      "spiffe://example.org/ns/shop/sa/orders/x",
      "spiffe://example.com/ns/shop/sa/orders",
      "SPIFFE://example.org/ns/shop/sa/orders",
    ])
      assertDenied(at(local), "service_not_admitted", local);
  });

  it("are none where what it shows is no SPIFFE ID, though a pattern fits", () => {
    for (const local of ["spiffe://example.org/ns/shop/sa/", "spiffe://example.org/ns/shop/sa/a b"])
      assertDenied(at(local), "service_not_admitted", local);
  });

  it("accept a token from whom it was issued to, and from no thief", () => {
    assertDenied(at(ORDERS, token(), thief), "spiffe_mismatch");
  });

  it("are not for a client to say", () => {
    const headers: [string, string][] = [
      ["x-forwarded-client-cert", `By=${ORDERS};URI=${WEB}`],
      ["host", "orders.example.org"],
    ];
    assertDenied(
      scene.present(token(), { headers, authority: "orders.example.org" }),
      "service_not_admitted",
    );
  });

  it("are unknown when Envoy cannot say, which is nobody's fault: 503", () => {
    const reads = 3; // an earlier verdict, the peer's SAN, and then ours
    scene.host.calls.inject("proxy_get_property", { status: 10 }, reads);
    const stream = at(ORDERS);
    scene.host.calls.clearFaults();
    assertDenied(stream, "host_unavailable");
  });

  it("are told before the signature is checked", () => {
    scene.host.calls.resetCounts();
    assertDenied(at("spiffe://example.org/ns/billing/sa/x", token({ jti: "new" })), "service_not_admitted");
    assert.equal(scene.host.calls.count("proxy_call_foreign_function"), 0);
  });

  it("are each issuer's own", () => {
    const partner = issuer({ issuer: "https://partner.example" });
    const idp = issuer({ acceptedBy: [ORDERS] });
    const both = new Scene(policy({ issuers: { idp, partner } }));
    assertDenied(both.present(token()), "service_not_admitted");
    assertAllowed(both.present(token({ iss: "https://partner.example" })));
  });
});
