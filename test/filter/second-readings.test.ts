// Attacks that were tried against the filter and worked once: each makes two parties read one request in two ways, or
// brings a second credential along.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { verified, verifiedExactly } from "./support/jwt-authn.ts";
import { issuer, policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied, assertWouldDeny, bearer, reasonOf } from "./support/scene.ts";
import { CLAIMS, token } from "./support/tokens.ts";
import { THIEF, plaintext, thief, web } from "./support/world.ts";

const PARTNER = "https://partner.example";
const partner = { issuer: PARTNER, keys: { jwt_authn: { metadataKey: "partner" } } };
const corp = issuer({ keys: "jwt_authn" });

describe("a token that jwt_authn verified and removed is no absent token", () => {
  const optional = (issuers: readonly string[]) =>
    new Scene(policy({ issuers: { corp, partner }, rules: [{ name: "all", token: "optional", issuers }] }));

  it("when its issuer is in the policy but not in the rule", () => {
    assertDenied(
      optional(["corp"]).ask({ peer: thief, metadata: verified({ iss: PARTNER }, "partner") }),
      "issuer_unknown",
    );
  });

  it("when no issuer of the policy is its own", () => {
    assertDenied(
      optional(["corp"]).ask({ metadata: verified({ iss: "https://other.example" }) }),
      "issuer_unknown",
    );
    assertDenied(optional(["corp"]).ask({ metadata: verifiedExactly({ sub: THIEF }) }), "issuer_unknown");
    assertDenied(optional(["corp"]).ask({ metadata: verified({}, "elsewhere") }), "issuer_unknown");
  });

  it("when the policy leaves no issuer to jwt_authn", () => {
    const scene = new Scene(policy({ rules: [{ name: "all", token: "optional" }] }));
    assertDenied(scene.ask({ metadata: verified() }), "issuer_unknown");
    assertAllowed(scene.ask(), "token_optional_absent");
  });

  it("when Envoy cannot say whose it is", () => {
    const scene = optional(["corp"]);
    for (const fault of [{ status: 10 }, { result: "oversized" }] as const) {
      // After the look for an earlier verdict.
      scene.host.calls.inject("proxy_get_property", fault, 2);
      assertDenied(scene.ask({ metadata: verified() }), "host_unavailable");
    }
    scene.host.calls.clearFaults();
  });
});

describe("of two verified credentials none counts", () => {
  it("when jwt_authn verified both", () => {
    const scene = new Scene(policy({ issuers: { corp, partner } }));
    const both = {
      "envoy.filters.http.jwt_authn": { payload: CLAIMS, partner: { ...CLAIMS, iss: PARTNER, sub: THIEF } },
    };
    assertDenied(scene.ask({ peer: thief, metadata: both }), "token_duplicate");
  });

  it("when one is in the header and the other came from elsewhere", () => {
    const scene = new Scene(policy({ issuers: { idp: issuer(), partner } }));
    const metadata = verified({ iss: PARTNER }, "partner");
    const own = token({ sub: THIEF });
    assertDenied(scene.ask({ peer: thief, headers: [bearer(own)], metadata }), "token_duplicate");
    assertAllowed(scene.ask({ peer: thief, headers: [bearer(own)] }));
  });
});

describe("a token in the header, where another issuer is left to jwt_authn", () => {
  it("is judged whatever else jwt_authn looked at, null claims and all", () => {
    const scene = new Scene(policy({ issuers: { idp: issuer(), partner } }));
    for (const claims of [{}, { email: null }, { roles: ["a", null] }]) {
      assertAllowed(scene.present(token(claims), { metadata: verified(claims) }), JSON.stringify(claims));
    }
  });

  it("while claims that cannot be shown are no absent token", () => {
    const scene = new Scene(policy({ rules: [{ name: "all", token: "optional" }] }));
    assertDenied(scene.ask({ metadata: verified({ email: null }) }), "issuer_unknown");
  });
});

describe("an empty cnf is there", () => {
  const scene = new Scene(policy({ issuers: { corp } }));

  it("and denies, as text and as an object", () => {
    for (const cnf of ["", {}, [], 7, false])
      assertDenied(scene.ask({ metadata: verified({ cnf }) }), "cnf_malformed");
  });
});

