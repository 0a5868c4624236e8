// Certificates that others made, and Node's reading of them.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { rootCertificates } from "node:tls";
import { Authority } from "../../envoy/identity/authority.ts";
import { probes } from "./support/probe.ts";

const NOW = new Date("2026-01-01T00:01:00Z");
const WEB = "spiffe://example.org/ns/shop/sa/web";
const THIEF = "spiffe://example.org/ns/shop/sa/thief";

const authority = await Authority.create("example.org", { now: NOW, seconds: 3_600 });
const { certificate: svid } = await authority.issue(WEB);

/** Ends in 2046, as a GeneralizedTime: RFC 5280, section 4.1.2.5, has years before 2050 in the other form. */
const CERTUM_CA_2 =
  "B6:76:F2:ED:DA:E8:77:5C:D3:6C:B0:F6:3C:D1:D4:60:39:61:F4:9E:62:65:BA:01:3A:2F:03:07:B6:D0:B8:04";

const secondsOf = (date: string): number => Date.parse(date) / 1000;
const digestOf = ({ fingerprint256 }: X509Certificate) =>
  Buffer.from(fingerprint256.replaceAll(":", ""), "hex");

function pemOf(der: Uint8Array): Buffer {
  const lines = Buffer.from(der)
    .toString("base64")
    .replace(/.{1,64}/g, "$&\n");
  return Buffer.from(`-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`);
}

/** What Node makes of DER, or undefined. */
function readByNode(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

for (const probe of probes) {
  describe(`certificates, by functions built as ${probe.name}`, () => {
    it("have the dates and the digest that Node reads, for every root that Node trusts", () => {
      assert.ok(rootCertificates.length > 100, `${rootCertificates.length} certificates`);
      for (const root of rootCertificates) {
        const expected = new X509Certificate(root);
        const read = probe.certificate(pemOf(expected.raw));
        if (read === undefined && expected.fingerprint256 === CERTUM_CA_2) continue;
        assert.ok(read, expected.subject);
        assert.equal(read.notBefore, secondsOf(expected.validFrom), expected.subject);
        assert.equal(read.notAfter, secondsOf(expected.validTo), expected.subject);
        assert.equal(read.uriNames, 0, expected.subject);
        assert.deepEqual(read.digest, digestOf(expected), expected.subject);
      }
    });

    it("name the URIs that they were issued for", async () => {
      for (const uris of [[], [WEB], [WEB, THIEF], [THIEF, WEB, WEB]]) {
        const { certificate, thumbprint } = await authority.issue(...uris);
        const read = probe.certificate(pemOf(new X509Certificate(certificate).raw));
        assert.equal(read?.uriNames, uris.length);
        assert.equal(read.firstUri, uris[0]);
        assert.equal(read.notBefore, NOW.getTime() / 1000 - 60);
        assert.equal(read.notAfter, NOW.getTime() / 1000 + 3_600);
        assert.equal(read.digest.toString("base64url"), thumbprint);
      }
    });

    it("with any bit changed are refused, or have the dates that Node reads", () => {
      const der = new X509Certificate(svid).raw;
      let both = 0;
      for (let bit = 0; bit < der.length * 8; bit++) {
        const changed = Buffer.from(der);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const read = probe.certificate(pemOf(changed));
        const expected = readByNode(changed);
        if (read === undefined || expected === undefined) continue;
        both++;
        assert.deepEqual(read.digest, digestOf(expected), `bit ${bit}`);
        assert.equal(read.notBefore, secondsOf(expected.validFrom), `bit ${bit}`);
        assert.equal(read.notAfter, secondsOf(expected.validTo), `bit ${bit}`);
      }
      // In the signature and in the key, for example.
      assert.ok(both > 1000, `${both} were read by both`);
    });

    it("that are cut anywhere, as DER or as PEM, are refused", () => {
      const der = new X509Certificate(svid).raw;
      const pem = pemOf(der);
      assert.ok(probe.certificate(pem));
      for (let length = 0; length < der.length; length++) {
        assert.equal(probe.certificate(pemOf(der.subarray(0, length))), undefined, `${length} bytes`);
      }
      // Only the last line feed may be missing.
      for (let length = 0; length < pem.length - 1; length++) {
        assert.equal(probe.certificate(pem.subarray(0, length)), undefined, `${length} characters`);
      }
    });
  });
}
