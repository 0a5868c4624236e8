import { describe, it } from "node:test";
import { policyWithIssuer, policyWithRule } from "./support/policies.ts";
import { verified } from "./support/jwt-authn.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { without } from "./support/json.ts";
import { CLAIMS, token, tokenOf, tokenOfText } from "./support/tokens.ts";
import { AUDIENCE, NOW } from "./support/world.ts";

const HEADER = { alg: "ES256", kid: "k1" };

/** A token whose payload has this text for a claim, as it stands: JSON.stringify writes no such numbers. */
function tokenWithText(claim: string, text: string): string {
  const rest = JSON.stringify(without(CLAIMS, claim)).slice(1);
  return tokenOfText(JSON.stringify(HEADER), `{"${claim}":${text},${rest}`);
}

describe("lifetime", () => {
  for (const [clockSkew, skew] of [
    [undefined, 60],
    ["0s", 0],
    ["5m", 300],
  ] as const) {
    it(`ends and begins to the second, with ${skew} s between clocks`, () => {
      const scene = new Scene(policyWithIssuer(clockSkew === undefined ? {} : { clockSkew }));
      assertAllowed(scene.present(token({ exp: NOW - skew + 1 })));
      assertDenied(scene.present(token({ exp: NOW - skew })), "token_expired");
      assertAllowed(scene.present(token({ nbf: NOW + skew })));
      assertDenied(scene.present(token({ nbf: NOW + skew + 1 })), "token_not_yet_valid");
      assertAllowed(scene.present(token({ iat: NOW + skew })));
      assertDenied(scene.present(token({ iat: NOW + skew + 1 })), "token_issued_in_future");
    });
  }

  it("passes while the clock goes on", () => {
    const scene = new Scene();
    const compact = token();
    assertAllowed(scene.present(compact));
    scene.now = NOW + 359.9;
    assertAllowed(scene.present(compact));
    scene.now = NOW + 360;
    assertDenied(scene.present(compact), "token_expired");
  });

  it("needs `exp`; `nbf` and `iat` may be absent", () => {
    const scene = new Scene();
    assertAllowed(scene.present(tokenOf(HEADER, without(CLAIMS, "iat"))));
    assertDenied(scene.present(tokenOf(HEADER, without(CLAIMS, "exp"))), "expiry_absent");
  });

  for (const claim of ["exp", "nbf", "iat"]) {
    it(`${claim} is whole seconds, written as such`, () => {
      const scene = new Scene();
      for (const text of [
        "null",
        "true",
        `"${NOW}"`,
        `[${NOW}]`,
        "{}",
        "-1",
        "-0",
        "1.8e9",
        `${NOW}.0`,
        `${NOW}.5`,
        "1e400",
        "1000000000000000",
        "99999999999999999999999",
      ])
        assertDenied(scene.present(tokenWithText(claim, text)), "claim_malformed", text);
    });
  }

  it("may end in a very distant future", () => {
    assertAllowed(new Scene().present(tokenWithText("exp", "999999999999999")));
  });
});

describe("an issuer's limits", () => {
  const scene = new Scene(policyWithIssuer({ clockSkew: "10s", maxAge: "5m", maxLifetime: "1h" }));
  const noLimits = new Scene();

  it("end a token's use before its own end, to the second", () => {
    assertAllowed(scene.present(token({ iat: NOW - 309 })));
    assertDenied(scene.present(token({ iat: NOW - 310 })), "token_too_old");
    assertAllowed(noLimits.present(token({ iat: 1 })));
  });

  it("refuse a token that was made too long, however young", () => {
    assertAllowed(scene.present(token({ iat: NOW, exp: NOW + 3600 })));
    assertDenied(scene.present(token({ iat: NOW, exp: NOW + 3601 })), "lifetime_too_long");
    assertDenied(scene.present(token({ iat: NOW, exp: 999_999_999_999_999 })), "lifetime_too_long");
  });

  it("need `iat`", () => {
    assertDenied(scene.present(tokenOf(HEADER, without(CLAIMS, "iat"))), "issued_at_absent");
    for (const limit of [{ maxAge: "1h" }, { maxLifetime: "1h" }]) {
      const other = new Scene(policyWithIssuer(limit));
      assertDenied(other.present(tokenOf(HEADER, without(CLAIMS, "iat"))), "issued_at_absent");
      assertAllowed(other.present(token()));
    }
  });

  it("hold for what jwt_authn verified, too", () => {
    const byMetadata = new Scene(policyWithIssuer({ keys: "jwt_authn", maxAge: "5m" }));
    assertAllowed(byMetadata.ask({ metadata: verified() }));
    assertDenied(byMetadata.ask({ metadata: verified({ iat: NOW - 400 }) }), "token_too_old");
  });
});

