import { makeForever, resetArena } from "../../assembly/host/arena";
import { onePair } from "../../assembly/host/pairs";
import { Region } from "../../assembly/host/region";
import { ABSENT } from "../../assembly/host/span";
import { parseClaimPath } from "../../assembly/policy/claim_path";
import { parseDuration } from "../../assembly/policy/duration";
import { loadPolicy } from "../../assembly/policy/load";
import { isAuthority, isHostPattern, isPlainAuthority, matchesHost } from "../../assembly/policy/authority";
import { Target, isOnlyRule, isRuleByLookalikes, matchRule } from "../../assembly/policy/match";
import { isMethod } from "../../assembly/policy/method";
import { decodePath, isAmbiguousPath, isUnderPrefix, withoutQuery } from "../../assembly/policy/path";
import { Mode, Policy, TokenNeed, ValidatedBy } from "../../assembly/policy/policy";
import { refusal } from "../../assembly/policy/refusal";
import { StatusList } from "../../assembly/policy/status_list";
import { fromHex, hex, text, utf8 } from "./support";

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
  target.clear();
  target.method = utf8(method);
  target.authority = utf8(authority);
  target.path = utf8(path);
  const rule = matchRule(policy, target);
  return rule == null ? "" : text(rule.name);
}

function isOne(policy: Policy, path: string): bool {
  target.method = utf8("GET");
  target.authority = utf8("x");
  target.path = utf8(path);
  return isOnlyRule(policy, target, matchRule(policy, target));
}

