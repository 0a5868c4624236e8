import { makeForever, resetArena } from "../../assembly/host/arena";
import { Region } from "../../assembly/host/region";
import { ABSENT } from "../../assembly/host/span";
import { parseClaimPath } from "../../assembly/policy/claim_path";
import { parseDuration } from "../../assembly/policy/duration";
import { loadPolicy } from "../../assembly/policy/load";
import { Target, isAuthority, matchRule } from "../../assembly/policy/match";
import { isAmbiguousPath, isUnderPrefix, withoutQuery } from "../../assembly/policy/path";
import { Mode, Policy, TokenNeed, ValidatedBy } from "../../assembly/policy/policy";
import { refusal } from "../../assembly/policy/refusal";
import { hex, text, utf8 } from "./support";

const region = makeForever<Region>();
const target = makeForever<Target>();

const KEY =
  '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}';

function issuers(): string {
  return '"issuers":{"corp":{"issuer":"https://idp.example","keys":{"jwks":{"keys":[' + KEY + "]}}}}";
}

function load(json: string): Policy | null {
  resetArena();
  region.release();
  return loadPolicy(utf8(json), region);
}

function loadRules(rules: string): Policy {
  const policy = load("{" + issuers() + ',"rules":' + rules + "}");
  assert(policy != null, text(refusal()));
  return policy!;
}

function refusedWith(json: string): string {
  assert(load(json) == null, "the policy is refused");
  return text(refusal());
}

function ruleFor(policy: Policy, method: string, authority: string, path: string): string {
  target.method = utf8(method);
  target.authority = utf8(authority);
  target.path = utf8(path);
  const rule = matchRule(policy, target);
  return rule == null ? "" : text(rule.name);
}

describe("a policy", () => {
  test("of one issuer has one rule for every request", () => {
    const policy = load("{" + issuers() + "}")!;
    expect(policy.mode).toBe(Mode.Enforce);
    expect(policy.validatedBy).toBe(ValidatedBy.Envoy);
    expect(policy.trustDomain).toBe(ABSENT);
    expect(policy.rules!.token).toBe(TokenNeed.Required);
    expect(policy.rules!.next).toBeNull();
    expect(text(policy.rules!.issuers!.issuer.name)).toBe("corp");
    expect(policy.issuers!.clockSkew).toBe(60);
  });

  test("is refused with the place, what was expected and the nearest name", () => {
    expect(refusedWith("{" + issuers() + ',"moode":"observe"}')).toBe(
      'policy refused at "/moode": expected a known member, found "moode"; did you mean "mode"?',
    );
    expect(refusedWith("{" + issuers() + ',"rules":[{"name":"a","issuers":["crop"]}]}')).toBe(
      'policy refused at "/rules/0/issuers/0": expected the name of an entry in "issuers", found "crop"; did you mean "corp"?',
    );
    expect(refusedWith('{"a/b~c":1}')).toBe(
      'policy refused at "/a~1b~0c": expected a known member, found "a/b~c"',
    );
  });
});

describe("a rule", () => {
  test("is the first whose conditions all hold", () => {
    const policy = loadRules(
      '[{"name":"health","when":{"path":"/healthz"},"token":"none"},' +
        '{"name":"writes","when":{"pathPrefix":"/orders","methods":["POST","PUT"]}},' +
        '{"name":"host","when":{"authority":"api.example"}}]',
    );
    expect(ruleFor(policy, "GET", "x", "/healthz")).toBe("health");
    expect(ruleFor(policy, "GET", "x", "/healthz/")).toBe("");
    expect(ruleFor(policy, "POST", "x", "/orders")).toBe("writes");
    expect(ruleFor(policy, "PUT", "x", "/orders/1/2")).toBe("writes");
    expect(ruleFor(policy, "POST", "x", "/ordersheet")).toBe("");
    expect(ruleFor(policy, "GET", "API.example:8443", "/orders")).toBe("host");
    expect(ruleFor(policy, "GET", "api.example.evil", "/orders")).toBe("");
  });

  test("that an earlier one covers is refused", () => {
    expect(
      refusedWith("{" + issuers() + ',"rules":[{"name":"all"},{"name":"late","when":{"path":"/x"}}]}'),
    ).toBe(
      'policy refused at "/rules/1": expected a rule that can be reached: an earlier one takes all its requests, found "all"',
    );
  });
});

