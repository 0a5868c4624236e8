import { describe, it } from "node:test";
import { assertNeverAllowed } from "./support/hostile.ts";
import { forwarded, PAYLOAD_HEADER, verified, verifiedExactly } from "./support/jwt-authn.ts";
import { issuer, policy, policyWithIssuer } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied, bearer } from "./support/scene.ts";
import { without } from "./support/json.ts";
import { CLAIMS, base64url, payloadOf, token, tokenOf } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { AUDIENCE, NOW, OTHER_THUMBPRINT, THIEF, WEB, WEB_THUMBPRINT, thief } from "./support/world.ts";

const byHeader = policyWithIssuer({ keys: { jwt_authn: { payloadHeader: PAYLOAD_HEADER } } });
const byMetadata = policyWithIssuer({ keys: "jwt_authn" });

describe("jwt_authn forwards the token and its payload", () => {
  const scene = new Scene(byHeader);
  const good = token();

  it("takes the token whose payload was verified", () => {
    assertAllowed(scene.ask({ headers: forwarded(good), metadata: verified() }));
    assertDenied(
      scene.ask({ headers: forwarded(good), metadata: verified(), peer: thief }),
      "spiffe_mismatch",
    );
  });

  it("refuses a forged token beside one that was verified elsewhere in the request", () => {
    const stolen = token({ sub: THIEF });
    const headers = [bearer(good), [PAYLOAD_HEADER, payloadOf(stolen)] as const];
    assertDenied(scene.ask({ headers, metadata: verified({ sub: THIEF }) }), "jwt_authn_mismatch");
  });

  it("refuses a payload header that is not the token's payload, byte for byte", () => {
    const payload = payloadOf(good);
    for (const other of [
      "",
      payload.slice(0, -1),
      `${payload}=`,
      `${payload},${payload}`,
      ` ${payload}`,
      "e30",
    ])
      assertDenied(
        scene.ask({ headers: forwarded(good, other), metadata: verified() }),
        "jwt_authn_mismatch",
        JSON.stringify(other),
      );
  });

  it("refuses a payload header that is absent or there twice", () => {
    assertDenied(scene.ask({ headers: [bearer(good)], metadata: verified() }), "jwt_authn_mismatch");
    const twice = [...forwarded(good), [PAYLOAD_HEADER, payloadOf(good)] as const];
    assertDenied(scene.ask({ headers: twice, metadata: verified() }), "jwt_authn_mismatch");
    const other = [...forwarded(good), [PAYLOAD_HEADER, payloadOf(token({ sub: THIEF }))] as const];
    assertDenied(scene.ask({ headers: other, metadata: verified() }), "jwt_authn_mismatch");
  });

  it("believes no header when jwt_authn says nothing: the client can write it", () => {
    assertDenied(scene.ask({ headers: forwarded(good) }), "jwt_authn_absent");
    assertDenied(scene.ask({ headers: forwarded(good), metadata: {} }), "jwt_authn_absent");
  });

  it("believes no header when jwt_authn verified another issuer's token", () => {
    const metadata = verified({ iss: "https://elsewhere.example" });
    assertDenied(scene.ask({ headers: forwarded(good), metadata }), "jwt_authn_absent");
  });

  it("takes a token of an algorithm that Envoy verifies and this filter does not", () => {
    for (const alg of ["EdDSA", "PS256", "ES512"])
      assertAllowed(scene.ask({ headers: forwarded(tokenOf({ alg }, CLAIMS)), metadata: verified() }), alg);
  });

  it("refuses a token without a signature, or of a symmetric algorithm, whatever Envoy makes of it", () => {
    const unsigned = tokenOf({ alg: "none" }, CLAIMS).replace(/[^.]*$/, "");
    const truncated = good.replace(/[^.]*$/, "");
    for (const forged of [
      unsigned,
      truncated,
      tokenOf({ alg: "none" }, CLAIMS),
      tokenOf({ alg: "HS256" }, CLAIMS),
    ])
      assertNeverAllowed(scene.ask({ headers: forwarded(forged), metadata: verified() }), forged);
  });

  it("checks the claims as those of any token", () => {
    for (const [claims, reason] of [
      [{ exp: NOW - 61 }, "token_expired"],
      [{ nbf: NOW + 61 }, "token_not_yet_valid"],
      [{ aud: "billing" }, "audience_mismatch"],
      [{ cnf: { "x5t#S256": OTHER_THUMBPRINT } }, "certificate_mismatch"],
      [{ cnf: { jkt: "x" } }, "cnf_unsupported"],
      [{ cnf: "" }, "cnf_malformed"],
    ] as const)
      assertDenied(
        scene.ask({ headers: forwarded(token(claims)), metadata: verified(claims) }),
        reason,
        JSON.stringify(claims),
      );
  });

  it("refuses a payload that other readers may read otherwise, verified or not", () => {
    const payload = base64url(`{"sub":"${THIEF}",${JSON.stringify(CLAIMS).slice(1)}`);
    const twoSubjects = token().replace(payloadOf(token()), payload);
    const headers = forwarded(twoSubjects, payload);
    assertDenied(scene.ask({ headers, metadata: verified() }), "token_payload_malformed");
  });
});