describe("a policy", () => {
  test("of one issuer has one rule for every request", () => {
    const policy = load("{" + issuers() + "}")!;
    expect(policy.mode).toBe(Mode.Enforce);
    expect(policy.validatedBy).toBe(ValidatedBy.Envoy);
    expect(policy.trustDomain).toBe(ABSENT);
    expect(policy.rules.count).toBe(1);
    expect(policy.rules.first!.item.token).toBe(TokenNeed.Required);
    expect(text(policy.rules.first!.item.issuers.first!.item.name)).toBe("corp");
    expect(policy.issuers.first!.item.clockSkew).toBe(60);
  });

  test("is refused with the place, what was expected and the nearest name", () => {
    expect(refusedWith("{" + issuers() + ',"moode":"observe"}')).toBe(
      'policy refused at "/moode": expected a known member, found "moode"; did you mean "mode"?',
    );
    expect(refusedWith("{" + issuers() + ',"rules":[{"name":"a","issuers":["crop"]}]}')).toBe(
      'policy refused at "/rules/0/issuers/0": expected the name of an entry in "issuers"; did you mean "corp"?',
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

  test("is found by the first of the texts that its path begins with", () => {
    const policy = loadRules(
      '[{"name":"deep","when":{"pathPrefix":"/a/b/c"}},{"name":"exact","when":{"path":"/a/b"}},' +
        '{"name":"get","when":{"pathPrefix":"/a","methods":["GET"]}},{"name":"late","when":{"pathPrefix":"/a/b"}},' +
        '{"name":"slash","when":{"path":"/x/"}},{"name":"rest","when":{"methods":["PUT"]}}]',
    );
    expect(ruleFor(policy, "PUT", "x", "/a/b/c/d")).toBe("deep");
    expect(ruleFor(policy, "PUT", "x", "/a/b")).toBe("exact");
    expect(ruleFor(policy, "GET", "x", "/a/b/")).toBe("get");
    expect(ruleFor(policy, "PUT", "x", "/a/b/")).toBe("late");
    expect(ruleFor(policy, "PUT", "x", "/a")).toBe("rest");
    expect(ruleFor(policy, "GET", "x", "/ab")).toBe("");
    expect(ruleFor(policy, "GET", "x", "/x/")).toBe("slash");
    expect(ruleFor(policy, "GET", "x", "/x")).toBe("");
    expect(ruleFor(policy, "PUT", "x", "/")).toBe("rest");
  });

  test("of a template takes its segments", () => {
    const policy = loadRules(
      '[{"name":"item","when":{"pathTemplate":"/a/{x}/b"}},{"name":"slash","when":{"pathTemplate":"/{x}/"}},' +
        '{"name":"files","when":{"pathTemplate":"/f/{*}/{**}"}}]',
    );
    expect(ruleFor(policy, "GET", "x", "/a/1/b")).toBe("item");
    expect(ruleFor(policy, "GET", "x", "/a/1/c")).toBe("");
    expect(ruleFor(policy, "GET", "x", "/a/1/b/")).toBe("");
    expect(ruleFor(policy, "GET", "x", "/a/1")).toBe("");
    expect(ruleFor(policy, "GET", "x", "/a/")).toBe("slash");
    expect(ruleFor(policy, "GET", "x", "/f/1")).toBe("");
    expect(ruleFor(policy, "GET", "x", "/f/1/")).toBe("files");
    expect(ruleFor(policy, "GET", "x", "/f/1/2/3")).toBe("files");
  });

  test("of a gRPC service or method is one of its path", () => {
    const policy = loadRules(
      '[{"name":"get","when":{"grpc":{"service":"a.B","method":"Get"}}},{"name":"all","when":{"grpc":{"service":"a.B"}}}]',
    );
    expect(ruleFor(policy, "POST", "x", "/a.B/Get")).toBe("get");
    expect(ruleFor(policy, "POST", "x", "/a.B/GetAll")).toBe("all");
    expect(ruleFor(policy, "POST", "x", "/a.Bc/Get")).toBe("");
  });

  test("of headers takes requests that have them, and is no rule where their names are spelled otherwise", () => {
    const policy = loadRules('[{"name":"acting","when":{"headers":["x-act"]}},{"name":"rest"}]');
    expect(ruleFor(policy, "GET", "x", "/")).toBe("rest");
    target.clear();
    target.path = utf8("/");
    target.headers = onePair("x-act", "");
    expect(text(matchRule(policy, target)!.name)).toBe("acting");
    expect(isRuleByLookalikes(policy, target, matchRule(policy, target))).toBe(true);
    target.hasLooked = false;
    target.headers = onePair("x_act", "");
    const rule = matchRule(policy, target);
    expect(text(rule!.name)).toBe("rest");
    expect(isRuleByLookalikes(policy, target, rule)).toBe(false);
  });

  test("that an earlier one covers is refused", () => {
    expect(
      refusedWith("{" + issuers() + ',"rules":[{"name":"all"},{"name":"late","when":{"path":"/x"}}]}'),
    ).toBe(
      'policy refused at "/rules/1": expected a rule that can be reached; the earlier rule "all" takes all its requests',
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
      "/%61dmin",
      "/a%2520",
      "/a;b/c",
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
      "/%2E/a",
      "/a/..;/b",
      "/a/.;x=y/b",
      "/a/;x",
      "/a/;x/b",
      "/a/..%3b/b",
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

describe("a path with several readings", () => {
  test("is decoded, with and without parameters", () => {
    expect(text(decodePath(utf8("/%61;x=1/b%20c;y"), false))).toBe("/a;x=1/b c;y");
    expect(text(decodePath(utf8("/%61;x=1/b%20c;y"), true))).toBe("/a/b c");
    expect(text(decodePath(utf8("/a%3Bx/b"), true))).toBe("/a/b");
  });

  test("needs one rule for all of them", () => {
    const policy = loadRules(
      '[{"name":"strict","when":{"pathPrefix":"/admin"}},{"name":"cafe","when":{"path":"/caf%C3%A9"}},' +
        '{"name":"lax","token":"none"}]',
    );
    expect(isOne(policy, "/admin/x")).toBe(true);
    expect(isOne(policy, "/admin/x;v=1")).toBe(true);
    expect(isOne(policy, "/admin/%78")).toBe(true);
    expect(isOne(policy, "/free/%7Ex;y")).toBe(true);
    expect(isOne(policy, "/caf%C3%A9")).toBe(true);
    expect(isOne(policy, "/%61dmin")).toBe(false);
    expect(isOne(policy, "/admin;x")).toBe(false);
    expect(isOne(policy, "/admin%3bx")).toBe(false);
    expect(isOne(policy, "/caf%c3%a9")).toBe(false);
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

  test("is a plain host, with or without a port", () => {
    const plain = [
      "a",
      "api.example",
      "API.example.",
      "a_b-c:8443",
      "127.0.0.1:80",
      "[::1]",
      "[fe80::1]:443",
    ];
    for (let i = 0; i < plain.length; i++) expect(isPlainAuthority(utf8(plain[i]))).toBe(true, plain[i]);
    const odd = [
      "",
      ".",
      "a..",
      "a..b",
      ".a",
      "a,b",
      "a%2eb",
      "u@a",
      "a:",
      "a:x",
      "a:123456",
      "a:1:2",
      "[::1",
      "[]",
      "a b",
      "caf\u00e9",
    ];
    for (let i = 0; i < odd.length; i++) expect(isPlainAuthority(utf8(odd[i]))).toBe(false, odd[i]);
  });
});

describe("a host pattern", () => {
  test("is an authority, or every host below one", () => {
    const good = ["a.example", "a.example:443", "*.example", "*.a.example.:443", "*.a", "[::1]:1"];
    for (let i = 0; i < good.length; i++) expect(isHostPattern(utf8(good[i]))).toBe(true, good[i]);
    const odd = ["", "*", "*.", "**.a", "*.*.a", "a.*", "a*.b", "*a.b", "*.a,b", "https://a", "*.a/b"];
    for (let i = 0; i < odd.length; i++) expect(isHostPattern(utf8(odd[i]))).toBe(false, odd[i]);
  });

  test("takes whole labels before what it names, and at least one", () => {
    const pattern = utf8("*.a.example");
    const below = ["b.a.example", "c.b.a.example", "B.A.Example", "b.a.example.", "b.a.example:1"];
    for (let i = 0; i < below.length; i++) expect(matchesHost(pattern, utf8(below[i]))).toBe(true, below[i]);
    const other = ["a.example", "xa.example", "b-a.example", "b.a.example.x", "b.a.examples", "example", ""];
    for (let i = 0; i < other.length; i++) expect(matchesHost(pattern, utf8(other[i]))).toBe(false, other[i]);
  });

  test("with a port takes that one only", () => {
    expect(matchesHost(utf8("*.example:443"), utf8("a.example:443"))).toBe(true);
    expect(matchesHost(utf8("*.example:443"), utf8("a.example"))).toBe(false);
    expect(matchesHost(utf8("*.example:443"), utf8("a.example:4430"))).toBe(false);
    expect(matchesHost(utf8("a.example:443"), utf8("a.example:443"))).toBe(true);
  });
});

describe("a method", () => {
  test("is in capital letters", () => {
    expect(isMethod(utf8("GET"))).toBe(true);
    expect(isMethod(utf8("VERSION-CONTROL"))).toBe(true);
    expect(isMethod(utf8("get"))).toBe(false);
    expect(isMethod(utf8("GEt"))).toBe(false);
    expect(isMethod(ABSENT)).toBe(false);
  });
});

describe("the mode of a request without a rule", () => {
  test("is observe only when every request is observed", () => {
    expect(
      loadRules('[{"name":"a","mode":"observe","when":{"path":"/a"}},{"name":"b","mode":"observe"}]')
        .modeWithoutRule,
    ).toBe(Mode.Observe);
    expect(loadRules('[{"name":"a","mode":"observe","when":{"path":"/a"}}]').modeWithoutRule).toBe(
      Mode.Enforce,
    );
    expect(
      loadRules('[{"name":"a","when":{"path":"/a"}},{"name":"b","mode":"observe"}]').modeWithoutRule,
    ).toBe(Mode.Enforce);
    expect(load("{" + issuers() + ',"mode":"observe"}')!.modeWithoutRule).toBe(Mode.Observe);
    expect(
      load(
        "{" +
          issuers() +
          ',"mode":"observe","rules":[{"name":"a","mode":"enforce","when":{"path":"/a"}},{"name":"b"}]}',
      )!.modeWithoutRule,
    ).toBe(Mode.Enforce);
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

/** What the list says of the tokens from `first` to `last`, separated by blanks. */
function statuses(bits: i64, digits: string, first: i64, last: i64): string {
  const list = StatusList.make(bits, fromHex(digits), region)!;
  let found = "";
  for (let index = first; index <= last; index++) found += " " + list.at(index).toString();
  return found.trimStart();
}

describe("a status list", () => {
  beforeEach(() => region.release());

  test("has the first status in the lowest bits, as in the examples of draft-ietf-oauth-status-list", () => {
    expect(statuses(1, "b9a3", 0, 15)).toBe("1 0 0 1 1 1 0 1 1 1 0 0 0 1 0 1");
    expect(statuses(2, "c944f9", 0, 11)).toBe("1 2 0 3 0 1 0 1 1 2 3 3");
  });

  test("has statuses of four and of eight bits", () => {
    expect(statuses(4, "10325476", 0, 7)).toBe("0 1 2 3 4 5 6 7");
    expect(statuses(4, "f8", 0, 1)).toBe("8 15");
    expect(statuses(8, "0001807fff", 0, 4)).toBe("0 1 128 127 255");
  });

  test("says nothing of who is not in it", () => {
    expect(statuses(1, "ffff", 15, 17)).toBe("1 -1 -1");
    expect(statuses(2, "ffff", 7, 9)).toBe("3 -1 -1");
    expect(statuses(4, "ffff", 3, 5)).toBe("15 -1 -1");
    expect(statuses(8, "ffff", 1, 3)).toBe("255 -1 -1");
    expect(statuses(8, "ff", -2, 0)).toBe("-1 -1 255");
    expect(statuses(1, "ff", i64.MAX_VALUE - 1, i64.MAX_VALUE - 1)).toBe("-1");
    expect(statuses(1, "ff", i64.MIN_VALUE, i64.MIN_VALUE)).toBe("-1");
    expect(statuses(8, "ff", 1 << 32, (1 << 32) + 1)).toBe("-1 -1");
  });

  test("has 1, 2, 4 or 8 bits for each", () => {
    for (let bits: i64 = -1; bits <= 16; bits++) {
      const isOne = bits == 1 || bits == 2 || bits == 4 || bits == 8;
      expect(StatusList.make(bits, fromHex("ff"), region) != null).toBe(isOne, bits.toString());
    }
    expect(StatusList.make((1 << 32) + 1, fromHex("ff"), region) == null).toBe(true);
  });
});