describe("a path", () => {
  test("is matched without its query", () => {
    expect(text(withoutQuery(utf8("/a?b=/c")))).toBe("/a");
    expect(text(withoutQuery(utf8("/a")))).toBe("/a");
  });

  test("with one reading only is not ambiguous", () => {
    const plain = [
      "/",
      "/a",
      "/a/",
      "/a/b.c",
      "/...",
      "/.well-known/x",
      "/a%20b",
      "/caf%C3%A9",
      "/a;b=c",
      "/~x",
      "/a:b@c",
    ];
    for (let i = 0; i < plain.length; i++) expect(isAmbiguousPath(utf8(plain[i]))).toBe(false, plain[i]);
  });

  test("with more than one reading is ambiguous", () => {
    const twofold = [
      "",
      "a",
      "*",
      "//",
      "/a//b",
      "/./a",
      "/a/.",
      "/a/..",
      "/../a",
      "/a\\b",
      "/a%2fb",
      "/a%2Fb",
      "/a%5cb",
      "/a%00",
      "/%2e%2e/a",
      "/%61dmin",
      "/a%",
      "/a%2",
      "/a%zz",
      "/a%%32f",
      "/a#b",
      "/a b",
      "/a\u00e9",
      "/a\x7f",
    ];
    for (let i = 0; i < twofold.length; i++) expect(isAmbiguousPath(utf8(twofold[i]))).toBe(true, twofold[i]);
  });

  test("lies under a prefix segment by segment", () => {
    expect(isUnderPrefix(utf8("/a/b"), utf8("/a"))).toBe(true);
    expect(isUnderPrefix(utf8("/a"), utf8("/a"))).toBe(true);
    expect(isUnderPrefix(utf8("/ab"), utf8("/a"))).toBe(false);
    expect(isUnderPrefix(utf8("/"), ABSENT)).toBe(true);
  });
});

describe("an authority", () => {
  test("has no case, and a port only where the rule names one", () => {
    expect(isAuthority(utf8("api.example"), utf8("API.EXAMPLE"))).toBe(true);
    expect(isAuthority(utf8("api.example"), utf8("api.example.:443"))).toBe(true);
    expect(isAuthority(utf8("api.example:443"), utf8("api.example:443"))).toBe(true);
    expect(isAuthority(utf8("api.example:443"), utf8("api.example"))).toBe(false);
    expect(isAuthority(utf8("[::1]"), utf8("[::1]:443"))).toBe(true);
    expect(isAuthority(utf8("api.example"), ABSENT)).toBe(false);
  });
});

describe("a duration", () => {
  test("is whole seconds, minutes or hours", () => {
    expect(parseDuration(utf8("0s"))).toBe(0);
    expect(parseDuration(utf8("90s"))).toBe(90);
    expect(parseDuration(utf8("5m"))).toBe(300);
    expect(parseDuration(utf8("2h"))).toBe(7200);
    const flawed = ["", "s", "5", "5d", "-5s", "1.5h", "5 m", "05s", "99999999s"];
    for (let i = 0; i < flawed.length; i++) expect(parseDuration(utf8(flawed[i]))).toBe(-1, flawed[i]);
  });
});

describe("a claim path", () => {
  test("is names joined by dots, quoted where a name has one", () => {
    expect(text(parseClaimPath(utf8("sub"), region))).toBe("sub");
    expect(hex(parseClaimPath(utf8("a.b"), region))).toBe("610062");
    expect(text(parseClaimPath(utf8('"kubernetes.io"'), region))).toBe("kubernetes.io");
    expect(hex(parseClaimPath(utf8('"k.i".n'), region))).toBe("6b2e69006e");
  });

  test("with an empty or broken part is none", () => {
    const flawed = ["", ".", "a.", ".a", "a..b", '""', '"a', 'a"', '"a"b', 'a"b"', "a.b.c.d.e.f.g.h.i"];
    for (let i = 0; i < flawed.length; i++)
      expect(parseClaimPath(utf8(flawed[i]), region)).toBe(ABSENT, flawed[i]);
  });
});
