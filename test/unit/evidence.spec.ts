import { makeForever, takeForever } from "../../assembly/host/arena";
import {
  Span,
  ABSENT,
  EMPTY,
  FAILED,
  byteAt,
  lengthOf,
  setByte,
  slice,
  spanOf,
} from "../../assembly/host/span";
import { DerReader } from "../../assembly/crypto/der_reader";
import { Reason } from "../../assembly/decision/reason";
import { Certificate } from "../../assembly/evidence/certificate";
import { Presenter } from "../../assembly/evidence/presenter";
import { Xfcc } from "../../assembly/evidence/xfcc";
import { base64Length, encodeBase64 } from "../../assembly/text/base64";
import { decodePercent } from "../../assembly/text/percent";
import { decodeCertificatePem } from "../../assembly/text/pem";
import { fromHex, hex, text, utf8 } from "./support";

const WEB = "spiffe://example.org/ns/shop/sa/web";
const DIGEST_HEX = "0380ed2f626650c840b2f263e6d2b29fae12ab39ae5db32b25ad27efad72e6fd";

const presenter = Presenter.make();

describe("evidence of the presenter", () => {
  test("is present, absent or malformed", () => {
    presenter.clear();
    expect(presenter.setUriSan(ABSENT)).toBe(Reason.spiffe_id_absent);
    expect(presenter.setUriSan(EMPTY)).toBe(Reason.spiffe_id_absent);
    expect(presenter.setUriSan(FAILED)).toBe(Reason.host_unavailable);
    expect(presenter.setUriSan(utf8("https://example.org"))).toBe(Reason.spiffe_id_malformed);
    expect(presenter.setUriSan(utf8("spiffe://example.org"))).toBe(Reason.spiffe_id_malformed);
    expect(presenter.spiffeId).toBe(ABSENT);
    expect(presenter.trustDomain).toBe(ABSENT);
    expect(presenter.setUriSan(utf8(WEB))).toBe(Reason.ok);
    expect(text(presenter.trustDomain)).toBe("example.org");
    expect(presenter.setCertificateDigest(ABSENT)).toBe(Reason.certificate_digest_absent);
    expect(presenter.setCertificateDigest(FAILED)).toBe(Reason.host_unavailable);
    expect(presenter.setCertificateDigest(utf8(DIGEST_HEX.toUpperCase()))).toBe(
      Reason.certificate_digest_malformed,
    );
    expect(presenter.certificateDigest).toBe(ABSENT);
  });
});

const xfcc = Xfcc.make();

function reads(header: string): bool {
  return xfcc.parse(utf8(header));
}

function uriOf(index: i32): string {
  return text(xfcc.element(index).uri);
}

const GATEWAY = "spiffe://example.org/ns/istio-system/sa/gateway";
const THIEF = "spiffe://example.org/ns/shop/sa/thief";
/** As a gateway that appends writes it of whoever is connected. */
const APPENDED = "By=" + GATEWAY + ";Hash=" + DIGEST_HEX + ';Subject="O=thief";URI=' + THIEF;

