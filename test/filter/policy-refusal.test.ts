import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { issuer, policy, policyWithIssuer, policyWithRule } from "./support/policies.ts";
import { PolicyDesk } from "./support/refusal.ts";
import { without } from "./support/json.ts";
import type { Json } from "./support/json.ts";

const desk = new PolicyDesk();

const when = (condition: unknown): Json => policyWithRule({ when: condition });
const bind = (...bindings: readonly unknown[]): Json => policyWithRule({ bind: bindings });
const spiffe = (claim: unknown): Json => bind({ spiffe: { claim } });
const dpop = (members: unknown): Json => policy({ dpop: members });
const origins = (...list: readonly unknown[]): Json => dpop({ origins: list });
const ORIGIN = "https://orders.example";
const manyOrigins = (count: number) => Array.from({ length: count }, (_, i) => `${ORIGIN}:${i + 1}`);
const wpt = (members: unknown): Json => policy({ wpt: members });
const manyAudiences = (count: number) => Array.from({ length: count }, (_, i) => `urn:${i}`);
const rotation = (members: unknown): Json => bind({ certificate: { rotation: members } });

/** What no proof can be for. */
const NO_ORIGINS: readonly unknown[] = [
  "https://orders.example?x",
  "https://orders.example/#x",
  null,
  1,
  "",
  "orders.example",
  "//orders.example",
  "https:",
  "https://",
  "https:///",
  "ftp://orders.example",
  `${ORIGIN}/orders`,
  `${ORIGIN}//`,
  `${ORIGIN}/.`,
  `${ORIGIN}/%2e/`,
  `${ORIGIN}/orders/..`,
  `${ORIGIN}:`,
  `${ORIGIN}:8443:443`,
  "https://web@orders.example",
  "https://*.orders.example",
  "https://orders..example",
  "https://orders.example:0",
  "https://orders.example:x",
  "https://orders.example, https://b.example",
  " https://orders.example",
  "https://orders.example\0",
  "https://\u00f6rders.example",
  `https://${"a".repeat(300)}`,
];

