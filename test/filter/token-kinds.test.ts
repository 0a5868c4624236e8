// Kinds of token: how each is found, what it has to say, and what it must not.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { without } from "./support/json.ts";
import type { Json } from "./support/json.ts";
import { makeKey } from "./support/keys.ts";
import type { Jwk } from "./support/keys.ts";
import { issuer, policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { CLAIMS, key, token, tokenOf } from "./support/tokens.ts";
import { AUDIENCE, ISSUER, NOW, WEB, thief } from "./support/world.ts";

const HEADER = { alg: "ES256", kid: "k1" };
const DATES = { iat: NOW, exp: NOW + 300 };
const NAMESPACE = "example.org";

function keys(...jwks: readonly Jwk[]): Json {
  return { jwks: { keys: jwks } };
}

function scene(...issuers: readonly Json[]): Scene {
  return new Scene(policy({ issuers: Object.fromEntries(issuers.map((one, i) => [`i${i}`, one])) }));
}

describe("a JWT-SVID", () => {
  const svid = (members: Json = {}): Json => ({
    kind: "jwt-svid",
    trustDomain: NAMESPACE,
    audiences: [AUDIENCE],
    keys: keys({ ...key.jwk, use: "jwt-svid" }),
    ...members,
  });
  const claims = { sub: WEB, aud: [AUDIENCE], ...DATES };
  const present = (header: Json, payload: Json, of = svid()) => scene(of).present(tokenOf(header, payload));

  it("needs no issuer, and has typ JWT, JOSE or none", () => {
    for (const typ of ["JWT", "JOSE", undefined]) assertAllowed(present({ ...HEADER, typ }, claims), typ);
  });

  it("is found by the trust domain of its sub", () => {
    const elsewhere = tokenOf(HEADER, { ...claims, sub: "spiffe://elsewhere.org/web" });
    assertDenied(scene(svid()).present(elsewhere), "issuer_unknown");
    const two = scene(svid({ trustDomain: "elsewhere.org", keys: keys(makeKey("ES256", "k1").jwk) }), svid());
    assertAllowed(two.present(tokenOf(HEADER, claims)));
    assertDenied(two.present(elsewhere), "signature_invalid");
  });

  it("whose issuer the policy names has to come from there", () => {
    const named = svid({ issuer: ISSUER });
    assertAllowed(present(HEADER, { ...claims, iss: ISSUER }, named));
    assertDenied(present(HEADER, claims, named), "issuer_unknown");
    assertDenied(
      present(HEADER, { ...claims, iss: ISSUER, sub: "spiffe://other.org/x" }, named),
      "subject_malformed",
    );
  });

  for (const [flaw, header, payload, reason] of [
    ["no key ID", { alg: "ES256" }, claims, "token_header_malformed"],
    ["an access token's typ", { ...HEADER, typ: "at+jwt" }, claims, "token_type_unsupported"],
    ["a WIT's typ", { ...HEADER, typ: "wit+jwt" }, claims, "token_type_unsupported"],
    ["no aud", HEADER, without(claims, "aud"), "claim_absent"],
    ["another aud", HEADER, { ...claims, aud: ["other"] }, "audience_mismatch"],
    ["no exp", HEADER, without(claims, "exp"), "expiry_absent"],
    ["no sub", HEADER, without(claims, "sub"), "issuer_unknown"],
    ["a sub without a path", HEADER, { ...claims, sub: "spiffe://example.org" }, "subject_malformed"],
    ["a sub that is no SPIFFE ID", HEADER, { ...claims, sub: "https://example.org/web" }, "issuer_unknown"],
    ["a NUL in its sub", HEADER, { ...claims, sub: `${WEB}\0` }, "issuer_unknown"],
  ] as const) {
    it(`with ${flaw} is refused`, () => {
      assertDenied(present(header, payload), reason);
    });
  }

  it("is signed by a key for JWT-SVIDs, not by another of the bundle", () => {
    const bundle = keys({ ...makeKey("ES256", "k9").jwk, use: "jwt-svid" }, { ...key.jwk, use: "wit-svid" });
    assertDenied(present(HEADER, claims, svid({ keys: bundle })), "key_unknown");
    const nothing = keys({ ...makeKey("ES256", "k9").jwk, use: "jwt-svid" }, key.jwk);
    assertDenied(present(HEADER, claims, svid({ keys: nothing })), "key_unknown");
  });

  it("is not signed with EdDSA, which its specification does not list", () => {
    const ed = makeKey("EdDSA", "k1");
    assert.throws(() => scene(svid({ keys: keys(ed.jwk) })), /a key for JWT-SVIDs/);
    assert.throws(() => scene(svid({ keys: keys({ ...ed.jwk, use: "jwt-svid" }) })), /a key for JWT-SVIDs/);
  });

  it("may be checked with the plain JWKS that SPIRE's OIDC discovery publishes", () => {
    assertAllowed(present(HEADER, claims, svid({ keys: keys(key.jwk) })));
  });
});

describe("a WIT-SVID", () => {
  const header = { ...HEADER, typ: "wit+jwt" };
  const jwk = { ...makeKey("ES256", "proof").jwk };
  const claims = { sub: WEB, ...DATES, cnf: { jwk } };
  const wits: Json = {
    kind: "wit-svid",
    trustDomain: NAMESPACE,
    keys: keys({ ...key.jwk, use: "wit-svid" }),
  };
  const present = (head: Json, payload: Json, of = wits) =>
    scene(of).ask({ headers: [["workload-identity-token", tokenOf(head, payload)]] });

  it("that is right is denied where no proofs of workloads are judged", () => {
    assertDenied(present(header, claims), "cnf_unsupported");
    assertDenied(present(header, { ...claims, iss: "https://wits.example" }), "cnf_unsupported");
  });

  for (const [flaw, head, payload, reason] of [
    ["typ JWT", { ...header, typ: "JWT" }, claims, "token_type_unsupported"],
    ["typ WIT+JWT", { ...header, typ: "WIT+JWT" }, claims, "token_type_unsupported"],
    ["no typ", HEADER, claims, "token_type_unsupported"],
    ["no key ID", without(header, "kid"), claims, "token_header_malformed"],
    ["an audience", header, { ...claims, aud: AUDIENCE }, "claim_forbidden"],
    ["no exp", header, without(claims, "exp"), "expiry_absent"],
    ["no cnf", header, without(claims, "cnf"), "claim_absent"],
    ["a cnf that is no object", header, { ...claims, cnf: "jwk" }, "cnf_malformed"],
    ["a cnf without jwk", header, { ...claims, cnf: { kid: "x" } }, "claim_absent"],
    ["a jwk that is no object", header, { ...claims, cnf: { jwk: "x" } }, "cnf_malformed"],
    ["a jwk without alg", header, { ...claims, cnf: { jwk: without(jwk, "alg") } }, "cnf_malformed"],
    ["a jwk for HS256", header, { ...claims, cnf: { jwk: { ...jwk, alg: "HS256" } } }, "cnf_malformed"],
    ["a private jwk", header, { ...claims, cnf: { jwk: { ...jwk, d: "AA" } } }, "cnf_malformed"],
    ["a sub without a path", header, { ...claims, sub: "spiffe://example.org" }, "subject_malformed"],
    ["a WIMSE URI as its sub", header, { ...claims, sub: "wimse://example.org/web" }, "issuer_unknown"],
  ] as const) {
    it(`with ${flaw} is refused`, () => {
      assertDenied(present(head, payload), reason);
    });
  }

  it("is not taken from the authorization header", () => {
    assertDenied(scene(wits).present(tokenOf(header, claims)), "token_absent");
  });

  it("of WIMSE's, no SVID, may have any URI of the trust domain and a plain key set", () => {
    const wit = { kind: "wit", trustDomain: NAMESPACE, keys: keys(key.jwk) };
    assertDenied(present(header, { ...claims, sub: "wimse://example.org/web" }, wit), "cnf_unsupported");
    assertDenied(present(header, { ...claims, sub: "wimse://elsewhere.org/web" }, wit), "issuer_unknown");
  });
});

describe("a Kubernetes service-account token", () => {
  const k8s = issuer({ kind: "kubernetes", issuer: ISSUER });
  const sub = "system:serviceaccount:shop:web";
  const bound = {
    ...CLAIMS,
    sub,
    "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web", uid: "u" } },
  };
  const flat = {
    ...CLAIMS,
    sub,
    "kubernetes.io/serviceaccount/namespace": "shop",
    "kubernetes.io/serviceaccount/service-account.name": "web",
  };
  const rule = { name: "all", bind: [{ certificate: {} }] };
  // Bound by certificate here: what its account has to do with a SPIFFE ID is a binding's business.
  const present = (payload: Json) =>
    new Scene(policy({ issuers: { k8s }, rules: [rule] })).present(tokenOf(HEADER, payload));

  it("is taken in its bound and in its older flat form", () => {
    assertDenied(present(bound), "certificate_unbound");
    assertDenied(present(flat), "certificate_unbound");
  });

  for (const [flaw, payload, reason] of [
    ["no exp, as the oldest are,", without(flat, "exp"), "expiry_absent"],
    ["no account", { ...CLAIMS, sub }, "claim_absent"],
    ["no sub", without(bound, "sub"), "claim_absent"],
    ["both forms", { ...flat, ...bound }, "claim_malformed"],
    [
      "another account in its sub",
      { ...bound, sub: "system:serviceaccount:shop:thief" },
      "subject_malformed",
    ],
    ["another namespace in its sub", { ...flat, sub: "system:serviceaccount:web:web" }, "subject_malformed"],
    ["more in its sub", { ...bound, sub: `${sub}:x` }, "subject_malformed"],
    ["a node's sub", { ...bound, sub: "system:node:web" }, "subject_malformed"],
    ["kubernetes.io that is no object", { ...bound, "kubernetes.io": "shop" }, "claim_malformed"],
    [
      "a namespace that is no string",
      { ...bound, "kubernetes.io": { namespace: 1, serviceaccount: { name: "web" } } },
      "claim_malformed",
    ],
    [
      "a colon in its namespace",
      {
        ...bound,
        sub: "system:serviceaccount:a:b:c",
        "kubernetes.io": { namespace: "a:b", serviceaccount: { name: "c" } },
      },
      "subject_malformed",
    ],
  ] as const) {
    it(`with ${flaw} is refused`, () => {
      assertDenied(present(payload), reason);
    });
  }
});

