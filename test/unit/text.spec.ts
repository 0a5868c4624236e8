import { makeForever, resetArena } from "../../assembly/host/arena";
import { Span, ABSENT, FAILED, lengthOf, setByte, slice, spanOf } from "../../assembly/host/span";
import { takeForever } from "../../assembly/host/arena";
import { decodeBase64 } from "../../assembly/text/base64";
import { decodeBase64url, decodeInto, encodeInto, encodedLength } from "../../assembly/text/base64url";
import { parseDecimal } from "../../assembly/text/decimal";
import { decodeLowerHex } from "../../assembly/text/hex";
import { inflate } from "../../assembly/text/inflate";
import { Cidr, IpAddress, IpFamily, parseAddressAndPort } from "../../assembly/text/ip";
import { JsonDocument, JsonKind, NO_NODE, ROOT } from "../../assembly/text/json";
import { parseJson } from "../../assembly/text/json_parser";
import { decodeCertificatePem } from "../../assembly/text/pem";
import { decodePercent } from "../../assembly/text/percent";
import { isTrustDomain, trustDomainOf } from "../../assembly/text/spiffe_id";
import { TlsVersion, tlsVersionOf } from "../../assembly/text/tls_version";
import { NO_TIME, parseGeneralizedTime, parseUtcTime } from "../../assembly/text/time";
import { HttpUri, normalAuthority, normalPath } from "../../assembly/text/uri";
import { characterLength } from "../../assembly/text/utf8";
import { fromHex, hex, text, utf8 } from "./support";

const document = JsonDocument.forever(256);
const ip = makeForever<IpAddress>();
const range = makeForever<Cidr>();

function parses(json: string): bool {
  return parseJson(document, utf8(json));
}

function isIn(cidr: string, address: string): bool {
  expect(range.parse(utf8(cidr))).toBe(true, cidr);
  expect(ip.parse(utf8(address))).toBe(true, address);
  return range.contains(ip);
}

function encoded(bytes: Span): string {
  const target = spanOf(takeForever(encodedLength(lengthOf(bytes))), encodedLength(lengthOf(bytes)));
  encodeInto(bytes, target);
  return text(target);
}

const uri = makeForever<HttpUri>();

/** The URI in its normal form; empty when it is none. */
function normal(spelled: string): string {
  if (!uri.read(utf8(spelled))) return "";
  return text(uri.scheme) + "://" + text(uri.authority) + text(uri.path);
}

function path(spelled: string): string {
  return text(normalPath(utf8(spelled)));
}

function nested(depth: i32): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

describe("base64url, RFC 7515 section 2", () => {
  beforeEach(() => resetArena());

  test("decodes each length", () => {
    expect(text(decodeBase64url(utf8("Zm9v")))).toBe("foo");
    expect(text(decodeBase64url(utf8("Zm8")))).toBe("fo");
    expect(text(decodeBase64url(utf8("Zg")))).toBe("f");
    expect(decodeBase64url(ABSENT)).toBe(ABSENT);
    expect(hex(decodeBase64url(utf8("-_-_")))).toBe("fbffbf");
  });

  test("refuses padding, other alphabets, white space and a single left-over character", () => {
    expect(decodeBase64url(utf8("Zg=="))).toBe(FAILED);
    expect(decodeBase64url(utf8("+/+/"))).toBe(FAILED);
    expect(decodeBase64url(utf8("Zm 9v"))).toBe(FAILED);
    expect(decodeBase64url(utf8("Zm9v\n"))).toBe(FAILED);
    expect(decodeBase64url(utf8("Zm9vZ"))).toBe(FAILED);
  });

  test("refuses a second spelling of the same bytes", () => {
    expect(decodeBase64url(utf8("Zh"))).toBe(FAILED);
    expect(decodeBase64url(utf8("Zm9"))).toBe(FAILED);
  });

  test("encodes each length, and decodes to the same", () => {
    expect(encoded(utf8("f"))).toBe("Zg");
    expect(encoded(utf8("fo"))).toBe("Zm8");
    expect(encoded(utf8("foo"))).toBe("Zm9v");
    expect(encoded(fromHex("fbffbf"))).toBe("-_-_");
    expect(encoded(ABSENT)).toBe("");
    for (let length = 0; length <= 50; length++) {
      const bytes = spanOf(takeForever(length), length);
      for (let i = 0; i < length; i++) setByte(bytes, i, (i * 89 + length * 7) & 0xff);
      const letters = encoded(bytes);
      expect(letters.length).toBe(encodedLength(length));
      const decoded = spanOf(takeForever(length), length);
      expect(decodeInto(utf8(letters), decoded)).toBe(true, letters);
      expect(hex(decoded)).toBe(hex(bytes));
    }
  });
});

const ROOM: i32 = 256;
const room = spanOf(takeForever(ROOM), ROOM);

/** What `characters` stand for; "refused" when they are no strict base64. */
function fromBase64(characters: string): string {
  const length = decodeBase64(utf8(characters), room);
  return length < 0 ? "refused" : text(slice(room, 0, length));
}