/** What each member may not be. The member's place, a policy with this value there, and the values. */
const WRONG: readonly (readonly [
  pointer: string,
  make: (value: unknown) => Json,
  values: readonly unknown[],
])[] = [
  ["/mode", (mode) => policy({ mode }), [null, 1, true, "", "Enforce", "off", [], {}, "enforce "]],
  [
    "/trustDomain",
    (trustDomain) => policy({ trustDomain }),
    [null, 1, "", "Example.org", "spiffe://example.org", "a/b", "a:1", "a b", "\u00e9", "a".repeat(256), []],
  ],
  ["/presenter", (presenter) => policy({ presenter }), [null, 1, "peer", []]],
  ["/presenter/from", (from) => policy({ presenter: { from } }), [null, 1, "", "tunnel", "Peer"]],
  [
    "/presenter/validatedBy",
    (validatedBy) => policy({ presenter: { validatedBy } }),
    [null, true, "", "me", "Envoy"],
  ],
  ["/issuers", (issuers) => policy({ issuers }), [null, 1, "idp", [], {}, [issuer()]]],
  ["/issuers/idp", (idp) => policy({ issuers: { idp } }), [null, 1, "https://idp", []]],
  [
    "/issuers/idp/issuer",
    (value) => policyWithIssuer({ issuer: value }),
    [null, 1, "", [], "x\0", "x".repeat(2049)],
  ],
  ["/issuers/idp/audiences", (audiences) => policyWithIssuer({ audiences }), [null, 1, "orders", {}, []]],
  [
    "/issuers/idp/audiences/0",
    (value) => policyWithIssuer({ audiences: [value] }),
    [null, 1, "", [], "x\0", "x".repeat(2049)],
  ],
  [
    "/issuers/idp/audiences/1",
    (value) => policyWithIssuer({ audiences: ["a", value, "b"] }),
    [null, "", "a"],
  ],
  [
    "/issuers/idp/clockSkew",
    (clockSkew) => policyWithIssuer({ clockSkew }),
    [
      null,
      30,
      "",
      "30",
      "s",
      "-1s",
      "1.5s",
      "030s",
      "30 s",
      "30S",
      "1d",
      "301s",
      "6m",
      "1h",
      "99999999s",
      "5m0s",
    ],
  ],
  ["/issuers/idp/maxAge", (maxAge) => policyWithIssuer({ maxAge }), [null, 60, "", "60", "0s", "-1s", "1d"]],
  [
    "/issuers/idp/maxLifetime",
    (maxLifetime) => policyWithIssuer({ maxLifetime }),
    [null, 60, "", "60", "0h", "1.5h", "9999999h"],
  ],
  [
    "/issuers/idp/keys",
    (keys) => policyWithIssuer({ keys }),
    [null, 1, "", "jwks", [], {}, { jwks: {}, jwt_authn: {} }],
  ],
  [
    "/issuers/idp/keys/jwks",
    (jwks) => policyWithIssuer({ keys: { jwks } }),
    [null, 1, "", [], {}, { key: [] }],
  ],
  [
    "/issuers/idp/keys/jwt_authn",
    (jwt_authn) => policyWithIssuer({ keys: { jwt_authn } }),
    [null, 1, "", []],
  ],
  [
    "/issuers/idp/keys/jwt_authn/payloadHeader",
    (payloadHeader) => policyWithIssuer({ keys: { jwt_authn: { payloadHeader } } }),
    [null, 1, "", "X-Payload", "x payload", ":path", "authorization", "x".repeat(65), "x\u00e9"],
  ],
  [
    "/issuers/idp/keys/jwt_authn/metadataKey",
    (metadataKey) => policyWithIssuer({ keys: { jwt_authn: { metadataKey } } }),
    [null, 1, "", "a\0b", "x".repeat(2049)],
  ],
  ["/rules", (rules) => policy({ rules }), [null, 1, "all", {}, []]],
  ["/rules/0", (rule) => policy({ rules: [rule] }), [null, 1, "all", []]],
  [
    "/rules/0/name",
    (name) => policy({ rules: [{ name }] }),
    [null, 1, "", "a b", "a/b", "\u00e9", "x".repeat(65)],
  ],
  ["/rules/0/mode", (mode) => policyWithRule({ mode }), [null, 1, "", "off"]],
  ["/rules/0/token", (value) => policyWithRule({ token: value }), [null, 1, "", "never", true]],
  ["/rules/0/when", when, [null, 1, "/x", []]],
  [
    "/rules/0/when/path",
    (path) => when({ path }),
    [
      null,
      1,
      "",
      "orders",
      "/a//b",
      "/a/../b",
      "/a?b",
      "/a#b",
      "/a b",
      "/%61",
      "/a%2fb",
      "/a\\b",
      "/\u00e9",
      ["/a"],
    ],
  ],
  [
    "/rules/0/when/pathPrefix",
    (pathPrefix) => when({ pathPrefix }),
    [null, 1, "", "orders", "//", "/a/..", "/a?b", "/a*#"],
  ],
  ["/rules/0/when/pathPrefix", (pathPrefix) => when({ path: "/a", pathPrefix }), ["/a"]],
  ["/rules/0/when/path", (path) => when({ pathTemplate: "/{a}", path }), ["/a"]],
  ["/rules/0/when/pathTemplate", (pathTemplate) => when({ grpc: { service: "a" }, pathTemplate }), ["/{a}"]],
  ["/rules/0/when/grpc", (grpc) => when({ pathPrefix: "/a", methods: ["GET"], grpc }), [{ service: "a" }]],
  [
    "/rules/0/when/pathTemplate",
    (pathTemplate) => when({ pathTemplate }),
    [
      ...[null, 1, "", "{id}", "orders/{id}", ["/{a}"], "/", "/orders", "/orders/:id", "/orders/*"],
      ...[
        "/{}",
        "/{id",
        "/id}",
        "/{id}x",
        "/x{id}",
        "/{a}{b}",
        "/{a/b}",
        "/{{a}}",
        "/{a b}",
        "/{a.b}",
        "/{a*}",
      ],
      ...[
        "/{***}",
        "/{**}/a",
        "/{**}/",
        "/a/{**}/{b}",
        "/{\u00e9}",
        "/%7Bid}",
        "/{id%7D",
        "/{a}?b",
        "/{a};b",
      ],
      ...[
        "/{a}//b",
        "//{a}",
        "/{a}//",
        "/../{a}",
        "/{a}/..",
        "/{a}/./b",
        "/{a}/b%2fc",
        "/{a}/%61",
        "/{a}/b c",
      ],
      ...["/{a}/\u00e9", "/{a}/b#", "/{a}/b\\c", "/{a}/%ff", "/{a}/%", "/{a}/*", `/{a}${"/b".repeat(32)}`],
    ],
  ],
  ["/rules/0/when/grpc", (grpc) => when({ grpc }), [null, 1, "shop.Orders", [], {}, { method: "Get" }]],
  [
    "/rules/0/when/grpc/service",
    (service) => when({ grpc: { service, method: "Get" } }),
    [
      ...[null, 1, "", ".", "a.", ".a", "a..b", "/a", "a/b", "a-b", "1a", "a.1b", "a b", "*", "a.*", "{a}"],
      ...["a%2eb", "\u00e9", "a\0", ["a"]],
    ],
  ],
  [
    "/rules/0/when/grpc/method",
    (method) => when({ grpc: { service: "a", method } }),
    [null, 1, "", "a.b", "/a", "a/", "1a", "*", "{a}", "a-b", "a\0", ["a"]],
  ],
  ["/rules/0/when/headers", (headers) => when({ headers }), [null, "x-a", {}, []]],
  ["/rules/0/when/headers", (headers) => when({ headers }), [Array.from({ length: 9 }, (_, i) => `x-${i}`)]],
  [
    "/rules/0/when/headers/1",
    (header) => when({ headers: ["x-a", header] }),
    [
      ...[null, 1, "", "x-a", "X-B", ":path", ":authority", "host", "authorization", "x b", "x:b", "x\u00e9"],
      ...["*", "x".repeat(65)],
    ],
  ],
  ["/rules/0/when/methods", (methods) => when({ methods }), [null, "GET", {}, []]],
  [
    "/rules/0/when/methods/0",
    (method) => when({ methods: [method] }),
    [null, 1, "", "get", "GET ", "*", "\u00e9"],
  ],
  ["/rules/0/when/methods/1", (method) => when({ methods: ["GET", method] }), ["GET", "post"]],
  [
    "/rules/0/when/authority",
    (authority) => when({ authority }),
    [null, 1, "", "a b", "https://a", "a/b", "*.a", "a@b"],
  ],
  ["/rules/0/issuers", (issuers) => policyWithRule({ issuers }), [null, "idp", {}, []]],
  ["/rules/0/issuers/0", (value) => policyWithRule({ issuers: [value] }), [null, 1, "", "IDP", "idq"]],
  ["/rules/0/issuers/1", (value) => policyWithRule({ issuers: ["idp", value] }), ["idp"]],
  ["/rules/0/audiences", (audiences) => policyWithRule({ audiences }), [null, "a", []]],
  ["/rules/0/bind", (value) => policyWithRule({ bind: value }), [null, "spiffe", {}, []]],
  ["/rules/0/bind/0", bind, [null, "spiffe", [], {}, { spiffe: { claim: "sub" }, certificate: {} }]],
  ["/rules/0/bind/0/certificate", (certificate) => bind({ certificate }), [null, true, []]],
  ["/dpop", dpop, [null, true, "routed", [ORIGIN], {}, { maxAge: "1m" }]],
  [
    "/dpop/origins",
    (value) => dpop({ origins: value }),
    [null, 1, "", "Routed", ORIGIN, {}, [], manyOrigins(65)],
  ],
  ["/dpop/origins/0", (value) => origins(value), NO_ORIGINS],
  ["/dpop/origins/1", (value) => origins(ORIGIN, value, "http://b.example"), [null, "", "b.example"]],
  [
    "/dpop/maxAge",
    (maxAge) => dpop({ origins: "routed", maxAge }),
    [null, 60, "", "60", "0s", "301s", "6m", "1h", "-1s", "1.5m", "s"],
  ],
  ["/dpop/nonce", (nonce) => dpop({ origins: "routed", nonce }), [null, true, "", "never", "Always"]],
  ["/wpt", wpt, [null, true, "", "routed", [ORIGIN], {}, { maxLifetime: "1m" }]],
  [
    "/wpt/origins",
    (value) => wpt({ origins: value }),
    [null, 1, "", "routed", ORIGIN, {}, [], manyOrigins(65)],
  ],
  ["/wpt/origins", (value) => wpt({ origins: value, audiences: ["urn:x"] }), [null, "", "routed", []]],
  ["/wpt/origins/0", (value) => wpt({ origins: [value] }), [...NO_ORIGINS, "wss://orders.example", "urn:x"]],
  ["/wpt/origins/1", (value) => wpt({ origins: [ORIGIN, value] }), [null, "", "b.example"]],
  [
    "/wpt/audiences",
    (value) => wpt({ audiences: value }),
    [null, 1, "", "urn:x", {}, [], manyAudiences(257)],
  ],
  ["/wpt/audiences", (value) => wpt({ origins: [ORIGIN], audiences: value }), [null, "urn:x", []]],
  ["/wpt/audiences/0", (value) => wpt({ audiences: [value] }), [null, 1, "", [], "x\0", "x".repeat(2049)]],
  ["/wpt/audiences/1", (value) => wpt({ audiences: ["urn:x", value] }), [null, "", "urn:x"]],
  [
    "/wpt/maxLifetime",
    (maxLifetime) => wpt({ audiences: ["urn:x"], maxLifetime }),
    [null, 60, "", "60", "0s", "301s", "6m", "1h", "-1s", "1.5m", "s"],
  ],
  [
    "/rules/0/bind/0/dpop",
    (value) => ({ ...bind({ dpop: value }), dpop: { origins: "routed" } }),
    [null, true, "", []],
  ],
  ["/rules/0/bind/0/certificate/rotation", rotation, [null, true, "1h", []]],
  [
    "/rules/0/bind/0/certificate/rotation/claim",
    (claim) => rotation({ claim, window: "1h" }),
    [null, 1, "", "a..b", ["sub"]],
  ],
  [
    "/rules/0/bind/0/certificate/rotation/window",
    (window) => rotation({ claim: "sub", window }),
    [null, 3600, "", "1", "0s", "25h", "86401s", "1d", "-1s", "1.5h", "9999999s"],
  ],
  ["/rules/0/bind/0/spiffe", (value) => bind({ spiffe: value }), [null, true, "sub", [], {}]],
  [
    "/rules/0/bind/0/spiffe/claim",
    spiffe,
    [null, 1, "", ".", "a.", ".a", "a..b", '"a', 'a"', '"a"b', '""', "a\0b", "a.b.c.d.e.f.g.h.i", ["sub"]],
  ],
];