describe("an access token", () => {
  it("says nothing that makes it another kind of token", () => {
    const access = new Scene();
    for (const claims of [
      { typ: "Bearer" },
      { typ: "JWT" },
      { token_use: "access" },
      { token_use: "access_token" },
    ])
      assertAllowed(access.present(token(claims)), JSON.stringify(claims));
    for (const claims of [{ typ: "ID" }, { token_use: "id" }, { nonce: "n" }])
      assertDenied(access.present(token(claims)), "id_token", JSON.stringify(claims));
    for (const claims of [
      { typ: "Refresh" },
      { typ: "Offline" },
      { typ: "Logout" },
      { token_use: "refresh_token" },
      { token_use: 7 },
      { events: {} },
    ])
      assertDenied(access.present(token(claims)), "claim_forbidden", JSON.stringify(claims));
  });
});

describe("a header of its own", () => {
  const named = issuer({ header: "x-user-token" });

  it("holds the token, bare or with its scheme", () => {
    assertAllowed(scene(named).ask({ headers: [["x-user-token", token()]] }));
    assertAllowed(scene(named).ask({ headers: [["x-user-token", `Bearer ${token()}`]] }));
    assertDenied(
      scene(named).ask({ headers: [["x-user-token", `Basic ${token()}`]] }),
      "authorization_malformed",
    );
    assertDenied(scene(named).ask({ headers: [["x-user-token", token()]], peer: thief }), "spiffe_mismatch");
  });

  it("holds it once", () => {
    const twice = [
      ["x-user-token", token()],
      ["x-user-token", token()],
    ] as const;
    assertDenied(scene(named).ask({ headers: twice }), "token_duplicate");
    assertDenied(
      scene(named).ask({ headers: [["x-user-token", `${token()},${token()}`]] }),
      "token_duplicate",
    );
  });

  it("is also the one that some servers take for it: with underscores", () => {
    assertDenied(
      scene(named).ask({
        headers: [
          ["x-user-token", token()],
          ["x_user_token", token()],
        ],
      }),
      "token_duplicate",
    );
    const optional = new Scene(policy({ issuers: { named }, rules: [{ name: "all", token: "optional" }] }));
    assertDenied(optional.ask({ headers: [["x_user-token", "forged.x.y"]] }), "token_malformed");
  });

  it("leaves authorization to others, but not two of them", () => {
    const other: [string, string] = ["authorization", "Basic dXNlcg=="];
    assertAllowed(scene(named).ask({ headers: [other, ["x-user-token", token()]] }));
    assertDenied(scene(named).ask({ headers: [other] }), "token_absent");
    assertDenied(scene(named).ask({ headers: [other, other, ["x-user-token", token()]] }), "token_duplicate");
  });

  it("beside authorization is a second credential where the rule takes both", () => {
    const both = scene(named, issuer({ issuer: "https://other.example" }));
    const elsewhere = token({ iss: "https://other.example" });
    assertAllowed(both.present(elsewhere));
    assertAllowed(both.ask({ headers: [["x-user-token", token()]] }));
    assertDenied(both.present(elsewhere, { headers: [["x-user-token", token()]] }), "token_duplicate");
    assertDenied(both.present(token()), "issuer_unknown", "a token of one header in the other");
  });
});