describe("base64, RFC 4648 section 4", () => {
  test("decodes each length", () => {
    expect(fromBase64("")).toBe("");
    expect(fromBase64("Zg==")).toBe("f");
    expect(fromBase64("Zm8=")).toBe("fo");
    expect(fromBase64("Zm9v")).toBe("foo");
    expect(fromBase64("Zm9vYg==")).toBe("foob");
    expect(decodeBase64(utf8("+/+/"), room)).toBe(3);
    expect(hex(slice(room, 0, 3))).toBe("fbffbf");
  });

  test("refuses padding that is missing, too much or not at the end", () => {
    expect(fromBase64("Zg")).toBe("refused");
    expect(fromBase64("Zg=")).toBe("refused");
    expect(fromBase64("Zm8")).toBe("refused");
    expect(fromBase64("Z===")).toBe("refused");
    expect(fromBase64("====")).toBe("refused");
    expect(fromBase64("=")).toBe("refused");
    expect(fromBase64("Zm9v====")).toBe("refused");
    expect(fromBase64("Zg==Zg==")).toBe("refused");
    expect(fromBase64("Zm=v")).toBe("refused");
  });

  test("refuses every byte outside its alphabet, and a second spelling of the same bytes", () => {
    let taken = 0;
    for (let byte = 0; byte < 256; byte++) {
      const characters = utf8("Zm?v");
      setByte(characters, 2, byte);
      if (decodeBase64(characters, room) >= 0) taken++;
    }
    expect(taken).toBe(64);
    expect(fromBase64("_-_-")).toBe("refused");
    expect(fromBase64("Zh==")).toBe("refused");
    expect(fromBase64("Zm9=")).toBe("refused");
  });

  test("writes no more than there is room for, and nothing after what it wrote", () => {
    const target = spanOf(takeForever(4), 4);
    setByte(target, 3, 0x21);
    expect(decodeBase64(utf8("Zg=="), slice(target, 0, 0))).toBe(-1);
    expect(decodeBase64(utf8("Zm9v"), slice(target, 0, 2))).toBe(-1);
    setByte(target, 1, 0x21);
    setByte(target, 2, 0x21);
    expect(decodeBase64(utf8("Zg=="), target)).toBe(1);
    expect(hex(target)).toBe("66212121");
  });
});

describe("percent-encoding, RFC 3986 section 2", () => {
  test("has unreserved characters as they are, and all others encoded", () => {
    expect(text(decodePercent(utf8("aZ09-._~%2B%2b%25%00%20"), room))).toBe("aZ09-._~++%\0 ");
    expect(decodePercent(ABSENT, room)).toBe(ABSENT);
  });

  test("refuses a bad escape, and every character that should have been encoded", () => {
    expect(decodePercent(utf8("%"), room)).toBe(FAILED);
    expect(decodePercent(utf8("a%2"), room)).toBe(FAILED);
    expect(decodePercent(utf8("%2g"), room)).toBe(FAILED);
    expect(decodePercent(utf8("%%41"), room)).toBe(FAILED);
    let taken = 0;
    for (let byte = 0; byte < 256; byte++) {
      const character = utf8("?");
      setByte(character, 0, byte);
      if (decodePercent(character, room) != FAILED) taken++;
    }
    expect(taken).toBe(26 + 26 + 10 + 4);
  });

  test("writes no more than there is room for", () => {
    expect(decodePercent(utf8("a%41b"), slice(room, 0, 3))).toBe(slice(room, 0, 3));
    expect(decodePercent(utf8("a%41b"), slice(room, 0, 2))).toBe(FAILED);
    expect(decodePercent(utf8("a"), ABSENT)).toBe(FAILED);
  });
});

/** What is between the marks of a PEM certificate, decoded; "refused" when it is malformed. */
function fromPem(body: string): string {
  const pem = "-----BEGIN CERTIFICATE-----\n" + body + "-----END CERTIFICATE-----\n";
  const bytes = decodeCertificatePem(utf8(pem), room);
  return bytes == FAILED ? "refused" : text(bytes);
}

const FULL_LINE = "Zm9v".repeat(16) + "\n";
const FULL_LINE_BYTES = "foo".repeat(16);

describe("PEM, RFC 7468 section 3", () => {
  test("has lines of 64 characters and a shorter one at the end", () => {
    expect(fromPem("Zg==\n")).toBe("f");
    expect(fromPem(FULL_LINE)).toBe(FULL_LINE_BYTES);
    expect(fromPem(FULL_LINE + "Zm8=\n")).toBe(FULL_LINE_BYTES + "fo");
    expect(fromPem(FULL_LINE + FULL_LINE)).toBe(FULL_LINE_BYTES + FULL_LINE_BYTES);
  });

  test("refuses lines of other lengths, with other ends, or none", () => {
    expect(fromPem("")).toBe("refused");
    expect(fromPem("\n")).toBe("refused");
    expect(fromPem("Zg==")).toBe("refused");
    expect(fromPem("Zm9v\nZm9v\n")).toBe("refused");
    expect(fromPem("Zm9v" + FULL_LINE)).toBe("refused");
    expect(fromPem(FULL_LINE + "\n")).toBe("refused");
    expect(fromPem("\n" + FULL_LINE)).toBe("refused");
    expect(fromPem("Zm9v\r\n")).toBe("refused");
    expect(fromPem(" Zm9v\n")).toBe("refused");
    expect(fromPem("Zg==\nZg==\n")).toBe("refused");
    expect(fromPem("Zg==\n-----END CERTIFICATE-----\nZg==\n")).toBe("refused");
  });

  test("is one certificate, with nothing before or after it", () => {
    const pem = "-----BEGIN CERTIFICATE-----\nZg==\n-----END CERTIFICATE-----";
    expect(text(decodeCertificatePem(utf8(pem), room))).toBe("f");
    expect(text(decodeCertificatePem(utf8(pem + "\n"), room))).toBe("f");
    expect(decodeCertificatePem(utf8(pem + "\n\n"), room)).toBe(FAILED);
    expect(decodeCertificatePem(utf8(pem + "\n" + pem), room)).toBe(FAILED);
    expect(decodeCertificatePem(utf8("\n" + pem), room)).toBe(FAILED);
    expect(decodeCertificatePem(utf8(pem.replaceAll("CERTIFICATE", "PRIVATE KEY")), room)).toBe(FAILED);
    for (let length = 0; length < pem.length; length++) {
      expect(decodeCertificatePem(utf8(pem.slice(0, length)), room)).toBe(FAILED);
    }
  });

  test("writes no more than there is room for", () => {
    const pem = utf8("-----BEGIN CERTIFICATE-----\n" + FULL_LINE + "Zm8=\n-----END CERTIFICATE-----\n");
    expect(lengthOf(decodeCertificatePem(pem, slice(room, 0, 50)))).toBe(50);
    expect(decodeCertificatePem(pem, slice(room, 0, 49))).toBe(FAILED);
    expect(decodeCertificatePem(pem, slice(room, 0, 48))).toBe(FAILED);
    expect(decodeCertificatePem(pem, ABSENT)).toBe(FAILED);
  });
});