describe("jwt_authn takes the token away and leaves metadata", () => {
  const scene = new Scene(byMetadata);
  const ask = (claims: Json, peer?: typeof thief) =>
    scene.ask({ metadata: verified(claims), ...(peer && { peer }) });

  it("judges the claims in the metadata", () => {
    assertAllowed(ask({}));
    assertDenied(ask({}, thief), "spiffe_mismatch");
    assertDenied(ask({ sub: THIEF }), "spiffe_mismatch");
    assertDenied(scene.ask({ metadata: verifiedExactly(without(CLAIMS, "sub")) }), "spiffe_claim_absent");
  });

  it("reads the metadata key that it is given", () => {
    const keys = { jwt_authn: { metadataKey: "corp" } };
    const named = new Scene(policyWithIssuer({ keys }));
    assertAllowed(named.ask({ metadata: verified({}, "corp") }));
    assertDenied(named.ask({ metadata: verified() }), "issuer_unknown");
    assertDenied(named.ask(), "token_absent");
  });

  it("finds no token when jwt_authn verified none", () => {
    assertDenied(scene.ask(), "token_absent");
    assertDenied(scene.ask({ headers: [[PAYLOAD_HEADER, payloadOf(token())]] }), "token_absent");
  });

  it("takes none of an issuer that it does not know, or that is not said", () => {
    for (const iss of [undefined, "", "https://elsewhere.example", null, 7]) {
      const claims = iss === undefined ? without(CLAIMS, "iss") : { ...CLAIMS, iss };
      const stream = scene.ask({ metadata: verifiedExactly(claims) });
      assertDenied(stream, iss === null ? "host_unavailable" : "issuer_unknown", String(iss));
    }
  });

  it("takes no token from the header instead: nothing ties it to the verified one", () => {
    assertDenied(scene.present(token(), { metadata: verified() }), "jwt_authn_mismatch");
    assertDenied(
      scene.present(token({ sub: THIEF }), { metadata: verified(), peer: thief }),
      "jwt_authn_mismatch",
    );
  });

  it("reads dates from doubles, whole and in range", () => {
    assertAllowed(ask({ exp: NOW + 1, nbf: NOW, iat: NOW }));
    assertAllowed(ask({ exp: 999_999_999_999_999 }));
    assertDenied(ask({ exp: NOW - 61 }), "token_expired");
    assertDenied(ask({ nbf: NOW + 61 }), "token_not_yet_valid");
    assertDenied(ask({ iat: NOW + 61 }), "token_issued_in_future");
    for (const exp of [
      NOW + 0.5,
      -1,
      1e15,
      1e300,
      Infinity,
      NaN,
      String(NOW + 60),
      true,
      null,
      [NOW + 60],
      {},
    ])
      assertDenied(ask({ exp }), "claim_malformed", JSON.stringify(exp));
    for (const nbf of [NOW - 0.5, -1, "now", null])
      assertDenied(ask({ nbf }), "claim_malformed", String(nbf));
    assertDenied(scene.ask({ metadata: verifiedExactly(without(CLAIMS, "exp")) }), "expiry_absent");
  });

  it("treats an empty text where a date belongs as malformed, not as absent", () => {
    assertDenied(ask({ nbf: "" }), "claim_malformed");
    assertDenied(ask({ iat: "" }), "claim_malformed");
  });

  it("reads `aud` as one text and as a list", () => {
    assertAllowed(ask({ aud: AUDIENCE }));
    assertAllowed(ask({ aud: [AUDIENCE] }));
    assertAllowed(ask({ aud: ["billing", AUDIENCE, "stock"] }));
    for (const aud of ["billing", [], ["billing"], {}, { "0": "billing" }, 7])
      assertDenied(ask({ aud }), "audience_mismatch", JSON.stringify(aud));
    assertDenied(scene.ask({ metadata: verifiedExactly(without(CLAIMS, "aud")) }), "audience_mismatch");
  });

  it("reads 32 entries of `aud`, and what comes after them counts for nothing", () => {
    const others = (count: number) => Array.from({ length: count }, (_, i) => `other-${i}`);
    assertAllowed(ask({ aud: [...others(31), AUDIENCE] }));
    assertDenied(ask({ aud: [...others(32), AUDIENCE] }), "audience_mismatch");
  });

  it("takes a certificate-bound token with its certificate only", () => {
    const cnf = { "x5t#S256": WEB_THUMBPRINT };
    assertAllowed(ask({ sub: "alice", cnf }));
    assertDenied(ask({ sub: "alice", cnf }, thief), "certificate_mismatch");
    assertDenied(ask({ cnf: { "x5t#S256": OTHER_THUMBPRINT } }), "certificate_mismatch");
  });

  it("never takes a `cnf` with a member that nobody here proves", () => {
    for (const cnf of [
      { jkt: "x" },
      { "x5t#S256": WEB_THUMBPRINT, jkt: "x" },
      { jkt: "", "x5t#S256": WEB_THUMBPRINT },
      { "": "" },
      { jwk: { kty: "EC" } },
      { jku: ["x"] },
      [{}],
    ])
      assertDenied(ask({ cnf }), "cnf_unsupported", JSON.stringify(cnf));
  });

  it("never takes a `cnf` that cannot be read", () => {
    for (const cnf of [
      null,
      "",
      "x5t#S256",
      WEB_THUMBPRINT,
      7,
      0,
      true,
      false,
      [],
      ["x5t#S256"],
      {},
      { "x5t#S256": null },
      { "x5t#S256": "" },
      { "x5t#S256": 7 },
      { "x5t#S256": { nested: WEB_THUMBPRINT } },
      { "x5t#S256": WEB_THUMBPRINT, jkt: null },
      Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`m${i}`, "x"])),
    ])
      assertDenied(ask({ cnf }), "cnf_malformed", JSON.stringify(cnf));
  });

  it("reads a nested claim for a spiffe binding", () => {
    const rules = [{ name: "all", bind: [{ spiffe: { claim: "act.sub" } }] }];
    const nested = new Scene({ ...byMetadata, rules });
    assertAllowed(nested.ask({ metadata: verified({ sub: "alice", act: { sub: WEB } }) }));
    assertDenied(nested.ask({ metadata: verified({ act: { sub: THIEF } }) }), "spiffe_mismatch");
    for (const act of [undefined, null, WEB, { azp: WEB }, ""]) {
      const stream = nested.ask({ metadata: verified(act === undefined ? {} : { act }) });
      assertDenied(stream, "spiffe_claim_absent", JSON.stringify(act));
    }
  });
});