describe("the scheme DPoP", () => {
  const present = (claims: Json) =>
    scene(issuer()).ask({ headers: [["authorization", `DPoP ${token(claims)}`]] });

  it("is for tokens that name a key, which nobody here can have proven yet", () => {
    assertDenied(present({}), "dpop_unbound");
    assertDenied(present({ cnf: { jkt: "x" } }), "cnf_unsupported");
    assert.equal(present({}).reply?.status, 401);
  });
});

describe("a policy", () => {
  const svid = { kind: "jwt-svid", trustDomain: "example.org", audiences: ["a"], keys: keys(key.jwk) };
  for (const [flaw, members, place] of [
    ["jwt-svid without audiences", without(svid, "audiences"), ""],
    ["jwt-svid without a trust domain", without(svid, "trustDomain"), ""],
    ["wit-svid with audiences", { ...svid, kind: "wit-svid" }, "/audiences"],
    [
      "wit in a header of its own",
      { ...without(svid, "audiences"), kind: "wit-svid", header: "x" },
      "/header",
    ],
    ["an access token with a trust domain", issuer({ trustDomain: "example.org" }), "/trustDomain"],
    ["a kind that jwt_authn does not know", issuer({ kind: "kubernetes", keys: "jwt_authn" }), "/keys"],
    ["a kind that is none", issuer({ kind: "id-token" }), "/kind"],
    ["a header in capitals", issuer({ header: "X-Token" }), "/header"],
    ["authorization as a header of its own", issuer({ header: "authorization" }), "/header"],
    ["a key without kid", { ...svid, keys: keys(without(key.jwk, "kid")) }, "/keys/jwks/keys/0"],
  ] as const) {
    it(`with ${flaw} is refused`, () => {
      assert.throws(() => scene(members), new RegExp(`refused at "/issuers/i0${place}"`));
    });
  }

  it("with two issuers that cannot be told apart is refused", () => {
    assert.throws(
      () => scene(svid, { ...svid, kind: "jwt-svid" }),
      /refused at "\/issuers\/i1\/trustDomain"/,
    );
    assert.doesNotThrow(() => scene(svid, { ...svid, issuer: "https://spire.example" }));
  });
});