function utcTime(characters: string): i64 {
  return parseUtcTime(utf8(characters));
}

function generalizedTime(characters: string): i64 {
  return parseGeneralizedTime(utf8(characters));
}

describe("times of X.509, RFC 5280 section 4.1.2.5", () => {
  test("are seconds since 1970, from 1950 to 9999", () => {
    expect(utcTime("700101000000Z")).toBe(0);
    expect(utcTime("691231235959Z")).toBe(-1);
    expect(utcTime("500101000000Z")).toBe(-631152000);
    expect(utcTime("010909014640Z")).toBe(1000000000);
    expect(utcTime("380119031408Z")).toBe(2147483648);
    expect(utcTime("491231235959Z")).toBe(2524607999);
    expect(generalizedTime("20500101000000Z")).toBe(2524608000);
    expect(generalizedTime("99991231235959Z")).toBe(253402300799);
  });

  test("know leap years", () => {
    expect(utcTime("000229000000Z") + 86400).toBe(utcTime("000301000000Z"));
    expect(utcTime("240229000000Z") + 86400).toBe(utcTime("240301000000Z"));
    expect(utcTime("230228000000Z") + 86400).toBe(utcTime("230301000000Z"));
    expect(utcTime("230229000000Z")).toBe(NO_TIME);
    expect(generalizedTime("21000228000000Z") + 86400).toBe(generalizedTime("21000301000000Z"));
    expect(generalizedTime("21000229000000Z")).toBe(NO_TIME);
    expect(generalizedTime("24000229000000Z") + 86400).toBe(generalizedTime("24000301000000Z"));
  });

  test("are days and hours that there are", () => {
    expect(utcTime("260430000000Z") + 86400).toBe(utcTime("260501000000Z"));
    for (let month = 1; month <= 12; month++) {
      const name = month.toString().padStart(2, "0");
      const isShort = month == 4 || month == 6 || month == 9 || month == 11;
      expect(utcTime("26" + name + "31000000Z") == NO_TIME).toBe(isShort || month == 2);
      expect(utcTime("26" + name + "30000000Z") == NO_TIME).toBe(month == 2);
    }
    expect(utcTime("260001000000Z")).toBe(NO_TIME);
    expect(utcTime("261301000000Z")).toBe(NO_TIME);
    expect(utcTime("260100000000Z")).toBe(NO_TIME);
    expect(utcTime("260132000000Z")).toBe(NO_TIME);
    expect(utcTime("260101240000Z")).toBe(NO_TIME);
    expect(utcTime("260101006000Z")).toBe(NO_TIME);
    expect(utcTime("260101000060Z")).toBe(NO_TIME);
  });

  test("are written in one way: to the second, in UTC, and by the year in one form", () => {
    expect(utcTime("2601010000Z")).toBe(NO_TIME);
    expect(utcTime("260101000000")).toBe(NO_TIME);
    expect(utcTime("260101000000z")).toBe(NO_TIME);
    expect(utcTime("260101000000+0000")).toBe(NO_TIME);
    expect(utcTime("260101000000Z0")).toBe(NO_TIME);
    expect(utcTime("-60101000000Z")).toBe(NO_TIME);
    expect(utcTime("26 101000000Z")).toBe(NO_TIME);
    expect(utcTime("26010100000/Z")).toBe(NO_TIME);
    expect(utcTime("26010100000:Z")).toBe(NO_TIME);
    expect(utcTime("20500101000000Z")).toBe(NO_TIME);
    expect(utcTime("")).toBe(NO_TIME);
    expect(generalizedTime("20491231235959Z")).toBe(NO_TIME);
    expect(generalizedTime("20500101000000.5Z")).toBe(NO_TIME);
    expect(generalizedTime("20500101000000")).toBe(NO_TIME);
    expect(generalizedTime("2050010100000Z")).toBe(NO_TIME);
    expect(generalizedTime("500101000000Z")).toBe(NO_TIME);
    expect(generalizedTime("20500101000000Z0")).toBe(NO_TIME);
    expect(generalizedTime("2x500101000000Z")).toBe(NO_TIME);
  });
});