describe("x-forwarded-client-cert", () => {
  test("is an element for each proxy, the nearest last", () => {
    expect(reads("URI=" + WEB + "," + APPENDED)).toBe(true);
    expect(xfcc.count).toBe(2);
    expect(uriOf(0)).toBe(WEB);
    expect(xfcc.element(0).by).toBe(ABSENT);
    expect(xfcc.element(0).hash).toBe(ABSENT);
    expect(text(xfcc.element(1).by)).toBe(GATEWAY);
    expect(text(xfcc.element(1).hash)).toBe(DIGEST_HEX);
    expect(uriOf(1)).toBe(THIEF);
  });

  test("has no elements where it is absent, and nothing is in an element that it does not have", () => {
    expect(reads(APPENDED)).toBe(true);
    expect(xfcc.element(-1).uri).toBe(ABSENT);
    expect(xfcc.element(1).uri).toBe(ABSENT);
    expect(xfcc.element(i32.MAX_VALUE).uri).toBe(ABSENT);
    expect(xfcc.parse(ABSENT)).toBe(true);
    expect(xfcc.count).toBe(0);
    expect(xfcc.element(0).uri).toBe(ABSENT);
  });

  test("forgets the header before, also when the next is malformed", () => {
    expect(reads(APPENDED)).toBe(true);
    expect(reads("DNS=web.example.org")).toBe(true);
    expect(xfcc.element(0).uri).toBe(ABSENT);
    expect(xfcc.element(0).hash).toBe(ABSENT);
    expect(reads(APPENDED + ",")).toBe(false);
    expect(xfcc.count).toBe(0);
    expect(xfcc.element(0).uri).toBe(ABSENT);
  });

  test("says of URIs and of the proxy's own whether there is none, one or several", () => {
    expect(reads("URI=")).toBe(true);
    expect(xfcc.element(0).uri).toBe(ABSENT);
    expect(reads("By=" + GATEWAY + ";By=" + GATEWAY + ";URI=" + WEB + ";URI=" + WEB)).toBe(true);
    expect(xfcc.element(0).by).toBe(FAILED);
    expect(xfcc.element(0).uri).toBe(FAILED);
    expect(reads("URI=;URI=" + WEB)).toBe(true);
    expect(xfcc.element(0).uri).toBe(FAILED);
    expect(reads("URI=a;URI=b;URI=c")).toBe(true);
    expect(xfcc.element(0).uri).toBe(FAILED);
  });

  test("takes a digest of 64 lowercase hex digits and no other", () => {
    expect(reads("Hash=" + DIGEST_HEX.toUpperCase())).toBe(true);
    expect(xfcc.element(0).hash).toBe(FAILED);
    expect(reads("Hash=" + DIGEST_HEX.slice(1))).toBe(true);
    expect(xfcc.element(0).hash).toBe(FAILED);
    expect(reads("Hash=" + DIGEST_HEX + "0")).toBe(true);
    expect(xfcc.element(0).hash).toBe(FAILED);
    expect(reads("Hash=g" + DIGEST_HEX.slice(1))).toBe(true);
    expect(xfcc.element(0).hash).toBe(FAILED);
    expect(reads("Hash=")).toBe(true);
    expect(xfcc.element(0).hash).toBe(FAILED);
  });

  test("knows the keys as Envoy writes them, each once but those of SANs", () => {
    expect(reads("Cert=a;Chain=b;Subject=c;DNS=d;DNS=d")).toBe(true);
    expect(reads("uri=" + WEB)).toBe(false);
    expect(reads("BY=" + WEB)).toBe(false);
    expect(reads("SAN=" + WEB)).toBe(false);
    expect(reads(" URI=" + WEB)).toBe(false);
    expect(reads("URI =" + WEB)).toBe(false);
    expect(reads("=" + WEB)).toBe(false);
    expect(reads("Hash=" + DIGEST_HEX + ";Hash=" + DIGEST_HEX)).toBe(false);
    expect(reads("Cert=a;Cert=a")).toBe(false);
    expect(reads("Chain=a;Chain=a")).toBe(false);
    expect(reads("Subject=a;Subject=a")).toBe(false);
  });

  test("has neither empty elements nor empty pairs", () => {
    expect(reads(",")).toBe(false);
    expect(reads(",URI=a")).toBe(false);
    expect(reads("URI=a,")).toBe(false);
    expect(reads("URI=a,,URI=b")).toBe(false);
    expect(reads(";URI=a")).toBe(false);
    expect(reads("URI=a;")).toBe(false);
    expect(reads("URI=a;;DNS=b")).toBe(false);
    expect(reads("URI=a;,DNS=b")).toBe(false);
    expect(reads("URI")).toBe(false);
  });

  test("quotes what has a separator in it", () => {
    expect(reads('URI="' + WEB + '";Subject="O=Acme, Inc.;a=b"')).toBe(true);
    expect(uriOf(0)).toBe(WEB);
    expect(reads('URI="";Subject=""')).toBe(true);
    expect(xfcc.element(0).uri).toBe(ABSENT);
    expect(reads("URI=urn:a=b")).toBe(false);
    expect(reads('URI="a"b')).toBe(false);
    expect(reads('URI="a" ,URI=b')).toBe(false);
    expect(reads('URI=a"b"')).toBe(false);
    expect(reads('URI="a')).toBe(false);
    expect(reads('URI="')).toBe(false);
    expect(reads('URI=a"')).toBe(false);
  });

  test("has a distinguished name's escapes in the subject, and none elsewhere", () => {
    expect(reads('Subject="O=\\"a\\\\";URI=' + WEB)).toBe(true);
    expect(uriOf(0)).toBe(WEB);
    expect(reads('Subject="CN=\\#a\\+\\,\\;\\<\\=\\>\\ ,O=caf\\C3\\A9"')).toBe(true);
    expect(reads('Subject="a\\"')).toBe(false);
    expect(reads('Subject="a\\n"')).toBe(false);
    expect(reads('Subject="a\\C"')).toBe(false);
    expect(reads('Subject="a\\Cg"')).toBe(false);
    expect(reads('Subject="a\\')).toBe(false);
    expect(reads("Subject=a\\,b")).toBe(false);
    expect(reads('URI="a\\"b"')).toBe(false);
    expect(reads("URI=a\\b")).toBe(false);
  });

  test("is of printable ASCII", () => {
    for (let byte = 0; byte < 256; byte++) {
      const header = utf8('Subject="?"');
      setByte(header, 9, byte);
      expect(xfcc.parse(header)).toBe(byte >= 0x20 && byte < 0x7f && byte != 0x22 && byte != 0x5c);
    }
    for (let byte = 0; byte < 256; byte++) {
      const header = utf8("URI=a?b");
      setByte(header, 5, byte);
      const isSpecial = byte == 0x22 || byte == 0x2c || byte == 0x3b || byte == 0x3d || byte == 0x5c;
      expect(xfcc.parse(header)).toBe(byte > 0x20 && byte < 0x7f && !isSpecial);
    }
  });

  test("has at most 16 elements and 16 KiB", () => {
    expect(reads("URI=a" + ",URI=a".repeat(15))).toBe(true);
    expect(xfcc.count).toBe(16);
    expect(reads("URI=a" + ",URI=a".repeat(16))).toBe(false);
    expect(xfcc.count).toBe(0);
    expect(reads("URI=" + "a".repeat(16 * 1024 - 4))).toBe(true);
    expect(reads("URI=" + "a".repeat(16 * 1024 - 3))).toBe(false);
  });

  test("cannot hide what Envoy appends to it behind a quote left open", () => {
    expect(reads("URI=" + WEB + "," + APPENDED)).toBe(true);
    expect(reads("URI=" + WEB + ',Subject="' + "," + APPENDED)).toBe(false);
    expect(reads("URI=" + WEB + ',Subject="a\\' + "," + APPENDED)).toBe(false);
    expect(reads("URI=" + WEB + ',Subject="' + "," + "URI=" + THIEF)).toBe(false);
    expect(reads("URI=" + WEB + ',Subject="' + "," + 'Subject="";URI=' + THIEF)).toBe(false);
  });

  test("does not pass off what Envoy copies from a certificate as one URI", () => {
    expect(reads("URI=;DNS=x;URI=" + WEB)).toBe(true);
    expect(xfcc.element(0).uri).toBe(FAILED);
    expect(reads("URI=" + THIEF + ";URI=" + WEB)).toBe(true);
    expect(xfcc.element(0).uri).toBe(FAILED);
  });
});