describe("a strict rule before a lax one is not slipped past", () => {
  const scene = new Scene(
    policy({
      rules: [
        { name: "orders", when: { pathPrefix: "/orders" } },
        { name: "cancel", when: { path: "/v1/orders:cancel" } },
        { name: "braces", when: { pathPrefix: "/a%7Bb" } },
        { name: "approve", when: { path: "/v1/orders%3Aapprove" } },
        { name: "writes", when: { methods: ["POST"] } },
        { name: "host", when: { authority: "orders.example.org" } },
        { name: "rest", token: "none" },
      ],
    }),
  );

  for (const path of [
    "/orders;jsessionid=1",
    "/orders%3Bx/1",
    "/%6frders/1",
    "/v1/orders%3Acancel",
    "/public/..;/orders/1",
    "/public/.;/..;x=y/orders",
    "/;/orders",
    "/orders/%2e%2e%3B/x",
    "/orders%3Fx",
    "/orders%23x",
    "/x/%c0%ae%c0%ae/orders",
    "/x%ff",
    "/orders%0a",
    "/x%7f",
  ]) {
    it(`by the path ${path}`, () => {
      assertDenied(scene.ask({ path }), "path_ambiguous");
    });
  }

  it("by the plain spelling of what the rule escapes", () => {
    assertDenied(scene.ask({ path: "/v1/orders:approve" }), "token_absent");
    assertDenied(scene.ask({ path: "/v1/orders%3Aapprove" }), "token_absent");
    assertDenied(scene.ask({ path: "/a{b/1" }), "token_absent");
  });

  it("by a method in small letters", () => {
    assertDenied(scene.ask({ method: "post" }), "method_ambiguous");
  });

  for (const authority of [
    "orders.example.org..",
    "orders.example.org,",
    "orders%2eexample.org",
    "u@orders.example.org",
    "orders.example.org:0443",
    "",
  ]) {
    it(`by the authority "${authority}"`, () => {
      assertDenied(scene.ask({ authority }), "authority_ambiguous");
    });
  }

  for (const filler of [3_500_000, 3_790_000, 3_900_000, 3_990_000, 4_190_000]) {
    it(`by an escaped path that ${filler} bytes of headers leave no memory to decode`, () => {
      const path = `/%6frders/${"x".repeat(200_000)}`;
      const stream = scene.ask({ path, headers: [["x-filler", "y".repeat(filler)]] });
      assert.equal(stream.outcome, "replied", reasonOf(stream));
    });
  }

  it("while a path whose readings fall under one rule passes", () => {
    assertAllowed(scene.present(token(), { path: "/orders/1;v=2" }));
    assertAllowed(scene.present(token(), { path: "/orders/caf%C3%A9" }));
    assertAllowed(scene.ask({ path: "/free/%7Euser;x" }));
  });
});

