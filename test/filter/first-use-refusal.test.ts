// What a policy may not say about tokens that name nobody: where it is refused, and what was expected.

import { describe, it } from "node:test";
import { LEGACY_HEADER, legacyPolicy } from "./support/first-use.ts";
import { PAYLOAD_HEADER } from "./support/jwt-authn.ts";
import type { Json } from "./support/json.ts";
import { issuer, policy, policyWithIssuer, policyWithRule } from "./support/policies.ts";
import { PolicyDesk } from "./support/refusal.ts";

const desk = new PolicyDesk();

const bind = (...bindings: readonly unknown[]): Json => policyWithRule({ bind: bindings });
const firstUse = (members: unknown): Json => bind({ firstUse: members });
const legacy = (members: Json): Json =>
  legacyPolicy(
    {},
    {},
    { issuers: { legacy: { header: LEGACY_HEADER, introspection: "upstream", ...members } } },
  );

const BATCH = "spiffe://example.org/ns/batch/*/*";
const manySharers = (count: number) =>
  Array.from({ length: count }, (_, i) => `spiffe://example.org/ns/batch/sa/${i}`);
const place = "/rules/0/bind/0/firstUse";

/** What each member may not be. The member's place, a policy with this value there, and the values. */
const WRONG: readonly (readonly [
  pointer: string,
  make: (value: unknown) => Json,
  values: readonly unknown[],
])[] = [
  [place, firstUse, [null, true, "", "spiffeId", []]],
  [
    `${place}/by`,
    (by) => firstUse({ by }),
    [null, 1, true, "", "spiffe", "SpiffeId", "addr", "address ", "certificate", ["address"], {}],
  ],
  [`${place}/sharedBy`, (sharedBy) => firstUse({ sharedBy }), [null, 1, "", BATCH, {}, [], manySharers(257)]],
  [
    `${place}/sharedBy/0`,
    (sharer) => firstUse({ sharedBy: [sharer] }),
    [
      ...[
        null,
        1,
        "",
        "*",
        "web",
        "https://example.org/web",
        "spiffe://example.org",
        "spiffe://*/web",
        [BATCH],
      ],
      ...["spiffe://example.org/**/web", "spiffe://example.org/ns/batch/a*", "spiffe://Example.org/web"],
    ],
  ],
  [`${place}/sharedBy/1`, (sharer) => firstUse({ sharedBy: [BATCH, sharer] }), ["", BATCH]],
  [`${place}/sharedBy`, (sharedBy) => firstUse({ by: "address", sharedBy }), [[BATCH]]],
  [
    `${place}/quarantine`,
    (quarantine) => firstUse({ quarantine }),
    [null, 0, 1, "", "true", "false", [], {}],
  ],
  [
    "/issuers/legacy/introspection",
    (introspection) => legacy({ introspection }),
    [null, 1, true, "", "Upstream", "upstream ", "server", ["upstream"]],
  ],
];

describe("a member with a wrong value", () => {
  for (const [pointer, make, values] of WRONG) {
    it(`is refused at ${pointer}`, () => {
      for (const value of values) desk.assertRefused(make(value), pointer);
    });
  }
});

describe("a name that is not known", () => {
  for (const [name, nearest] of [
    ["shareBy", "sharedBy"],
    ["Quarantine", "quarantine"],
    ["quarantined", "quarantine"],
  ] as const) {
    it(`is refused, and ${nearest} is offered for ${name}`, () => {
      desk.assertRefused(
        firstUse({ [name]: true }),
        `${place}/${name}`,
        new RegExp(`; did you mean "${nearest}"\\?$`),
      );
    });
  }

  it("is refused for the binding itself", () => {
    desk.assertRefused(bind({ firstuse: {} }), "/rules/0/bind/0/firstuse", /did you mean "firstUse"\?$/);
  });
});