describe("a member with a wrong value", () => {
  for (const [pointer, make, values] of WRONG) {
    it(`is refused at ${pointer}`, () => {
      for (const value of values) desk.assertRefused(make(value), pointer);
    });
  }
});

describe("a member that has to be there", () => {
  it("is missed where it belongs", () => {
    desk.assertRefused({}, "");
    desk.assertRefused(without(policy(), "issuers"), "", /at least one issuer/);
    for (const name of ["issuer", "keys"])
      desk.assertRefused(policy({ issuers: { idp: without(issuer(), name) } }), "/issuers/idp");
    desk.assertRefused(policy({ rules: [{}] }), "/rules/0", /"name"/);
  });
});

describe("a name that is not known", () => {
  const MISSPELLED: readonly (readonly [string, Json, string])[] = [
    ["/modes", policy({ modes: "observe" }), "mode"],
    ["/trustdomain", policy({ trustdomain: "a" }), "trustDomain"],
    ["/isuers", { isuers: {} }, "issuers"],
    ["/presenter/validateBy", policy({ presenter: { validateBy: "envoy" } }), "validatedBy"],
    ["/dpop/origin", dpop({ origin: [ORIGIN] }), "origins"],
    ["/dpop/maxage", dpop({ origins: "routed", maxage: "1m" }), "maxAge"],
    ["/dpop/nonce", dpop({ origins: "routed", nonce: "afterstart" }), "afterStart"],
    ["/wtp", policy({ wtp: {} }), "wpt"],
    ["/wpt/origin", wpt({ origin: [ORIGIN] }), "origins"],
    ["/wpt/audience", wpt({ audience: ["urn:x"] }), "audiences"],
    ["/wpt/maxlifetime", wpt({ origins: [ORIGIN], maxlifetime: "1m" }), "maxLifetime"],
    ["/issuers/idp/audience", policyWithIssuer({ audience: "a" }), "audiences"],
    ["/issuers/idp/keys/jkws", policyWithIssuer({ keys: { jkws: {} } }), "jwks"],
    [
      "/issuers/idp/keys/jwt_authn/payloadheader",
      policyWithIssuer({ keys: { jwt_authn: { payloadheader: "a" } } }),
      "payloadHeader",
    ],
    ["/rules/0/issuer", policyWithRule({ issuer: "idp" }), "issuers"],
    ["/rules/0/when/method", when({ method: "GET" }), "methods"],
    ["/rules/0/when/pathTemplte", when({ pathTemplte: "/{a}" }), "pathTemplate"],
    ["/rules/0/when/header", when({ header: ["x-a"] }), "headers"],
    ["/rules/0/when/grpc/methods", when({ grpc: { service: "a", methods: "b" } }), "method"],
    ["/rules/0/bind/0/spife", bind({ spife: {} }), "spiffe"],
    ["/rules/0/bind/0/certificate/rotatoin", bind({ certificate: { rotatoin: {} } }), "rotation"],
    ["/rules/0/bind/0/certificate/rotation/windows", rotation({ claim: "sub", windows: "1h" }), "window"],
    ["/rules/0/bind/0/spiffe/claims", bind({ spiffe: { claims: "sub" } }), "claim"],
    ["/mode", policy({ mode: "enforced" }), "enforce"],
    ["/rules/0/token", policyWithRule({ token: "require" }), "required"],
    ["/rules/0/issuers/0", policyWithRule({ issuers: ["ipd"] }), "idp"],
  ];
  for (const [pointer, wrong, nearest] of MISSPELLED) {
    it(`is refused at ${pointer}, and ${nearest} is offered`, () => {
      desk.assertRefused(wrong, pointer, new RegExp(`; did you mean "${nearest}"\\?$`));
    });
  }

  it("is refused without an offer when nothing is near", () => {
    const { message } = desk.offer(policy({ somethingElse: 1 }));
    assert.doesNotMatch(message, /did you mean/);
    desk.assertRefused(
      bind({ proxyPrincipals: { sha: 1 } }),
      "/rules/0/bind/0/proxyPrincipals/sha",
      /an empty object/,
    );
  });

  it("is shown escaped as RFC 6901 says, and masked where it is not plain", () => {
    desk.assertRefused(policy({ "a/b~c": 1 }), "/a~1b~0c");
    desk.assertRefused(policy({ "~1": 1 }), "/~01");
    desk.assertRefused(policy({ "": 1 }), "/");
    desk.assertRefused(policy({ 'q"\n\u00e9': 1 }), "/q????");
    desk.assertRefused(policy({ issuers: { "a/b": issuer() } }), "/issuers/a~1b");
  });
});