/** Ends on 2 January 2026, 03:04:05 UTC. */
const ONE_URI =
  "-----BEGIN CERTIFICATE-----\n" +
  "MIIBdTCCARygAwIBAgIBATAKBggqhkjOPQQDAjATMREwDwYDVQQKDAh3b3JrbG9h\n" +
  "ZDAeFw0yNjAxMDEwMDAwMDBaFw0yNjAxMDIwMzA0MDVaMBMxETAPBgNVBAoMCHdv\n" +
  "cmtsb2FkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAfWtvmycr1h448hNda4K\n" +
  "h8FU0akMPnPYGMoL0WAmYyTxk1kwa/WXWsSSiIU6UyKp8ta/H609vcb+Xzj9WNKs\n" +
  "ZKNhMF8wDgYDVR0PAQH/BAQDAgeAMC4GA1UdEQQnMCWGI3NwaWZmZTovL2V4YW1w\n" +
  "bGUub3JnL25zL3Nob3Avc2Evd2ViMB0GA1UdDgQWBBRG80tFl2PQokxfvd74lssB\n" +
  "Tb/2mDAKBggqhkjOPQQDAgNHADBEAiBrrVbZNl5CFovljjxYoDEDHcmkdOB38EP3\n" +
  "vR1qgn+UgAIgeK8zSPFzcVIdhEqUZLNlI+UyfHDwj5pGhWB9NS/LJSQ=\n" +
  "-----END CERTIFICATE-----\n";