describe("hex and decimal", () => {
  test("hex is lowercase and of the exact length", () => {
    const target = spanOf(takeForever(2), 2);
    expect(decodeLowerHex(utf8("00ff"), target)).toBe(true);
    expect(hex(target)).toBe("00ff");
    expect(decodeLowerHex(utf8("00FF"), target)).toBe(false);
    expect(decodeLowerHex(utf8("00f"), target)).toBe(false);
    expect(decodeLowerHex(utf8("00ff00"), target)).toBe(false);
    expect(decodeLowerHex(utf8("00fg"), target)).toBe(false);
  });

  test("decimal is a plain whole number", () => {
    expect(parseDecimal(utf8("0"))).toBe(0);
    expect(parseDecimal(utf8("999999999999999"))).toBe(999999999999999);
    expect(parseDecimal(utf8("1000000000000000"))).toBe(-1);
    expect(parseDecimal(utf8("01"))).toBe(-1);
    expect(parseDecimal(utf8("-1"))).toBe(-1);
    expect(parseDecimal(utf8("1.0"))).toBe(-1);
    expect(parseDecimal(utf8("1e3"))).toBe(-1);
    expect(parseDecimal(ABSENT)).toBe(-1);
  });
});

/** Hex of what the zlib data inflates to, where up to 1,000 bytes may come out; "refused" when it is refused. */
function inflated(digits: string, limit: i32 = 1000): string {
  resetArena();
  const bytes = inflate(fromHex(digits), limit);
  return lengthOf(bytes) == 0 ? "refused" : hex(bytes);
}

const STATUS = "737461747573";
const STATUS_STORED = "7801010600f9ff737461747573093902a5";
const STATUS_FIXED = "78012b2e492c292d0600093902a5";

describe("zlib, RFC 1950 and RFC 1951", () => {
  test("inflates stored blocks, fixed codes and codes of its own", () => {
    expect(inflated(STATUS_STORED)).toBe(STATUS);
    expect(inflated(STATUS_FIXED)).toBe(STATUS);
    const bytes = inflated(
      "78da6360646266616563e7e0e4e2e6e1e5e317101412161115139790949296919593575054525651555367a0b2ba443048828364040000727b1380",
    );
    expect(bytes.length).toBe(2 * 147);
    expect(bytes.endsWith("61".repeat(6) + "62".repeat(10) + "63".repeat(11))).toBe(true);
  });

  test("copies what it has just written", () => {
    expect(inflated("78da63601805a360140c77000003e80001")).toBe("00".repeat(1000));
  });

  test("stops at the limit", () => {
    expect(inflated("78da63601805a360140c77000003e80001", 999)).toBe("refused");
    expect(inflated(STATUS_STORED, 6)).toBe(STATUS);
    expect(inflated(STATUS_STORED, 5)).toBe("refused");
    expect(inflated(STATUS_FIXED, 0)).toBe("refused");
  });

  test("refuses what is cut anywhere, or goes on", () => {
    for (let length = 0; length < STATUS_FIXED.length; length += 2)
      expect(inflated(STATUS_FIXED.slice(0, length))).toBe("refused", STATUS_FIXED.slice(0, length));
    expect(inflated(STATUS_FIXED + "00")).toBe("refused");
    expect(inflated(STATUS_STORED + STATUS_STORED)).toBe("refused");
  });

  test("refuses a wrong checksum, header, length or kind of block, and a dictionary", () => {
    expect(inflated("78012b2e492c292d0600093902a6")).toBe("refused");
    expect(inflated("78022b2e492c292d0600093902a5")).toBe("refused");
    expect(inflated("88012b2e492c292d0600093902a5")).toBe("refused");
    expect(inflated("7801010600f9fe737461747573093902a5")).toBe("refused");
    expect(inflated("7801010700f8ff737461747573093902a5")).toBe("refused");
    expect(inflated("7801070600f9ff737461747573093902a5")).toBe("refused");
    expect(inflated("78bb093902a52b069300093902a5")).toBe("refused");
  });

  test("refuses a copy from before the start, and codes that stand for nothing", () => {
    expect(inflated("78016300020000040001")).toBe("00000000");
    expect(inflated("78016300420000040001")).toBe("refused");
    expect(inflated("780163003e0000040001")).toBe("refused");
    expect(inflated("78016318030000010001")).toBe("refused");
  });

  test("takes a single distance of one bit", () => {
    expect(inflated("780105e081080000000020ec4ffd0400020001")).toBe("0000");
  });

  test("gives nothing for nothing", () => {
    expect(inflated("789c030000000001")).toBe("refused");
    expect(inflated("")).toBe("refused");
  });
});

