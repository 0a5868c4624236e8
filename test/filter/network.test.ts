// The `network` binding: where a connection comes from, and how.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Json } from "./support/json.ts";
import { policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import { THIEF, thief, web } from "./support/world.ts";

function bound(network: Json): Scene {
  return new Scene(policy({ rules: [{ name: "all", bind: [{ network }] }] }));
}

describe("sources", () => {
  const scene = bound({ sources: ["10.1.0.0/16", "192.0.2.7", "2001:db8::/32"] });
  const from = (address: string) => scene.present(token(), { peer: { ...web, address } });

  it("are ranges of either family", () => {
    for (const address of ["10.1.2.3:80", "192.0.2.7:1", "[2001:db8::1]:443", "[::ffff:10.1.0.1]:9"])
      assertAllowed(from(address), address);
    for (const address of ["10.2.0.1:80", "192.0.2.8:1", "[2001:db9::1]:443", "[::1]:1"])
      assertDenied(from(address), "source_not_admitted", address);
  });

  it("say nothing about whose token it is: the default binding holds as well", () => {
    const peer = { ...thief, address: "10.1.2.3:80" };
    assertDenied(scene.present(token(), { peer }), "spiffe_mismatch");
    assertAllowed(scene.present(token({ sub: THIEF }), { peer }));
  });

  it("are not taken from what a client may have written", () => {
    // Envoy takes an address from x-forwarded-for with port 0.
    const peer = { ...web, address: "10.1.2.3:0" };
    assertDenied(scene.present(token(), { peer }), "source_unknown");
    const sure = new Scene(
      policy({
        presenter: { validatedBy: "listener", trustForwardedFor: true },
        rules: [{ name: "all", bind: [{ network: { sources: ["10.1.0.0/16"] } }] }],
      }),
    );
    assertAllowed(sure.present(token(), { peer }));
  });

  it("deny what is no address", () => {
    for (const address of ["", "/run/x.sock", "10.1.2.3", "10.1.2.3:", "2001:db8::1:443", "10.01.2.3:80"])
      assertDenied(from(address), "connection_malformed", address);
  });

  for (const range of ["10.0.0.1/8", "10.0.0.0/33", "10.0.0/8", "::/129", "example.org", ""]) {
    it(`are refused with ${JSON.stringify(range)}`, () => {
      assert.throws(() => bound({ sources: [range] }), /network\/sources\/0": expected a range/);
    });
  }
});

describe("the token's own address", () => {
  const scene = bound({ addressClaim: "ip" });
  const from = (claims: Json, address = "192.0.2.7:40000") =>
    scene.present(token(claims), { peer: { ...web, address } });

  it("is the one that the connection comes from", () => {
    assertAllowed(from({ ip: "192.0.2.7" }));
    assertAllowed(from({ ip: "2001:DB8:0::1" }, "[2001:db8::1]:1"));
    assertDenied(from({ ip: "192.0.2.8" }), "source_mismatch");
    assertDenied(from({}), "source_claim_absent");
    for (const ip of [7, "", "192.0.2.7:1", "192.0.2.0/24", null])
      assertDenied(from({ ip }), "source_claim_malformed");
  });
});

describe("TLS facts", () => {
  it("are a server name that the client asked for", () => {
    const scene = bound({ serverNames: ["orders.example.org"] });
    assertAllowed(scene.present(token(), { peer: { ...web, sni: "orders.example.org" } }));
    for (const sni of ["", "Orders.example.org", "x.orders.example.org"])
      assertDenied(scene.present(token(), { peer: { ...web, sni } }), "server_name_mismatch", sni);
  });

  it("are a version that is new enough", () => {
    const scene = bound({ minTlsVersion: "TLSv1.3" });
    assertAllowed(scene.present(token(), { peer: { ...web, tlsVersion: "TLSv1.3" } }));
    for (const tlsVersion of ["TLSv1.2", "TLSv1", "SSLv3", "TLSv1.4"])
      assertDenied(
        scene.present(token(), { peer: { ...web, tlsVersion } }),
        "tls_version_too_low",
        tlsVersion,
      );
    assertAllowed(
      bound({ minTlsVersion: "TLSv1.2" }).present(token(), { peer: { ...web, tlsVersion: "TLSv1.2" } }),
    );
  });

  for (const members of [
    {},
    { minTlsVersion: "none" },
    { minTlsVersion: "TLSv1.1" },
    { localPorts: [0] },
    { localPorts: ["1"] },
    { sources: [] },
    { ports: [1] },
  ]) {
    it(`are refused as ${JSON.stringify(members)}`, () => {
      assert.throws(() => bound(members), /refused at "\/rules\/0\/bind\/0\/network/);
    });
  }
});

describe("the local port", () => {
  it("is one that the binding lists", () => {
    const scene = bound({ localPorts: [8443, 15006] });
    const to = (localAddress: string) => scene.present(token(), { peer: { ...web, localAddress } });
    assertAllowed(to("10.0.0.1:8443"));
    assertAllowed(to("[::1]:15006"));
    assertDenied(to("10.0.0.1:8444"), "local_port_mismatch");
    assertDenied(to("/run/envoy.sock"), "connection_malformed");
  });
});

describe("what the binding looks at", () => {
  it("is read, and nothing else", () => {
    const reads = (network: Json) => {
      const scene = bound(network);
      scene.present(token());
      scene.host.calls.resetCounts();
      scene.present(token());
      return scene.host.calls.count("proxy_get_property");
    };
    assert.equal(reads({ sources: ["127.0.0.0/8"] }), 3, "an earlier verdict, the SAN and the address");
    assert.equal(reads({ serverNames: ["x"], minTlsVersion: "TLSv1.2" }), 4);
  });
});