const ONE_URI_DIGEST = "883d8c272e7ec74ffcab11b0939c660124e497a827d788e9f0e2817f2aebbe12";
/** And a DNS name before them. */
const TWO_URIS =
  "-----BEGIN CERTIFICATE-----\n" +
  "MIIBsDCCAVagAwIBAgIBATAKBggqhkjOPQQDAjATMREwDwYDVQQKDAh3b3JrbG9h\n" +
  "ZDAeFw0yNjAxMDEwMDAwMDBaFw0yNjAxMDIwMzA0MDVaMBMxETAPBgNVBAoMCHdv\n" +
  "cmtsb2FkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAfWtvmycr1h448hNda4K\n" +
  "h8FU0akMPnPYGMoL0WAmYyTxk1kwa/WXWsSSiIU6UyKp8ta/H609vcb+Xzj9WNKs\n" +
  "ZKOBmjCBlzAOBgNVHQ8BAf8EBAMCB4AwZgYDVR0RBF8wXYIPd2ViLmV4YW1wbGUu\n" +
  "b3JnhiNzcGlmZmU6Ly9leGFtcGxlLm9yZy9ucy9zaG9wL3NhL3dlYoYlc3BpZmZl\n" +
  "Oi8vZXhhbXBsZS5vcmcvbnMvc2hvcC9zYS90aGllZjAdBgNVHQ4EFgQURvNLRZdj\n" +
  "0KJMX73e+JbLAU2/9pgwCgYIKoZIzj0EAwIDSAAwRQIhAP5AAyTjHVx/ONnivnul\n" +
  "G3CX251X5TfpcAa8zpyhBHOEAiAO3VyLCo7UnTpCeu8cb6PvzY+RLllf4nxNYABS\n" +
  "l+HDBg==\n" +
  "-----END CERTIFICATE-----\n";
/** Critical; good for the last second of UTCTime and the first of GeneralizedTime. */
const CRITICAL_SAN =
  "-----BEGIN CERTIFICATE-----\n" +
  "MIIBfDCCASGgAwIBAgIBATAKBggqhkjOPQQDAjATMREwDwYDVQQKDAh3b3JrbG9h\n" +
  "ZDAgFw00OTEyMzEyMzU5NTlaGA8yMDUwMDEwMTAwMDAwMFowEzERMA8GA1UECgwI\n" +
  "d29ya2xvYWQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQB9a2+bJyvWHjjyE11\n" +
  "rgqHwVTRqQw+c9gYygvRYCZjJPGTWTBr9ZdaxJKIhTpTIqny1r8frT29xv5fOP1Y\n" +
  "0qxko2QwYjAOBgNVHQ8BAf8EBAMCB4AwMQYDVR0RAQH/BCcwJYYjc3BpZmZlOi8v\n" +
  "ZXhhbXBsZS5vcmcvbnMvc2hvcC9zYS93ZWIwHQYDVR0OBBYEFEbzS0WXY9CiTF+9\n" +
  "3viWywFNv/aYMAoGCCqGSM49BAMCA0kAMEYCIQCJW1PLnNGd8FQL8bkXCrO0hP9z\n" +
  "4/9HBXwrkW9gUrfxKAIhANUJ/G7TgFiHdprzbkAA+hE/y6rfdvEMcoKS/GF32O2K\n" +
  "-----END CERTIFICATE-----\n";
/** From the first second of UTCTime on, without end. */
const NO_END =
  "-----BEGIN CERTIFICATE-----\n" +
  "MIIBdzCCAR6gAwIBAgIBATAKBggqhkjOPQQDAjATMREwDwYDVQQKDAh3b3JrbG9h\n" +
  "ZDAgFw01MDAxMDEwMDAwMDBaGA85OTk5MTIzMTIzNTk1OVowEzERMA8GA1UECgwI\n" +
  "d29ya2xvYWQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQB9a2+bJyvWHjjyE11\n" +
  "rgqHwVTRqQw+c9gYygvRYCZjJPGTWTBr9ZdaxJKIhTpTIqny1r8frT29xv5fOP1Y\n" +
  "0qxko2EwXzAOBgNVHQ8BAf8EBAMCB4AwLgYDVR0RBCcwJYYjc3BpZmZlOi8vZXhh\n" +
  "bXBsZS5vcmcvbnMvc2hvcC9zYS93ZWIwHQYDVR0OBBYEFEbzS0WXY9CiTF+93viW\n" +
  "ywFNv/aYMAoGCCqGSM49BAMCA0cAMEQCIAecagdzQ2IhNOn6ja9gQIfGDEMr2/cz\n" +
  "vMjHRZiRneZ9AiBw+PvrzjiKAUnYVSeMiZ7nUUJp6vvg5rV8AnV1q/VVdw==\n" +
  "-----END CERTIFICATE-----\n";