describe("UTF-8, RFC 3629 section 4", () => {
  test("takes each length of character", () => {
    expect(characterLength(utf8("a"), 0)).toBe(1);
    expect(characterLength(utf8("\u00e9"), 0)).toBe(2);
    expect(characterLength(utf8("\u20ac"), 0)).toBe(3);
    expect(characterLength(utf8("\u{1f512}"), 0)).toBe(4);
  });

  test("refuses overlong forms, surrogates, points past the end and cut characters", () => {
    expect(characterLength(fromHex("c080"), 0)).toBe(0);
    expect(characterLength(fromHex("e09f80"), 0)).toBe(0);
    expect(characterLength(fromHex("eda080"), 0)).toBe(0);
    expect(characterLength(fromHex("f08f8080"), 0)).toBe(0);
    expect(characterLength(fromHex("f4908080"), 0)).toBe(0);
    expect(characterLength(fromHex("e282"), 0)).toBe(0);
    expect(characterLength(fromHex("80"), 0)).toBe(0);
  });
});

describe("JSON, RFC 8259 made strict", () => {
  test("gives each value its kind", () => {
    expect(parses('{"a":[1,"x",true,false,null,{}]}')).toBe(true);
    const list = document.member(ROOT, "a");
    let node = document.firstIn(list);
    expect(document.kind(node)).toBe(JsonKind.Number);
    expect(text(document.textOf(node))).toBe("1");
    node = document.nextIn(list, node);
    expect(text(document.stringOf(node))).toBe("x");
    node = document.nextIn(list, node);
    expect(document.kind(node)).toBe(JsonKind.True);
    node = document.nextIn(list, node);
    expect(document.kind(node)).toBe(JsonKind.False);
    node = document.nextIn(list, node);
    expect(document.kind(node)).toBe(JsonKind.Null);
    node = document.nextIn(list, node);
    expect(document.kind(node)).toBe(JsonKind.Object);
    expect(document.firstIn(node)).toBe(NO_NODE);
    expect(document.nextIn(list, node)).toBe(NO_NODE);
    expect(document.countIn(list)).toBe(6);
  });

  test("unescapes in place", () => {
    expect(parses('["\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\udd12 end"]')).toBe(true);
    expect(text(document.stringOf(document.firstIn(ROOT)))).toBe('"\\/\b\f\n\r\t\u00e9\u{1f512} end');
  });

  test("finds a member by the name that its escapes spell", () => {
    expect(parses('{"\\u0069ss":"me"}')).toBe(true);
    expect(text(document.stringOf(document.member(ROOT, "iss")))).toBe("me");
    expect(document.member(ROOT, "is")).toBe(NO_NODE);
  });

  test("refuses a name twice in one object at any depth, however it is spelt", () => {
    expect(parses('{"a":1,"b":2,"a":3}')).toBe(false);
    expect(document.duplicateName).toBe(true);
    expect(parses('{"a":1,"\\u0061":2}')).toBe(false);
    expect(parses('{"x":{"y":[{"a":1,"a":1}]}}')).toBe(false);
    expect(parses('{"":1,"":2}')).toBe(false);
    expect(parses('{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}')).toBe(true);
    expect(document.duplicateName).toBe(false);
  });

  test("refuses a document that has more than one reading", () => {
    expect(parses("")).toBe(false);
    expect(parses("{} {}")).toBe(false);
    expect(parses("\ufeff{}")).toBe(false);
    expect(parses('{"a":1,}')).toBe(false);
    expect(parses("[1,]")).toBe(false);
    expect(parses("{'a':1}")).toBe(false);
    expect(parses("[01]")).toBe(false);
    expect(parses("[1.]")).toBe(false);
    expect(parses("[.5]")).toBe(false);
    expect(parses("[+1]")).toBe(false);
    expect(parses("[NaN]")).toBe(false);
    expect(parses('["\\x"]')).toBe(false);
    expect(parses('["\\u12"]')).toBe(false);
    expect(parses('["a\nb"]')).toBe(false);
    expect(parses('["open')).toBe(false);
    expect(parses('{"a"')).toBe(false);
  });

  test("refuses half a surrogate pair and invalid UTF-8", () => {
    expect(parses('["\\ud800"]')).toBe(false);
    expect(parses('["\\udc00"]')).toBe(false);
    expect(parses('["\\ud800\\u0041"]')).toBe(false);
    expect(parseJson(document, fromHex("22ff22"))).toBe(false);
  });

  test("goes 32 levels deep and no further", () => {
    expect(parses(nested(32))).toBe(true);
    expect(parses(nested(33))).toBe(false);
  });

  test("a document that is full refuses, and the next one is read afresh", () => {
    expect(parses("[" + "0,".repeat(300) + "0]")).toBe(false);
    expect(document.kind(ROOT)).toBe(JsonKind.Nothing);
    expect(parses("[0]")).toBe(true);
  });

  test("a document can be written by hand", () => {
    document.clear();
    const root = document.add(JsonKind.Object, ABSENT);
    document.add(JsonKind.Name, utf8("aud"));
    const list = document.add(JsonKind.Array, ABSENT);
    document.add(JsonKind.String, utf8("one"));
    document.add(JsonKind.String, utf8("two"));
    document.close(list);
    document.add(JsonKind.Name, utf8("sub"));
    document.add(JsonKind.String, utf8("me"));
    document.close(root);
    expect(document.countIn(document.member(ROOT, "aud"))).toBe(2);
    expect(text(document.stringOf(document.member(ROOT, "sub")))).toBe("me");
  });
});

