import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Peer } from "../../cli/host/index.ts";
import { policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { without } from "./support/json.ts";
import { token } from "./support/tokens.ts";
import { WEB, plaintext, web } from "./support/world.ts";

const good = token();
const unnamed = without(web, "uriSan");

describe("the live peer", () => {
  const scene = new Scene();
  const from = (peer: Peer, compact = good) => scene.present(compact, { peer });

  it("shows a certificate with a SPIFFE ID", () => {
    assertAllowed(from(web));
    assertDenied(from(plaintext), "peer_absent");
    assertDenied(from({ tlsVersion: "TLSv1.3" }), "peer_absent");
    assertDenied(from(unnamed), "spiffe_id_absent");
    assertDenied(from({ ...web, uriSan: "" }), "spiffe_id_absent");
  });

  it("is read on each connection anew", () => {
    assertAllowed(from(web));
    assertDenied(from(plaintext), "peer_absent");
    assertDenied(from(unnamed), "spiffe_id_absent");
    assertAllowed(from(web));
  });

  it("is taken from the connection alone, whatever headers say", () => {
    const headers = [
      ["x-forwarded-client-cert", `By=spiffe://example.org/x;URI=${WEB}`],
      ["x-spiffe-id", WEB],
    ] as const;
    assertDenied(scene.present(good, { headers, peer: plaintext }), "peer_absent");
  });

  it("is judged before the signature, which costs more than all the rest", () => {
    scene.host.calls.resetCounts();
    for (const peer of [plaintext, unnamed, { ...web, uriSan: "spiffe://elsewhere.org/web" }]) from(peer);
    assert.equal(scene.host.calls.counts().get("proxy_call_foreign_function"), undefined);
    assertAllowed(scene.present(token({ jti: "not seen before" })));
    assert.equal(scene.host.calls.counts().get("proxy_call_foreign_function"), 1);
  });

  it("has an ID by the strict grammar", () => {
    for (const uriSan of [
      "https://example.org/ns/shop/sa/web",
      "SPIFFE://example.org/ns/shop/sa/web",
      "spiffe:example.org",
      "spiffe://",
      "spiffe:///web",
      "spiffe://Example.org/web",
      "spiffe://example.org:443/web",
      "spiffe://user@example.org/web",
      "spiffe://example.org/",
      "spiffe://example.org/web/",
      "spiffe://example.org//web",
      "spiffe://example.org/./web",
      "spiffe://example.org/../web",
      "spiffe://example.org/web?x",
      "spiffe://example.org/web#x",
      "spiffe://example.org/%77eb",
      "spiffe://example.org/w\u00e9b",
      "spiffe://example.org/web\0",
      "spiffe://example.org/web\n",
      " spiffe://example.org/web",
      `${WEB},spiffe://example.org/other`,
    ])
      assertDenied(
        from({ ...web, uriSan }, token({ sub: uriSan })),
        "spiffe_id_malformed",
        JSON.stringify(uriSan),
      );
  });

  it("has an ID of 2,048 bytes and a trust domain of 255 at most", () => {
    const open = new Scene(without(policy(), "trustDomain"));
    const idOf = (size: number) =>
      `spiffe://example.org/${"a".repeat(size - "spiffe://example.org/".length)}`;
    const domainOf = (size: number) => `spiffe://${"a".repeat(size)}/web`;
    for (const uriSan of [idOf(2048), domainOf(255)])
      assertAllowed(open.present(token({ sub: uriSan }), { peer: { ...web, uriSan } }));
    for (const uriSan of [idOf(2049), domainOf(256)])
      assertDenied(open.present(token({ sub: uriSan }), { peer: { ...web, uriSan } }), "spiffe_id_malformed");
  });

  // https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md#52-leaf-validation
  it("is a workload, whose ID has a path: a trust domain alone presents no token", () => {
    const uriSan = "spiffe://example.org";
    assertDenied(from({ ...web, uriSan }, token({ sub: uriSan })), "spiffe_id_malformed");
  });

  it("is not called absent while Envoy cannot say whether there is one", () => {
    for (const fault of [{ status: 10 }, { result: "oversized" }] as const) {
      // The second property that is read: whether there is a certificate, once its URI SAN was found absent.
      scene.host.calls.inject("proxy_get_property", fault, 2);
      assertDenied(from(unnamed), "host_unavailable");
    }
    assertDenied(from(unnamed), "spiffe_id_absent");
  });

  it("belongs to the trust domain, byte for byte", () => {
    for (const domain of [
      "example.com",
      "example.orgx",
      "xexample.org",
      "example",
      "sub.example.org",
      "example.org.evil",
    ]) {
      const uriSan = `spiffe://${domain}/ns/shop/sa/web`;
      assertDenied(from({ ...web, uriSan }, token({ sub: uriSan })), "trust_domain_foreign", domain);
    }
  });
});

describe("who validated the certificate", () => {
  for (const presenter of [undefined, {}, { from: "peer" }, { validatedBy: "envoy" }]) {
    const rules = { ...policy(), presenter };

    it(`is Envoy, on this connection: ${JSON.stringify(presenter)}`, () => {
      const scene = new Scene(rules);
      assertAllowed(scene.present(good));
      assertDenied(scene.present(good, { peer: { ...web, validated: false } }), "peer_not_validated");
    });

    it(`is nobody where Envoy cannot say, as before 1.40: ${JSON.stringify(presenter)}`, () => {
      assertDenied(new Scene(rules, { envoy: "1.37" }).present(good), "peer_not_validated");
    });
  }

  it("is one byte that says 1", () => {
    const scene = new Scene(policy({ presenter: { validatedBy: "envoy" } }));
    for (const bytes of [[], [0], [2], [255], [1, 0], [0, 1], [1, 1], [49]]) {
      const properties = { "connection.peer_certificate_valid": Uint8Array.from(bytes) };
      assertDenied(scene.present(good, { properties }), "peer_not_validated", String(bytes));
    }
  });

  it("is the listener where the operator says so, on every Envoy and on resumed sessions", () => {
    const peer = { ...web, validated: false };
    for (const envoy of ["1.37", "1.40"] as const)
      assertAllowed(new Scene(policy(), { envoy }).present(good, { peer }));
  });
});