const NO_SAN =
  "-----BEGIN CERTIFICATE-----\n" +
  "MIIBRjCB7KADAgECAgEBMAoGCCqGSM49BAMCMBMxETAPBgNVBAoMCHdvcmtsb2Fk\n" +
  "MB4XDTI2MDEwMTAwMDAwMFoXDTI2MDEwMjAzMDQwNVowEzERMA8GA1UECgwId29y\n" +
  "a2xvYWQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQB9a2+bJyvWHjjyE11rgqH\n" +
  "wVTRqQw+c9gYygvRYCZjJPGTWTBr9ZdaxJKIhTpTIqny1r8frT29xv5fOP1Y0qxk\n" +
  "ozEwLzAOBgNVHQ8BAf8EBAMCB4AwHQYDVR0OBBYEFEbzS0WXY9CiTF+93viWywFN\n" +
  "v/aYMAoGCCqGSM49BAMCA0kAMEYCIQDMFUUnnMDIu8GSWNdmKMbnwisxwKh+HdSK\n" +
  "Rx0GMP1N4wIhAPuJDVLVi9b3sHhjLy1WK4lolOGWJNz6TwK2P61iI+1S\n" +
  "-----END CERTIFICATE-----\n";
/** A name of every kind but X.400 and EDI, none of them a URI. */
const OTHER_NAMES =
  "-----BEGIN CERTIFICATE-----\n" +
  "MIIBnzCCAUWgAwIBAgIBATAKBggqhkjOPQQDAjATMREwDwYDVQQKDAh3b3JrbG9h\n" +
  "ZDAeFw0yNjAxMDEwMDAwMDBaFw0yNjAxMDIwMzA0MDVaMBMxETAPBgNVBAoMCHdv\n" +
  "cmtsb2FkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAfWtvmycr1h448hNda4K\n" +
  "h8FU0akMPnPYGMoL0WAmYyTxk1kwa/WXWsSSiIU6UyKp8ta/H609vcb+Xzj9WNKs\n" +
  "ZKOBiTCBhjAOBgNVHQ8BAf8EBAMCB4AwVQYDVR0RBE4wTIIPd2ViLmV4YW1wbGUu\n" +
  "b3JnhwR/AAABgQ1hQGV4YW1wbGUub3JniAIqA6AJBgIqA6ADDAF4pBUwEzERMA8G\n" +
  "A1UECgwId29ya2xvYWQwHQYDVR0OBBYEFEbzS0WXY9CiTF+93viWywFNv/aYMAoG\n" +
  "CCqGSM49BAMCA0gAMEUCIBKFWnmEBta28Tn6hp7h/ihGPR0e1If8AnE6wFCkYSmv\n" +
  "AiEAv04bZeaLwhcAPUBRL//YTbv1inEUrVOqVuMpKxgFgfA=\n" +
  "-----END CERTIFICATE-----\n";

const certificate = Certificate.make();

/** Seconds since 1970 at which `ONE_URI` starts to be good: 1 January 2026, 00:00 UTC. */
const START_OF_2026: i64 = 1767225600;

const ROOM: i32 = 17 * 1024;
const room = spanOf(takeForever(ROOM), ROOM);

/** The DER of `pem`, in memory that the next call overwrites. */
function derOf(pem: string): Span {
  return decodeCertificatePem(utf8(pem), room);
}

function pemOf(der: Span): string {
  const encoded = spanOf(takeForever(base64Length(lengthOf(der))), base64Length(lengthOf(der)));
  encodeBase64(der, encoded, 0);
  const characters = text(encoded);
  let lines = "";
  for (let at = 0; at < characters.length; at += 64) lines += characters.slice(at, at + 64) + "\n";
  return "-----BEGIN CERTIFICATE-----\n" + lines + "-----END CERTIFICATE-----\n";
}

/** A DER element, hex. */
function element(tag: string, content: string): string {
  const length = content.length / 2;
  if (length < 0x80) return tag + length.toString(16).padStart(2, "0") + content;
  if (length < 0x100) return tag + "81" + length.toString(16) + content;
  return tag + "82" + length.toString(16).padStart(4, "0") + content;
}

function sequence(content: string): string {
  return element("30", content);
}

function readsDer(digits: string): bool {
  return certificate.read(utf8(pemOf(fromHex(digits))));
}

const EMPTY_SEQUENCE = "3000";
const VERSION_2 = "a003020101";
const VERSION_3 = "a003020102";
/** 1 January 1970, 00:00:00 UTC. */
const UTC_TIME = element("17", "3730303130313030303030305a");
const VALIDITY = sequence(UTC_TIME + UTC_TIME);
const SIGNATURE = "03020000";
const SUBJECT_ALT_NAME = "0603551d11";
const KEY_USAGE = "0603551d0f";
/** The URI `a:b`. */
const URI = "8603613a62";

function bodyOf(version: string, validity: string, afterKey: string): string {
  const names = EMPTY_SEQUENCE + EMPTY_SEQUENCE;
  return sequence(version + "020101" + names + validity + EMPTY_SEQUENCE + EMPTY_SEQUENCE + afterKey);
}