describe("an issuer's name", () => {
  it("is 1 to 64 plain characters", () => {
    for (const name of ["a", "A-1._", "x".repeat(64)])
      desk.assertAccepted(policy({ issuers: { [name]: issuer() } }));
    desk.assertRefused(policy({ issuers: { "": issuer() } }), "/issuers/");
    desk.assertRefused(policy({ issuers: { "a b": issuer() } }), "/issuers/a?b");
    desk.assertRefused(policy({ issuers: { ["x".repeat(65)]: issuer() } }), `/issuers/${"x".repeat(64)}`);
  });

  it("leads to one issuer, and no other entry leads there too", () => {
    desk.assertRefused(policy({ issuers: { a: issuer(), b: issuer() } }), "/issuers/b/issuer");
  });
});

describe("a binding that is there already", () => {
  const sub = { spiffe: { claim: "sub" } };

  it("is refused at the second: it would prove nothing more", () => {
    for (const binding of [{ certificate: {} }, sub, { spiffe: { claim: "act.sub" } }])
      desk.assertRefused(bind(binding, binding), "/rules/0/bind/1", /not there twice/);
    desk.assertRefused(bind(sub, { spiffe: { claim: '"sub"' } }), "/rules/0/bind/1", /not there twice/);
    desk.assertRefused(bind({ certificate: {} }, sub, { certificate: {} }), "/rules/0/bind/2");
  });

  it("is not one that looks at something else", () => {
    desk.assertAccepted(bind(sub, { spiffe: { claim: "act.sub" } }, { certificate: {} }));
    desk.assertAccepted(bind({ certificate: {} }, { spiffe: { claim: "act.sub" } }, sub));
  });
});