describe("SPIFFE ID, by the strict grammar", () => {
  test("gives the trust domain of an ID", () => {
    expect(text(trustDomainOf(utf8("spiffe://example.org/ns/a/sa/b")))).toBe("example.org");
    expect(text(trustDomainOf(utf8("spiffe://example.org")))).toBe("example.org");
    expect(text(trustDomainOf(utf8("spiffe://a_b-c.d/...")))).toBe("a_b-c.d");
  });

  test("refuses what a looser reader would fold into another ID", () => {
    const flawed = [
      "",
      "spiffe://",
      "spiffe:///path",
      "SPIFFE://example.org",
      "spiffe://Example.org",
      "spiffe://example.org/",
      "spiffe://example.org//a",
      "spiffe://example.org/a/",
      "spiffe://example.org/.",
      "spiffe://example.org/a/../b",
      "spiffe://example.org/a%2fb",
      "spiffe://example.org:8443/a",
      "spiffe://user@example.org/a",
      "spiffe://example.org/a?b",
      "spiffe://example.org/a#b",
      "spiffe://example.org/a b",
      "https://example.org/a",
    ];
    for (let i = 0; i < flawed.length; i++) expect(trustDomainOf(utf8(flawed[i]))).toBe(ABSENT, flawed[i]);
  });

  test("keeps to the limits of section 2.3", () => {
    expect(isTrustDomain(utf8("a".repeat(255)))).toBe(true);
    expect(isTrustDomain(utf8("a".repeat(256)))).toBe(false);
    expect(lengthOf(trustDomainOf(utf8("spiffe://a/" + "b".repeat(2048 - 11))))).toBe(1);
    expect(trustDomainOf(utf8("spiffe://a/" + "b".repeat(2048 - 10)))).toBe(ABSENT);
  });
});

describe("IP addresses, RFC 4291 section 2.2", () => {
  test("IPv4 is four decimal numbers", () => {
    expect(ip.parse(utf8("192.0.2.1"))).toBe(true);
    expect(ip.family).toBe(IpFamily.V4);
    expect(ip.low).toBe(0xffff_c000_0201);
    expect(ip.parse(utf8("0.0.0.0"))).toBe(true);
    expect(ip.parse(utf8("255.255.255.255"))).toBe(true);
  });

  test("IPv6 is eight groups, one run of zeros left out, the last two as IPv4 if you like", () => {
    expect(ip.parse(utf8("2001:DB8:0:0:8:0800:200C:417A"))).toBe(true);
    expect(ip.family).toBe(IpFamily.V6);
    expect(ip.high).toBe(0x2001_0db8_0000_0000);
    expect(ip.low).toBe(0x0008_0800_200c_417a);
    expect(ip.parse(utf8("2001:db8::1"))).toBe(true);
    expect(ip.high).toBe(0x2001_0db8_0000_0000);
    expect(ip.low).toBe(1);
    expect(ip.parse(utf8("64:ff9b::192.0.2.33"))).toBe(true);
    expect(ip.high).toBe(0x0064_ff9b_0000_0000);
    expect(ip.low).toBe(0xc000_0221);
    expect(ip.parse(utf8("1:2:3:4:5:6:7::"))).toBe(true);
    expect(ip.low).toBe(0x0005_0006_0007_0000);
    expect(ip.parse(utf8("::"))).toBe(true);
    expect(ip.family).toBe(IpFamily.V6);
    expect(ip.high | ip.low).toBe(0);
  });

  test("an IPv4 address mapped into IPv6 is the IPv4 address, in each spelling", () => {
    const spellings = ["::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1"];
    for (let i = 0; i < spellings.length; i++) {
      expect(ip.parse(utf8(spellings[i]))).toBe(true, spellings[i]);
      expect(ip.family).toBe(IpFamily.V4, spellings[i]);
      expect(ip.low).toBe(0xffff_c000_0201, spellings[i]);
    }
    expect(ip.parse(utf8("::192.0.2.1"))).toBe(true);
    expect(ip.family).toBe(IpFamily.V6, "compatible is not mapped");
  });

  test("refuses everything else, and leaves no address behind", () => {
    const flawed = [
      "",
      "1",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.4.",
      ".1.2.3.4",
      "1..2.3",
      "256.0.0.1",
      "01.2.3.4",
      "0x1.2.3.4",
      "1.2.3.4 ",
      "1.2.3.4/32",
      ":",
      ":::",
      "1::2::3",
      ":1::",
      "1:",
      "1::2:",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8::",
      "1:2:3:4::5:6:7:8",
      "::12345",
      "::g",
      "::1.2.3",
      "::1.2.3.4:5",
      "1.2.3.4::",
      "1:2:3:4:5:6:7:1.2.3.4",
      "1:2:3:4:5:6::1.2.3.4",
      "::01.2.3.4",
      "fe80::1%eth0",
      "[::1]",
    ];
    for (let i = 0; i < flawed.length; i++) {
      expect(ip.parse(utf8("2001:db8::1"))).toBe(true);
      expect(ip.parse(utf8(flawed[i]))).toBe(false, flawed[i]);
      expect(ip.family).toBe(IpFamily.None, flawed[i]);
    }
  });

  test("with a port, as Envoy writes them", () => {
    expect(parseAddressAndPort(utf8("127.0.0.1:40000"), ip)).toBe(40000);
    expect(ip.low).toBe(0xffff_7f00_0001);
    expect(parseAddressAndPort(utf8("[::1]:65535"), ip)).toBe(65535);
    expect(ip.family).toBe(IpFamily.V6);
    expect(ip.low).toBe(1);
    expect(parseAddressAndPort(utf8("[::ffff:127.0.0.1]:0"), ip)).toBe(0);
    expect(ip.family).toBe(IpFamily.V4);
  });

  test("refuses any other way to write address and port", () => {
    const flawed = [
      "",
      "127.0.0.1",
      "127.0.0.1:",
      "127.0.0.1:080",
      "127.0.0.1:65536",
      "127.0.0.1:-1",
      "[127.0.0.1]:80",
      "::1:80",
      "[::1]",
      "[::1]80",
      "[::1:80",
      "[]:80",
      "[[::1]]:80",
      ":80",
      "[fe80::1%2]:80",
      "@/run/envoy.sock",
      "envoy://internal/",
    ];
    for (let i = 0; i < flawed.length; i++) {
      expect(parseAddressAndPort(utf8(flawed[i]), ip)).toBe(-1, flawed[i]);
      expect(ip.family).toBe(IpFamily.None, flawed[i]);
    }
  });
});