function certificateOf(version: string, validity: string, afterKey: string): string {
  return sequence(bodyOf(version, validity, afterKey) + EMPTY_SEQUENCE + SIGNATURE);
}

/** @param content of the SEQUENCE of extensions */
function withExtensions(content: string): string {
  return certificateOf(VERSION_3, VALIDITY, element("a3", sequence(content)));
}

/** @param value of the extension that holds the names */
function withNames(value: string): string {
  return withExtensions(sequence(SUBJECT_ALT_NAME + element("04", value)));
}

/** Reads `ONE_URI` with one run of bytes replaced where it stands first, and the lengths around it as they were. */
function readsWith(before: string, after: string): bool {
  const der = hex(derOf(ONE_URI));
  expect(der.indexOf(before)).toBeGreaterThan(0, before);
  return readsDer(der.replace(before, after));
}

const reader = makeForever<DerReader>();

describe("DER", () => {
  test("is read element by element, each whole and with the tag that was asked for", () => {
    reader.start(fromHex("0201070500"));
    expect(reader.nextTag()).toBe(0x02);
    expect(hex(reader.read(0x02))).toBe("07");
    expect(reader.isDone()).toBe(false);
    expect(reader.read(0x05)).toBe(ABSENT);
    expect(reader.isDone()).toBe(true);
    expect(reader.nextTag()).toBe(-1);
    expect(reader.read(0x05)).toBe(FAILED);
    expect(reader.isDone()).toBe(false);
  });

  test("is not read on after what was not as expected", () => {
    reader.start(fromHex("020107"));
    expect(reader.read(0x05)).toBe(FAILED);
    expect(reader.nextTag()).toBe(-1);
    expect(reader.read(0x02)).toBe(FAILED);
    reader.start(fromHex("020207"));
    expect(reader.read(0x02)).toBe(FAILED);
    reader.start(fromHex("02"));
    expect(reader.read(0x02)).toBe(FAILED);
    reader.start(FAILED);
    expect(reader.isDone()).toBe(false);
    reader.start(ABSENT);
    expect(reader.isDone()).toBe(true);
  });
});