describe("an ID token", () => {
  it("is no access token, whoever verified it", () => {
    const scene = new Scene();
    const byMetadata = new Scene(policyWithIssuer({ keys: "jwt_authn" }));
    for (const own of [{ nonce: "n" }, { nonce: "" }, { at_hash: "x" }, { c_hash: 1 }, { typ: "ID" }]) {
      assertDenied(scene.present(token(own)), "id_token", JSON.stringify(own));
      assertDenied(byMetadata.ask({ metadata: verified(own) }), "id_token", JSON.stringify(own));
    }
    for (const typ of ["Bearer", "id", 7]) {
      assertAllowed(scene.present(token({ typ })));
      assertAllowed(byMetadata.ask({ metadata: verified({ typ }) }));
    }
  });

  it("may be what a `typ` that cannot be read would say", () => {
    assertDenied(new Scene().present(token({ typ: null })), "claim_malformed");
    const byMetadata = new Scene(policyWithIssuer({ keys: "jwt_authn" }));
    assertDenied(byMetadata.ask({ metadata: verified({ typ: "" }) }), "claim_malformed");
  });
});

describe("audience", () => {
  const scene = new Scene(policyWithIssuer({ audiences: [AUDIENCE, "stock"] }));

  it("is one of the issuer's, as a text or in a list", () => {
    for (const aud of [AUDIENCE, "stock", [AUDIENCE], ["x", "stock"], ["", AUDIENCE]])
      assertAllowed(scene.present(token({ aud })), JSON.stringify(aud));
    for (const aud of ["", "Orders", "orders ", "orders\0", "order", `${AUDIENCE},stock`, [], ["x"], [""]])
      assertDenied(scene.present(token({ aud })), "audience_mismatch", JSON.stringify(aud));
    assertDenied(scene.present(tokenOf(HEADER, without(CLAIMS, "aud"))), "audience_mismatch");
  });

  it("is a text or a list of texts", () => {
    for (const aud of [
      null,
      1,
      true,
      {},
      [1],
      [AUDIENCE, 1],
      [AUDIENCE, null],
      [[AUDIENCE]],
      { [AUDIENCE]: 1 },
    ])
      assertDenied(scene.present(token({ aud })), "claim_malformed", JSON.stringify(aud));
  });

  it("has to satisfy the rule too, where the rule names some", () => {
    const ruled = new Scene({
      ...policyWithRule({ audiences: ["stock"] }),
      ...without(policyWithIssuer({ audiences: [AUDIENCE, "stock"] }), "rules"),
    });
    assertAllowed(ruled.present(token({ aud: "stock" })));
    assertAllowed(ruled.present(token({ aud: [AUDIENCE, "stock"] })));
    assertDenied(ruled.present(token({ aud: AUDIENCE })), "audience_mismatch");
  });

  it("is asked of the issuer also where the rule names some", () => {
    const ruled = new Scene(policyWithRule({ audiences: ["stock"] }));
    assertDenied(ruled.present(token({ aud: "stock" })), "audience_mismatch");
    assertAllowed(ruled.present(token({ aud: ["stock", AUDIENCE] })));
  });

  it("may be any where neither names one", () => {
    const open = new Scene(policyWithIssuer({ audiences: undefined }));
    for (const aud of ["x", [], undefined]) assertAllowed(open.present(token({ aud })), JSON.stringify(aud));
    assertDenied(open.present(token({ aud: 1 })), "claim_malformed");
  });
});