describe("ranges of IP addresses", () => {
  test("hold the addresses that begin with the same bits", () => {
    expect(isIn("10.0.0.0/8", "10.255.0.1")).toBe(true);
    expect(isIn("10.0.0.0/8", "11.0.0.0")).toBe(false);
    expect(isIn("192.0.2.128/25", "192.0.2.128")).toBe(true);
    expect(isIn("192.0.2.128/25", "192.0.2.127")).toBe(false);
    expect(isIn("2001:db8::/33", "2001:db8:7fff::")).toBe(true);
    expect(isIn("2001:db8::/33", "2001:db8:8000::")).toBe(false);
    expect(isIn("2001:db8::/64", "2001:db8::ffff:0:0:1")).toBe(true);
    expect(isIn("2001:db8::/65", "2001:db8::8000:0:0:1")).toBe(false);
  });

  test("without a length there is one address", () => {
    expect(isIn("192.0.2.1", "192.0.2.1")).toBe(true);
    expect(isIn("192.0.2.1", "192.0.2.0")).toBe(false);
    expect(isIn("2001:db8::1", "2001:db8::1")).toBe(true);
    expect(isIn("2001:db8::1", "2001:db8::2")).toBe(false);
  });

  test("are of one family, and a mapped address is IPv4", () => {
    expect(isIn("0.0.0.0/0", "255.0.0.1")).toBe(true);
    expect(isIn("0.0.0.0/0", "::1")).toBe(false);
    expect(isIn("::/0", "ffff::1")).toBe(true);
    expect(isIn("::/0", "192.0.2.1")).toBe(false);
    expect(isIn("::/0", "::ffff:192.0.2.1")).toBe(false);
    expect(isIn("192.0.2.0/24", "::ffff:192.0.2.1")).toBe(true);
    expect(isIn("::ffff:192.0.2.0/120", "192.0.2.1")).toBe(true);
    expect(isIn("::ffff:0:0/96", "192.0.2.1")).toBe(true);
  });

  test("refuse bits behind the prefix, and every malformed length", () => {
    const flawed = [
      "",
      "/8",
      "10.0.0.1/8",
      "10.128.0.0/8",
      "10.0.0.0/33",
      "10.0.0.0/08",
      "10.0.0.0/-1",
      "10.0.0.0/",
      "10.0.0.0/8/8",
      "10.0.0.0/255.0.0.0",
      "10/8",
      "2001:db8::1/32",
      "2001:db8::/129",
      "2001:db8::/ 32",
      "::ffff:0:0/95",
      "[2001:db8::]/32",
    ];
    for (let i = 0; i < flawed.length; i++) {
      expect(isIn("10.0.0.0/8", "10.0.0.1")).toBe(true);
      expect(range.parse(utf8(flawed[i]))).toBe(false, flawed[i]);
      expect(range.contains(ip)).toBe(false, flawed[i]);
    }
  });

  test("nothing is in the range that nobody has read, nor is what is no address", () => {
    const unread = makeForever<Cidr>();
    const nowhere = makeForever<IpAddress>();
    expect(ip.parse(utf8("10.0.0.1"))).toBe(true);
    expect(unread.contains(ip)).toBe(false);
    expect(unread.contains(nowhere)).toBe(false);
    expect(range.parse(utf8("::/0"))).toBe(true);
    expect(range.contains(nowhere)).toBe(false);
  });
});

describe("versions of TLS, as Envoy names them", () => {
  test("are in order", () => {
    expect(tlsVersionOf(utf8("TLSv1"))).toBe(TlsVersion.Tls10);
    expect(tlsVersionOf(utf8("TLSv1.1"))).toBe(TlsVersion.Tls11);
    expect(tlsVersionOf(utf8("TLSv1.2"))).toBe(TlsVersion.Tls12);
    expect(tlsVersionOf(utf8("TLSv1.3"))).toBe(TlsVersion.Tls13);
    expect(TlsVersion.Tls13).toBeGreaterThan(TlsVersion.Tls12);
    expect(TlsVersion.Tls12).toBeGreaterThan(TlsVersion.Tls11);
    expect(TlsVersion.Tls11).toBeGreaterThan(TlsVersion.Tls10);
    expect(TlsVersion.Tls10).toBeGreaterThan(TlsVersion.None);
  });

  test("any other name is none", () => {
    const others = ["", "TLSv1.0", "TLSv1.4", "tlsv1.3", "TLSv1.3 ", "SSLv3"];
    for (let i = 0; i < others.length; i++) {
      expect(tlsVersionOf(utf8(others[i]))).toBe(TlsVersion.None, others[i]);
    }
  });
});