describe("a certificate", () => {
  test("says how long it is good and whom it names", () => {
    expect(certificate.read(utf8(ONE_URI))).toBe(true);
    expect(certificate.notBefore).toBe(START_OF_2026);
    expect(certificate.notAfter).toBe(START_OF_2026 + 86400 + 3 * 3600 + 4 * 60 + 5);
    expect(certificate.uriNames).toBe(1);
    expect(text(certificate.firstUri)).toBe(WEB);
    expect(hex(certificate.digest())).toBe(ONE_URI_DIGEST);
  });

  test("may name several URIs, or none", () => {
    expect(certificate.read(utf8(TWO_URIS))).toBe(true);
    expect(certificate.uriNames).toBe(2);
    expect(text(certificate.firstUri)).toBe(WEB);
    expect(certificate.read(utf8(NO_SAN))).toBe(true);
    expect(certificate.uriNames).toBe(0);
    expect(certificate.firstUri).toBe(ABSENT);
    expect(certificate.read(utf8(OTHER_NAMES))).toBe(true);
    expect(certificate.uriNames).toBe(0);
  });

  test("has a critical subjectAltName where it has no subject", () => {
    expect(certificate.read(utf8(CRITICAL_SAN))).toBe(true);
    expect(certificate.uriNames).toBe(1);
    expect(text(certificate.firstUri)).toBe(WEB);
  });

  test("has years from 2050 on in another form", () => {
    expect(certificate.read(utf8(CRITICAL_SAN))).toBe(true);
    expect(certificate.notBefore).toBe(2524607999);
    expect(certificate.notAfter).toBe(2524608000);
    expect(certificate.read(utf8(NO_END))).toBe(true);
    expect(certificate.notBefore).toBe(-631152000);
    expect(certificate.notAfter).toBe(253402300799);
  });

  test("leaves nothing behind when the next one is malformed", () => {
    expect(certificate.read(utf8(ONE_URI))).toBe(true);
    expect(certificate.read(utf8(ONE_URI + ONE_URI))).toBe(false);
    expect(certificate.notAfter).toBe(0);
    expect(certificate.uriNames).toBe(0);
    expect(certificate.firstUri).toBe(ABSENT);
    expect(certificate.digest()).toBe(ABSENT);
  });

  test("comes percent-encoded in x-forwarded-client-cert", () => {
    const encoded = ONE_URI.replaceAll("\n", "%0A")
      .replaceAll(" ", "%20")
      .replaceAll("+", "%2B")
      .replaceAll("/", "%2F")
      .replaceAll("=", "%3D");
    expect(reads('Cert="' + encoded + '";URI=' + WEB)).toBe(true);
    expect(certificate.read(decodePercent(xfcc.element(0).cert, room))).toBe(true);
    expect(hex(certificate.digest())).toBe(ONE_URI_DIGEST);
  });

  test("is no longer read once it is cut, or has anything after it", () => {
    const der = derOf(ONE_URI);
    const whole = hex(der);
    for (let length = 1; length < lengthOf(der); length++)
      expect(readsDer(whole.slice(0, 2 * length))).toBe(false);
    expect(readsDer(whole + "00")).toBe(false);
    expect(readsDer(whole + whole)).toBe(false);
    expect(readsDer(whole)).toBe(true);
  });

  test("is no longer read with a length that is indefinite, too short, too long or not the shortest", () => {
    const content = hex(derOf(ONE_URI)).slice(8);
    expect(readsDer("3080" + content + "0000")).toBe(false);
    expect(readsDer("30830001" + "75" + content)).toBe(false);
    expect(readsWith("020101", "020100")).toBe(true);
    expect(readsWith("020101", "020001")).toBe(false);
    expect(readsWith("020101", "022001")).toBe(false);
    expect(readsWith("020101", "02ffff")).toBe(false);
    const withNumber = (number: string): string => {
      const body = sequence(
        number + EMPTY_SEQUENCE + EMPTY_SEQUENCE + VALIDITY + EMPTY_SEQUENCE + EMPTY_SEQUENCE,
      );
      return sequence(body + EMPTY_SEQUENCE + SIGNATURE);
    };
    expect(readsDer(withNumber("020101"))).toBe(true);
    expect(readsDer(withNumber("02810101"))).toBe(false);
    expect(readsDer(withNumber("028101"))).toBe(false);
    expect(readsDer(withNumber("0282000101"))).toBe(false);
    expect(readsDer(withNumber("028200" + "80" + "01".repeat(0x80)))).toBe(false);
    expect(readsDer(withNumber("028200" + "80" + "01".repeat(0x7f)))).toBe(false);
    expect(readsDer(withNumber("0281" + "80" + "01".repeat(0x80)))).toBe(true);
    expect(readsDer(withNumber("0282" + "0100" + "01".repeat(0x100)))).toBe(true);
    // Past the end of its SEQUENCE, and not past the end of the certificate.
    expect(readsDer(sequence(sequence("020901") + EMPTY_SEQUENCE + SIGNATURE))).toBe(false);
    expect(readsDer(withNames("3005" + URI.replace("8603", "8604")))).toBe(false);
  });

  test("has what it must have, and nothing else, in its order", () => {
    expect(readsDer(certificateOf("", VALIDITY, ""))).toBe(true);
    expect(certificate.notAfter).toBe(0);
    expect(readsDer(certificateOf(VERSION_2, VALIDITY, "81020000" + "82020000"))).toBe(true);
    expect(readsDer(certificateOf(VERSION_2, VALIDITY, "82020000" + "81020000"))).toBe(false);
    expect(readsDer(certificateOf(VERSION_3, VALIDITY, EMPTY_SEQUENCE))).toBe(false);
    expect(readsDer(certificateOf("", "", ""))).toBe(false);
    const body = bodyOf("", VALIDITY, "");
    expect(readsDer(sequence(body + EMPTY_SEQUENCE))).toBe(false);
    expect(readsDer(sequence(body + EMPTY_SEQUENCE + SIGNATURE + SIGNATURE))).toBe(false);
    expect(readsDer(sequence(body + EMPTY_SEQUENCE + "0300"))).toBe(false);
    expect(readsDer(sequence(body + EMPTY_SEQUENCE + "03020100"))).toBe(false);
    expect(readsDer(sequence(body + SIGNATURE + EMPTY_SEQUENCE))).toBe(false);
  });

  test("has two dates", () => {
    expect(readsDer(certificateOf("", sequence(UTC_TIME), ""))).toBe(false);
    expect(readsDer(certificateOf("", sequence(UTC_TIME + UTC_TIME + UTC_TIME), ""))).toBe(false);
    expect(readsDer(certificateOf("", EMPTY_SEQUENCE, ""))).toBe(false);
    const noTime = UTC_TIME.replace("5a", "30");
    expect(readsDer(certificateOf("", sequence(noTime + UTC_TIME), ""))).toBe(false);
    expect(readsDer(certificateOf("", sequence(UTC_TIME + noTime), ""))).toBe(false);
  });

  test("has extensions in its third version only", () => {
    const extensions = element("a3", sequence(sequence(KEY_USAGE + "0400")));
    expect(readsDer(certificateOf(VERSION_3, VALIDITY, extensions))).toBe(true);
    expect(readsDer(certificateOf(VERSION_2, VALIDITY, extensions))).toBe(false);
    expect(readsDer(certificateOf("", VALIDITY, extensions))).toBe(false);
    expect(readsDer(certificateOf("a003020103", VALIDITY, extensions))).toBe(false);
    expect(readsDer(certificateOf("a003020100", VALIDITY, ""))).toBe(false);
    expect(readsDer(certificateOf("a003020103", VALIDITY, ""))).toBe(false);
    expect(readsDer(certificateOf("a00402020002", VALIDITY, ""))).toBe(false);
    expect(readsDer(certificateOf("a006020102020102", VALIDITY, ""))).toBe(false);
  });

  test("has extensions that are whole, and at least one where it has the field", () => {
    expect(readsDer(withExtensions(sequence(KEY_USAGE + "0101ff" + "0400")))).toBe(true);
    expect(readsDer(withExtensions(""))).toBe(false);
    expect(readsDer(withExtensions(sequence(KEY_USAGE)))).toBe(false);
    expect(readsDer(withExtensions(sequence(KEY_USAGE + "0400" + "0400")))).toBe(false);
    expect(readsDer(withExtensions(sequence(KEY_USAGE + "010100" + "0400")))).toBe(false);
    expect(readsDer(withExtensions(sequence(KEY_USAGE + "0102ffff" + "0400")))).toBe(false);
    const two = sequence(sequence(KEY_USAGE + "0400")) + EMPTY_SEQUENCE;
    expect(readsDer(certificateOf(VERSION_3, VALIDITY, element("a3", two)))).toBe(false);
  });

  test("names URIs once, at least one where it names any, and none that is empty", () => {
    expect(readsDer(withNames(sequence(URI)))).toBe(true);
    expect(text(certificate.firstUri)).toBe("a:b");
    expect(readsDer(withNames(EMPTY_SEQUENCE))).toBe(false);
    expect(readsDer(withNames(""))).toBe(false);
    expect(readsDer(withNames(sequence("8600")))).toBe(false);
    expect(readsDer(withNames(sequence(URI) + EMPTY_SEQUENCE))).toBe(false);
    const once = sequence(SUBJECT_ALT_NAME + element("04", sequence(URI)));
    expect(readsDer(withExtensions(once + sequence(KEY_USAGE + "0400")))).toBe(true);
    expect(readsDer(withExtensions(once + once))).toBe(false);
  });

  test("that turns out to be malformed late has left nothing behind", () => {
    const names = element("a3", sequence(sequence(SUBJECT_ALT_NAME + element("04", sequence(URI)))));
    expect(readsDer(certificateOf(VERSION_3, sequence(UTC_TIME), names))).toBe(false);
    expect(certificate.uriNames).toBe(0);
    expect(certificate.firstUri).toBe(ABSENT);
    expect(readsDer(certificateOf("", sequence(UTC_TIME.replace("5a", "30") + UTC_TIME), ""))).toBe(false);
    expect(certificate.notBefore).toBe(0);
    expect(certificate.notAfter).toBe(0);
  });

  test("is no longer read with dates that are none, or in the other form", () => {
    expect(readsWith("170d", "180d")).toBe(false);
    expect(readsWith("170d323630313031", "170d323631333031")).toBe(false);
    expect(readsWith("5a170d", "30170d")).toBe(false);
  });

  test("is no longer read with a name of no kind, or a URI that is none", () => {
    expect(readsWith("8623737069", "a623737069")).toBe(false);
    expect(readsWith("8623737069", "8923737069")).toBe(false);
    expect(readsWith("8623737069", "8622737069")).toBe(false);
    expect(readsWith("8623737069", "8623007069")).toBe(false);
    expect(readsWith("8623737069", "8623207069")).toBe(false);
    expect(readsWith("8623737069", "862380c069")).toBe(false);
    expect(readsWith("8623737069", "8221737069")).toBe(false);
  });

  test("has at most 16 KiB of DER", () => {
    const body = bodyOf("", VALIDITY, "") + EMPTY_SEQUENCE;
    // The tags and lengths of the certificate and of its signature, which has to be whole bytes.
    const most = 16 * 1024 - body.length / 2 - 8;
    expect(readsDer(sequence(body + element("03", "00".repeat(most))))).toBe(true);
    expect(readsDer(sequence(body + element("03", "00".repeat(most + 1))))).toBe(false);
  });
});