describe("first use", () => {
  it("says who counts as one, who shares, and what becomes of a token that two have shown", () => {
    for (const members of [
      {},
      { by: "spiffeId" },
      { by: "address" },
      { by: "address", quarantine: true },
      { sharedBy: [BATCH, "spiffe://example.org/ns/shop/**"], quarantine: false },
      { sharedBy: manySharers(256) },
    ])
      desk.assertAccepted(firstUse(members));
  });

  it("stands in a rule's bind once, and not within another binding", () => {
    const one = { firstUse: {} };
    const sub = { spiffe: { claim: "sub" } };
    desk.assertAccepted(bind(sub, one, { anyOf: [sub, { certificate: {} }] }));
    const expected = /one "firstUse" of a rule, beside "anyOf" and not in it/;
    desk.assertRefused(bind(one, one), "/rules/0/bind/1/firstUse", expected);
    desk.assertRefused(bind(one, sub, { firstUse: { by: "address" } }), "/rules/0/bind/2/firstUse", expected);
    desk.assertRefused(bind({ anyOf: [one, sub] }), "/rules/0/bind/0/anyOf/0/firstUse", expected);
    desk.assertRefused(bind(one, { anyOf: [sub, one] }), "/rules/0/bind/1/anyOf/1/firstUse", expected);
    desk.assertRefused(bind({ firstUse: {}, certificate: {} }), "/rules/0/bind/0", /one binding/);
  });

  it("is no matter of a border", () => {
    const crossing = { bind: [{ firstUse: {} }] };
    for (const border of ["federated", "outside"]) {
      const rules = policy({
        federatedTrustDomains: ["partner.example"],
        issuers: { idp: issuer({ borders: { [border]: crossing } }) },
      });
      desk.assertRefused(
        rules,
        `/issuers/idp/borders/${border}/bind`,
        /no "firstUse" .*here: they belong in a rule/,
      );
    }
  });

  it("goes by address only where the presenter's own is seen", () => {
    const expected = /"by": "spiffeId": only "peer" sees the presenter's own address/;
    const waypoint = { presenter: { from: "waypoint" } };
    desk.assertRefused({ ...firstUse({ by: "address" }), ...waypoint }, place, expected);
    desk.assertAccepted({ ...firstUse({}), ...waypoint });
  });

  it("is nothing for a rule that looks at no token", () => {
    const rule = { token: "none", bind: [{ firstUse: {} }] };
    desk.assertRefused(policyWithRule(rule), "/rules/0/bind", /nothing here/);
    desk.assertAccepted(policyWithRule({ ...rule, token: "optional" }));
  });

  it("needs tokens that jwt_authn leaves in the request", () => {
    const of = (keys: unknown): Json => ({ ...firstUse({}), issuers: { idp: issuer({ keys }) } });
    const expected = /no "firstUse" for tokens that jwt_authn takes out .*"payloadHeader"/;
    desk.assertRefused(of("jwt_authn"), "/rules/0", expected);
    desk.assertRefused(of({ jwt_authn: { metadataKey: "p" } }), "/rules/0", expected);
    desk.assertAccepted(of({ jwt_authn: { payloadHeader: PAYLOAD_HEADER } }));
    desk.assertAccepted(policyWithIssuer({ keys: "jwt_authn" }));
  });

  it("looks at the tokens of its own rule only", () => {
    const rules = [
      { name: "own", when: { path: "/own" }, issuers: ["idp"], bind: [{ firstUse: {} }] },
      { name: "mesh", issuers: ["mesh"] },
    ];
    const mesh = issuer({ issuer: "mesh", keys: "jwt_authn" });
    desk.assertAccepted(policy({ issuers: { idp: issuer(), mesh }, rules }));
  });
});

describe("tokens that only the upstream can verify", () => {
  const upstream = { introspection: "upstream" };
  const expected = /"bind" with "firstUse" in a rule that takes tokens which only the upstream can verify/;

  it("ask each of their rules for first use", () => {
    desk.assertAccepted(legacyPolicy());
    desk.assertAccepted(legacyPolicy({}, { token: "optional" }));
    const network = [{ network: { minTlsVersion: "TLSv1.2" } }];
    desk.assertRefused(legacyPolicy({}, { bind: network }), "/rules/0", expected);
    desk.assertRefused(legacyPolicy({}, { bind: undefined }), "/rules/0", expected);
    const two = [{ name: "a", when: { path: "/a" }, bind: [{ firstUse: {} }] }, { name: "b" }];
    desk.assertRefused(legacyPolicy({}, {}, { rules: two }), "/rules/1", expected);
    const issuers = { idp: issuer(), legacy: upstream };
    desk.assertRefused(policy({ issuers }), "/issuers", expected);
    desk.assertRefused(policy({ issuers: { legacy: upstream } }), "/issuers", expected);
  });

  it("ask nothing of a rule that does not take them", () => {
    const [first, second] = [{ name: "a", when: { path: "/a" }, bind: [{ firstUse: {} }] }, { name: "b" }];
    const issuers = { idp: issuer(), legacy: upstream };
    desk.assertAccepted(policy({ issuers, rules: [first, { ...second, issuers: ["idp"] }] }));
    desk.assertAccepted(policy({ issuers, rules: [first, { ...second, token: "none" }] }));
  });

  for (const [name, value] of Object.entries({
    issuer: "https://idp.example",
    audiences: ["orders"],
    kind: "jwt-svid",
    trustDomain: "example.org",
    clockSkew: "1s",
    maxAge: "1h",
    maxLifetime: "1h",
    keys: { jwks: { keys: [] } },
  })) {
    it(`have no ${name}: nobody here can say it of them`, () => {
      desk.assertRefused(legacy({ [name]: value }), `/issuers/legacy/${name}`, /a known member/);
    });
  }

  it("have presenters, services and borders like others", () => {
    desk.assertAccepted(legacy({ presenters: [BATCH], acceptedBy: ["spiffe://example.org/ns/shop/**"] }));
    desk.assertAccepted(
      legacy({ borders: { outside: { bind: [{ network: { sources: ["10.0.0.0/8"] } }] } } }),
    );
  });

  it("share a header with no other opaque tokens", () => {
    const server = { introspection: { cluster: "as", path: "/introspect" } };
    const rules = [{ name: "all", bind: [{ firstUse: {} }] }];
    desk.assertRefused(
      policy({ issuers: { legacy: upstream, server }, rules }),
      "/rules/0",
      /at most one issuer/,
    );
    const apart = { legacy: { ...upstream, header: LEGACY_HEADER }, server };
    desk.assertAccepted(policy({ issuers: apart, rules }));
  });
});