describe("a template or a header before a lax rule is not slipped past", () => {
  const scene = new Scene(
    policy({
      rules: [
        { name: "acting", when: { headers: ["x-act-for"] } },
        { name: "items", when: { pathTemplate: "/tenants/{tenant}/items/{**}" } },
        { name: "grpc", when: { grpc: { service: "shop.v1.Orders" } } },
        { name: "rest", token: "none" },
      ],
    }),
  );

  for (const path of [
    "/tenants/a/items;v=1/1",
    "/tenants;/a/items/1",
    "/tenants/a/%69tems/1",
    "/%74enants/a/items/",
    "/tenants/a%3Fb/items/",
    "/tenants/a%23/items/1",
    "/tenants/a%2Fb/items/1",
    "/tenants//items/1",
    "/tenants/;/items/1",
    "/tenants/%3B/items/1",
    "/tenants/./items/1",
    "/tenants/a/b/../items/1",
    "/x/..;/tenants/a/items/1",
    "/shop.v1.Orders;x/Get",
    "/shop%2Ev1.Orders/Get",
    "/shop.v1.%4Frders/Get",
  ]) {
    it(`by the path ${path}`, () => {
      assertDenied(scene.ask({ path }), "path_ambiguous");
    });
  }

  it("by a path with other escapes and parameters in it, or of any length", () => {
    for (const path of [
      "/tenants/a;v=1/items/1",
      "/tenants/%61/items/1;v=1",
      "/tenants/a/items/%3Fx",
      "/tenants/{tenant}/items/{**}",
      "/tenants/%7B/items/",
      `/tenants/${"a".repeat(60_000)}/items/1`,
      `/tenants/a/items${"/a".repeat(8_000)}`,
      `/tenants/a/items${"/a".repeat(8_000)}/%61`,
      `/shop.v1.Orders${"/a".repeat(8_000)}`,
    ])
      assertDenied(scene.ask({ path }), "token_absent", path.slice(0, 40));
  });

  it("by a header whose name some servers take for the other", () => {
    for (const name of ["x_act_for", "x-act_for", "x_act-for"])
      assertDenied(scene.ask({ headers: [[name, "root"]] }), "header_ambiguous", name);
    assertDenied(
      scene.ask({
        headers: [
          ["x_act_for", "a"],
          ["x-act-for", "b"],
        ],
      }),
      "token_absent",
    );
    assertDenied(scene.ask({ path: "/%6fpen", headers: [["x_act_for", "a"]] }), "header_ambiguous");
    assertAllowed(
      scene.ask({
        headers: [
          ["x-act-for-", "a"],
          ["x-act", "for"],
        ],
      }),
    );
  });

  it("by the last of 1,000 headers", () => {
    const many = Array.from({ length: 1_000 }, (_, i) => [`y-${i}`, ""] as const);
    assertAllowed(scene.ask({ headers: many }));
    assertDenied(scene.ask({ headers: [...many, ["x-act-for", ""]] }), "token_absent");
  });

  it("in observe mode beside an enforced rule", () => {
    const observed = new Scene(
      policy({
        mode: "observe",
        rules: [{ name: "acting", mode: "enforce", when: { headers: ["x-act-for"] } }, { name: "rest" }],
      }),
    );
    assertDenied(observed.ask({ headers: [["x_act_for", ""]] }), "header_ambiguous");
    assertWouldDeny(observed.ask(), "token_absent");
  });
});

describe("observe mode opens nothing beside an enforced rule", () => {
  it("not by a path of which no rule can be named", () => {
    const scene = new Scene(
      policy({
        mode: "observe",
        rules: [{ name: "orders", mode: "enforce", when: { pathPrefix: "/orders" } }, { name: "rest" }],
      }),
    );
    for (const path of ["//orders/1", "/orders/./1", "/%6frders/1"])
      assertDenied(scene.ask({ path }), "path_ambiguous");
    assertWouldDeny(scene.ask({ path: "/other" }), "token_absent");
  });

  it("and answers nobody where everything is observed", () => {
    const scene = new Scene(
      policy({
        rules: [
          { name: "orders", mode: "observe", when: { pathPrefix: "/orders" } },
          { name: "rest", mode: "observe" },
        ],
      }),
    );
    assertWouldDeny(scene.ask({ path: "//orders" }), "path_ambiguous");
  });
});

describe("who has no identity here", () => {
  const foreign = { ...web, uriSan: "spiffe://other.example/web" };

  for (const [who, peer, reason] of [
    ["a peer without a certificate", plaintext, "peer_absent"],
    ["a peer of another trust domain", foreign, "trust_domain_foreign"],
    ["a peer whose certificate nobody validated", { ...web, validated: false }, "peer_not_validated"],
  ] as const) {
    it(`cannot spend signature checks: ${who}`, () => {
      const scene = new Scene(policy({ presenter: { validatedBy: "envoy" } }));
      scene.host.calls.resetCounts();
      const checks = () => scene.host.calls.count("proxy_call_foreign_function");
      assertDenied(scene.present(token(), { peer }), reason);
      assert.equal(checks(), 0);
      assertAllowed(scene.present(token()));
      assert.equal(checks(), 1);
    });
  }
});