describe("URIs, RFC 3986", () => {
  beforeEach(() => resetArena());

  test("section 6.2.2: case, escapes and dot segments", () => {
    expect(path("/./b/../b/%63/%7bfoo%7d")).toBe("/b/c/%7Bfoo%7D");
    expect(normal("HTTP://www.EXAMPLE.com/")).toBe("http://www.example.com/");
    expect(path("/%7Esmith/home.html")).toBe("/~smith/home.html");
    expect(path("/~smith/home.html")).toBe("/~smith/home.html");
    expect(path("/%7esmith/home.html")).toBe("/~smith/home.html");
    expect(path("/a%2fb%3a%c3%a4%41%2D%2e%5F%7e")).toBe("/a%2Fb%3A%C3%A4A-._~");
  });

  test("section 6.2.3: an empty path, and the scheme's own port", () => {
    expect(normal("http://example.com")).toBe("http://example.com/");
    expect(normal("http://example.com/")).toBe("http://example.com/");
    expect(normal("http://example.com:/")).toBe("http://example.com/");
    expect(normal("http://example.com:80/")).toBe("http://example.com/");
    expect(normal("https://example.com:443")).toBe("https://example.com/");
    expect(normal("https://example.com:80/")).toBe("https://example.com:80/");
    expect(normal("http://example.com:443/")).toBe("http://example.com:443/");
    expect(normal("http://example.com:8080/")).toBe("http://example.com:8080/");
    expect(normal("http://[2001:DB8::80]:80")).toBe("http://[2001:db8::80]/");
    expect(normal("http://[2001:db8::80]")).toBe("http://[2001:db8::80]/");
  });

  test("section 5.2.4: dot segments are removed", () => {
    expect(path("/a/b/c/./../../g")).toBe("/a/g");
    expect(path("/mid/content=5/../6")).toBe("/mid/6");
  });

  test("section 5.4: what its references resolve to, at http://a/b/c/d", () => {
    const references = [
      "/b/c/g",
      "/b/c/g/",
      "/g",
      "/b/c/./g",
      "/b/c/.",
      "/b/c/./",
      "/b/c/..",
      "/b/c/../",
      "/b/c/../g",
      "/b/c/../..",
      "/b/c/../../",
      "/b/c/../../g",
      "/b/c/../../../g",
      "/b/c/../../../../g",
      "/./g",
      "/../g",
      "/b/c/g.",
      "/b/c/.g",
      "/b/c/g..",
      "/b/c/..g",
      "/b/c/./../g",
      "/b/c/./g/.",
      "/b/c/g/./h",
      "/b/c/g/../h",
      "/b/c/g;x=1/./y",
      "/b/c/g;x=1/../y",
      "/b/c/...",
      "/b//c",
      "/b//../c",
      "//",
      "/..",
      "/.",
      "/",
    ];
    const resolved = [
      "/b/c/g",
      "/b/c/g/",
      "/g",
      "/b/c/g",
      "/b/c/",
      "/b/c/",
      "/b/",
      "/b/",
      "/b/g",
      "/",
      "/",
      "/g",
      "/g",
      "/g",
      "/g",
      "/g",
      "/b/c/g.",
      "/b/c/.g",
      "/b/c/g..",
      "/b/c/..g",
      "/b/g",
      "/b/c/g/",
      "/b/c/g/h",
      "/b/c/h",
      "/b/c/g;x=1/y",
      "/b/c/y",
      "/b/c/...",
      "/b//c",
      "/b/c",
      "//",
      "/",
      "/",
      "/",
    ];
    for (let i = 0; i < references.length; i++) expect(path(references[i])).toBe(resolved[i], references[i]);
  });

  test("query and fragment are no part of it", () => {
    expect(normal("https://a/b?c=/../d#e")).toBe("https://a/b");
    expect(normal("https://a/b#c?d")).toBe("https://a/b");
    expect(normal("https://a?b/c")).toBe("https://a/");
    expect(normal("https://a#@b/c")).toBe("https://a/");
  });

  test("anything else is none", () => {
    const others = [
      "",
      ":",
      "a",
      "/a",
      "//a/b",
      "https",
      "https:",
      "https:/",
      "https:/a",
      "https://",
      "https:///a",
      "https://:443/a",
      "https://?a",
      "https://#a",
      "ftp://a/b",
      "httpss://a/b",
      "http s://a/b",
      "https://a@b/c",
      "https://a:b@c/d",
      "https://a/%",
      "https://a/%4",
      "https://a/%4g",
      "https://a/%%41",
      " https://a/b",
    ];
    for (let i = 0; i < others.length; i++) expect(normal(others[i])).toBe("", others[i]);
  });

  test("authorities have no case and no port of their scheme's own", () => {
    expect(text(normalAuthority(utf8("Orders.Example:443"), true))).toBe("orders.example");
    expect(text(normalAuthority(utf8("Orders.Example:443"), false))).toBe("orders.example:443");
    expect(text(normalAuthority(utf8("a::443"), true))).toBe("a:");
    expect(lengthOf(normalAuthority(ABSENT, true))).toBe(0);
    expect(lengthOf(normalAuthority(utf8(":443"), true))).toBe(0);
  });
});
