// The live peer's certificate itself: one URI, and still good on a connection that was kept open.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import type { Peer } from "../../cli/host/index.ts";
import { Authority } from "../../envoy/identity/authority.ts";
import { policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import { NOW, TRUST_DOMAIN, WEB, web } from "./support/world.ts";

const LIFETIME = 600;
const authority = await Authority.create(TRUST_DOMAIN, { now: new Date(NOW * 1000), seconds: LIFETIME });
const examining = policy({ presenter: { validatedBy: "listener", examineCertificate: true } });

async function peerWith(...uris: readonly string[]): Promise<Peer> {
  const { certificate } = await authority.issue(...uris);
  const der = new X509Certificate(certificate);
  const certSha256 = der.fingerprint256.replaceAll(":", "").toLowerCase();
  // Envoy shows PEM with a line feed at its end.
  return { ...web, certPem: `${certificate.trim()}\n`, certSha256 };
}

const one = await peerWith(WEB);
const two = await peerWith(WEB, "spiffe://example.org/ns/shop/sa/thief");

describe("a certificate that is looked at", () => {
  it("names one URI", () => {
    const scene = new Scene(examining);
    assertAllowed(scene.present(token(), { peer: one }));
    assertDenied(scene.present(token(), { peer: two }), "certificate_ambiguous");
    assertAllowed(new Scene().present(token(), { peer: two }), "without the look Envoy shows the first only");
  });

  it("is good now, though the connection was made when it was", () => {
    const scene = new Scene(examining);
    const compact = token({ exp: NOW + 10_000 });
    assertAllowed(scene.present(compact, { peer: one }));
    const { validTo } = new X509Certificate(one.certPem ?? "");
    scene.now = Date.parse(validTo) / 1000;
    assertAllowed(scene.present(compact, { peer: one }));
    scene.now += 1;
    assertDenied(scene.present(compact, { peer: one }), "certificate_expired");
  });

  it("is read once", () => {
    const scene = new Scene(examining);
    const reads = () => scene.host.calls.count("proxy_get_property");
    scene.present(token(), { peer: one });
    const before = reads();
    scene.present(token(), { peer: one });
    assert.equal(reads() - before, 3, "an earlier verdict, the SAN and the digest");
  });

  it("is the one whose digest Envoy shows, and can be read", () => {
    const scene = new Scene(examining);
    const { certPem = "", certSha256 = "" } = one;
    for (const [peer, reason] of [
      [{ ...one, certSha256: two.certSha256 ?? "" }, "certificate_unreadable"],
      [{ ...one, certPem: certPem.replace("MII", "MIJ") }, "certificate_unreadable"],
      [{ ...one, certPem: certPem.slice(0, 200) }, "certificate_unreadable"],
      [{ ...web, certSha256 }, "certificate_hidden"],
    ] as const)
      assertDenied(scene.present(token(), { peer }), reason);
    assertAllowed(scene.present(token(), { peer: one }));
  });

  it("is not shown by an older Envoy, where the policy is refused", () => {
    assert.throws(() => new Scene(examining, { envoy: "1.37" }), /expected Envoy 1.40 or later/);
  });

  it("is asked for, and a connection that does not show one is denied", () => {
    assertDenied(new Scene(examining).present(token(), { peer: web }), "certificate_hidden");
  });

  it("is asked for with true or false, and not at a waypoint", () => {
    const load = (presenter: object) => new Scene(policy({ presenter }));
    assert.throws(() => load({ examineCertificate: "yes" }), /refused at "\/presenter\/examineCertificate"/);
    assert.throws(
      () => load({ from: "waypoint", examineCertificate: true }),
      /only "peer" sees a certificate/,
    );
    assert.doesNotThrow(() => load({ examineCertificate: false }));
  });
});