describe("an optional token and jwt_authn", () => {
  const rules = [{ name: "all", token: "optional", issuers: ["idp"] }];
  const issuers = {
    idp: issuer({ keys: "jwt_authn" }),
    other: issuer({ issuer: "https://other.example", keys: "jwt_authn" }),
  };
  const scene = new Scene(policy({ issuers, rules }));

  it("is absent when there is none anywhere", () => {
    assertAllowed(scene.ask());
  });

  it("has to be good when jwt_authn verified one", () => {
    assertAllowed(scene.ask({ metadata: verified() }));
    assertDenied(scene.ask({ metadata: verified(), peer: thief }), "spiffe_mismatch");
  });

  it("is not absent because the rule does not take its issuer", () => {
    assertDenied(scene.ask({ metadata: verified({ iss: "https://other.example" }) }), "issuer_unknown");
  });
});

describe("two tokens that jwt_authn verified", () => {
  const other = "https://other.example";
  const issuers = {
    idp: issuer({ keys: "jwt_authn" }),
    other: issuer({ issuer: other, keys: { jwt_authn: { metadataKey: "other" } } }),
  };
  const scene = new Scene(policy({ issuers }));

  for (const [name, ours, theirs] of [
    ["first", THIEF, WEB],
    ["second", WEB, THIEF],
  ] as const) {
    it(`are never weighed against each other, where the thief's own is the ${name}`, () => {
      const payload = { ...CLAIMS, sub: ours };
      const metadata = {
        "envoy.filters.http.jwt_authn": { payload, other: { ...CLAIMS, iss: other, sub: theirs } },
      };
      assertDenied(scene.ask({ metadata, peer: thief }), "token_duplicate");
    });
  }
});
