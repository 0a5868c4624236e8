import { resetArena } from "../../assembly/host/arena";
import { ABSENT, FAILED, lengthOf, spanOf } from "../../assembly/host/span";
import { takeForever } from "../../assembly/host/arena";
import { decodeBase64url } from "../../assembly/text/base64url";
import { parseDecimal } from "../../assembly/text/decimal";
import { decodeLowerHex } from "../../assembly/text/hex";
import { JsonDocument, JsonKind, NO_NODE, ROOT } from "../../assembly/text/json";
import { parseJson } from "../../assembly/text/json_parser";
import { isTrustDomain, trustDomainOf } from "../../assembly/text/spiffe_id";
import { characterLength } from "../../assembly/text/utf8";
import { fromHex, hex, text, utf8 } from "./support";

const document = JsonDocument.forever(256);

function parses(json: string): bool {
  return parseJson(document, utf8(json));
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