describe("proofs of possession", () => {
  it("have origins, or what Envoy routes by", () => {
    for (const value of ["routed", [ORIGIN], [`${ORIGIN}/`], ["HTTP://[::1]:8080"], manyOrigins(64)])
      desk.assertAccepted(dpop({ origins: value }));
    for (const maxAge of ["1s", "5m", "300s"]) desk.assertAccepted(dpop({ origins: "routed", maxAge }));
    for (const nonce of ["afterStart", "always"]) desk.assertAccepted(dpop({ origins: "routed", nonce }));
  });

  it("cannot be asked for where nobody says how they are judged", () => {
    desk.assertRefused(bind({ dpop: {} }), "/rules/0/bind/0/dpop", /a policy with "dpop"/);
    desk.assertAccepted({ ...bind({ dpop: {} }), dpop: { origins: "routed" } });
    const anyOf = bind({ anyOf: [{ dpop: {} }, { certificate: {} }] });
    desk.assertRefused(anyOf, "/rules/0/bind/0/anyOf/0/dpop", /a policy with "dpop"/);
  });
});

describe("workloads' proofs of possession", () => {
  it("are for origins, for audiences, or for both", () => {
    for (const members of [
      { origins: [ORIGIN] },
      { origins: [`${ORIGIN}/`, "HTTP://[::1]:8080"] },
      { origins: manyOrigins(64) },
      { audiences: ["urn:x", "anything at all"] },
      { audiences: manyAudiences(256) },
      { origins: [ORIGIN], audiences: ["urn:x"] },
    ])
      desk.assertAccepted(wpt(members));
    desk.assertRefused(wpt({ maxLifetime: "1m" }), "/wpt", /"origins".*"audiences"/);
  });

  it("last from a second to five minutes", () => {
    for (const maxLifetime of ["1s", "60s", "1m", "300s", "5m"])
      desk.assertAccepted(wpt({ origins: [ORIGIN], maxLifetime }));
  });

  it("are judged beside DPoP proofs, and have no members of theirs", () => {
    desk.assertAccepted({ ...wpt({ origins: [ORIGIN] }), dpop: { origins: "routed" } });
    desk.assertRefused(wpt({ origins: [ORIGIN], nonce: "always" }), "/wpt/nonce");
    desk.assertRefused(wpt({ origins: [ORIGIN], maxAge: "1m" }), "/wpt/maxAge");
  });

  it("are asked for by tokens, and by no rule", () => {
    desk.assertRefused({ ...bind({ wpt: {} }), wpt: { origins: [ORIGIN] } }, "/rules/0/bind/0/wpt");
  });
});

