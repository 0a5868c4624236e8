// Whoever is not of our trust domain has other addresses and names than anybody can count: what he spends is nobody's of ours.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Peer } from "../../cli/host/index.ts";
import { issuer, policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied, reasonOf } from "./support/scene.ts";
import { boundTo, certified, rotating } from "./support/rotation.ts";
import { token, tokenSignedBy } from "./support/tokens.ts";
import { WEB, WEB_THUMBPRINT, web } from "./support/world.ts";

const open = policy({
  federatedTrustDomains: ["partner.example"],
  issuers: { idp: issuer({ borders: { federated: {}, outside: {} } }) },
});

const outsiderAt = (address: string): Peer => ({
  mtls: true,
  validated: true,
  certSha256: web.certSha256 ?? "",
  address,
});
const partner = (name: number): Peer => ({ ...web, uriSan: `spiffe://partner.example/sa/${name}` });
const bad = () => tokenSignedBy(Buffer.alloc(64, 1 + Math.floor(Math.random() * 200)));

/** Spends what bad signatures of one sender may cost at once. */
function exhaust(scene: Scene, peer: Peer): void {
  for (let i = 0; i < 1_001; i++) scene.present(bad(), { peer });
}

describe("an outsider", () => {
  const boundToken = token({ cnf: { "x5t#S256": WEB_THUMBPRINT } });

  it("is told from others by the address that Envoy sees", () => {
    const scene = new Scene(open, { logLevel: "error" });
    exhaust(scene, outsiderAt("192.0.2.1:1000"));
    assertDenied(scene.present(boundToken, { peer: outsiderAt("192.0.2.1:2000") }), "failures_exceeded");
    assertAllowed(scene.present(boundToken, { peer: outsiderAt("192.0.2.2:1000") }));
  });

  it("is not by one that he writes himself: with port 0 it is from x-forwarded-for", () => {
    const scene = new Scene(open, { logLevel: "error" });
    for (let i = 0; i < 1_100; i++) scene.present(bad(), { peer: outsiderAt(`192.0.2.${i % 250}:0`) });
    assertDenied(scene.present(boundToken, { peer: outsiderAt("198.51.100.1:0") }), "failures_exceeded");
    assertAllowed(scene.present(boundToken, { peer: outsiderAt("198.51.100.1:1000") }));
  });
});

describe("a federated workload", () => {
  it("spends nothing of ours, however many names its authority gives it", () => {
    const scene = new Scene(open, { logLevel: "error" });
    for (let name = 0; name < 40; name++) exhaust(scene, partner(name));
    const ours = Array.from({ length: 300 }, (_, i) => `spiffe://example.org/ns/shop/sa/w${i}`);
    for (const id of ours) {
      const stream = scene.present(token({ sub: id }), { peer: { ...web, uriSan: id } });
      assertAllowed(stream, `${id}: ${String(reasonOf(stream))}`);
    }
  });

  it("is held to the border's certificate, though the rule lets one rotate", () => {
    const borders = { federated: { bind: [{ certificate: {} }] } };
    const scene = new Scene({
      ...open,
      issuers: { idp: issuer({ borders }) },
      rules: [{ name: "all", bind: [rotating()] }],
    });
    const id = "spiffe://partner.example/sa/web";
    const compact = boundTo("old", { sub: id });
    assertAllowed(scene.present(compact, { peer: certified("old", id) }));
    assertDenied(scene.present(compact, { peer: certified("new", id) }), "certificate_mismatch");
    const own = boundTo("old", { sub: WEB });
    assertAllowed(scene.present(own, { peer: certified("old") }));
    assertAllowed(scene.present(own, { peer: certified("new") }));
  });
});

describe("a rule", () => {
  it("is never chosen by a header that payloads go on in", () => {
    const rules = [
      { name: "claimed", when: { headers: ["x-claims"] }, token: "none" },
      { name: "rest", forward: { payloadHeader: "x-claims" } },
    ];
    const scene = new Scene();
    assert.equal(scene.plugin.configure(JSON.stringify(policy({ rules }))), false);
    assert.match(scene.lastLine(), /refused at "\/rules": expected no "headers" in a "when" that/);
  });
});