describe("a certificate's rotation", () => {
  const good = { claim: "sub", window: "1h" };

  it("has a claim and a window, and lasts for a day at most", () => {
    for (const members of [good, { claim: "act.sub", window: "1s" }, { claim: "sub", window: "24h" }])
      desk.assertAccepted(rotation(members));
    const place = "/rules/0/bind/0/certificate/rotation";
    desk.assertRefused(rotation({}), place, /"claim"/);
    desk.assertRefused(rotation({ window: "1h" }), place, /"claim"/);
    desk.assertRefused(rotation({ claim: "sub" }), place, /"window".*"1s" to "24h"/);
  });

  it("is refused within an anyOf, where it would say more than its alternative", () => {
    const anyOf = [{ spiffe: { claim: "sub" } }, { certificate: { rotation: good } }];
    desk.assertRefused(bind({ anyOf }), "/rules/0/bind/0/anyOf/1/certificate/rotation", /no rotation within/);
  });

  it("is refused twice in a rule, and at a waypoint", () => {
    const certificate = { rotation: good };
    desk.assertRefused(bind({ certificate }, { certificate: {} }), "/rules/0/bind/1", /not there twice/);
    desk.assertRefused(bind({ certificate: {} }, { certificate }), "/rules/0/bind/1", /not there twice/);
    const waypoint = { ...bind({ certificate }), presenter: { from: "waypoint" } };
    desk.assertRefused(waypoint, "/rules/0/bind/0/certificate", /no certificate binding but with "peer"/);
  });
});

describe("rules that make no sense together", () => {
  const rules = (...list: readonly Json[]): Json => policy({ rules: list });

  it("have one name each", () => {
    desk.assertRefused(
      rules({ name: "a", when: { path: "/a" } }, { name: "a", when: { path: "/b" } }),
      "/rules/1/name",
    );
  });

  it("can all be reached", () => {
    const pairs: readonly (readonly [unknown, unknown])[] = [
      [undefined, { path: "/a" }],
      [{ path: "/a" }, { path: "/a" }],
      [{ pathPrefix: "/" }, undefined],
      [{ pathPrefix: "/a" }, { path: "/a/b" }],
      [{ pathPrefix: "/a/" }, { pathPrefix: "/a/b" }],
      [{ methods: ["GET", "PUT"] }, { methods: ["PUT"] }],
      [{ authority: "a.example" }, { authority: "A.example.:443" }],
      [{ headers: ["x-a"] }, { path: "/a", headers: ["x-b", "x-a"] }],
      [{ path: "/%7Ba" }, { path: "/%7ba" }],
      [{ pathTemplate: "/{**}" }, undefined],
      [{ pathTemplate: "/{**}" }, { pathPrefix: "/" }],
      [{ pathTemplate: "/a/{id}" }, { path: "/a/b" }],
      [{ pathTemplate: "/a/{id}" }, { pathTemplate: "/a/{*}" }],
      [{ pathTemplate: "/{a}/{b}" }, { pathTemplate: "/{a}/b" }],
      [{ pathTemplate: "/{a}/b/{**}" }, { pathTemplate: "/a/b/{c}/d" }],
      [{ pathTemplate: "/{a}/{**}" }, { pathTemplate: "/a/{b}/{**}" }],
      [{ pathTemplate: "/{a}/{**}" }, { pathPrefix: "/a/b" }],
      [{ pathTemplate: "/{a}/{**}" }, { grpc: { service: "a", method: "b" } }],
      [{ pathPrefix: "/a" }, { pathTemplate: "/a/{b}" }],
      [{ pathPrefix: "/a" }, { pathTemplate: "/a/{**}" }],
      [{ pathPrefix: "/a.B" }, { grpc: { service: "a.B" } }],
      [{ grpc: { service: "a.B" } }, { grpc: { service: "a.B", method: "c" } }],
      [{ path: "/a.B/c" }, { grpc: { service: "a.B", method: "c" } }],
    ];
    for (const [first, second] of pairs) {
      const both = rules(
        { name: "first", ...(first === undefined ? {} : { when: first }) },
        { name: "second", ...(second === undefined ? {} : { when: second }) },
      );
      desk.assertRefused(
        both,
        "/rules/1",
        /expected a rule that can be reached; the earlier rule "first" takes all its requests$/,
      );
    }
  });

  it("are taken when each has requests of its own", () => {
    desk.assertAccepted(
      rules(
        { name: "a", when: { path: "/a" } },
        { name: "b", when: { pathPrefix: "/a", methods: ["GET"] } },
        { name: "c", when: { pathPrefix: "/a", authority: "a.example:1" } },
        { name: "d", when: { pathPrefix: "/a", authority: "a.example" } },
        { name: "e", when: { pathPrefix: "/a" } },
        { name: "f", when: { pathPrefix: "/ab" } },
        { name: "g" },
      ),
    );
    const pairs: readonly (readonly [Json, Json])[] = [
      [{ headers: ["x-a", "x-b"] }, { headers: ["x-a"] }],
      [{ headers: ["x-a"] }, { headers: ["x_a"] }],
      [{ pathTemplate: "/a/{b}" }, { pathPrefix: "/a/b" }],
      [{ pathTemplate: "/a/{**}" }, { pathPrefix: "/a" }],
      [{ pathTemplate: "/a/{b}/{**}" }, { pathPrefix: "/a/b" }],
      [{ pathTemplate: "/a/{b}" }, { path: "/a/" }],
      [{ pathTemplate: "/a/{b}" }, { pathTemplate: "/{a}/b" }],
      [{ pathTemplate: "/a/b/{c}" }, { pathTemplate: "/a/{b}/{c}" }],
      [{ pathTemplate: "/{a}" }, { pathTemplate: "/{a}/{b}" }],
      [{ pathTemplate: "/{a}/{b}" }, { pathTemplate: "/{a}" }],
      [{ pathTemplate: "/{a}" }, { pathTemplate: "/{a}/" }],
      [{ pathTemplate: "/{a}/{b}" }, { pathTemplate: "/{a}/" }],
      [{ pathTemplate: "/{a}/{b}" }, { pathTemplate: "/{a}/{**}" }],
      [{ pathTemplate: "/{a}/{b}/{**}" }, { pathTemplate: "/{a}/{**}" }],
      [{ pathPrefix: "/a/b" }, { pathTemplate: "/a/{b}" }],
      [{ path: "/a/b" }, { pathTemplate: "/a/{b}" }],
      [{ grpc: { service: "a", method: "b" } }, { grpc: { service: "a" } }],
      [{ grpc: { service: "a" } }, { grpc: { service: "a.b" } }],
    ];
    for (const [first, second] of pairs)
      desk.assertAccepted(rules({ name: "first", when: first }, { name: "second", when: second }));
  });

  it("ask nothing of a token that they do not look at", () => {
    for (const members of [{ issuers: ["idp"] }, { audiences: ["a"] }, { bind: [{ certificate: {} }] }]) {
      const [name = ""] = Object.keys(members);
      desk.assertRefused(policyWithRule({ token: "none", ...members }), `/rules/0/${name}`, /nothing here/);
    }
  });
});
