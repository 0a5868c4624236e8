import { describe, it } from "node:test";
import { policy, policyWithRule } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { without } from "./support/json.ts";
import { token, tokenOf, tokenOfText, CLAIMS } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import {
  AUDIENCE,
  ISSUER,
  NOW,
  OTHER_THUMBPRINT,
  THIEF,
  WEB,
  WEB_THUMBPRINT,
  plaintext,
  thief,
  web,
} from "./support/world.ts";

const bound = { cnf: { "x5t#S256": WEB_THUMBPRINT } };
const HEADER = { alg: "ES256", kid: "k1" };

describe("the default binding", () => {
  const scene = new Scene();

  it("takes a token from the workload that it is about", () => {
    assertAllowed(scene.present(token()));
  });

  it("refuses the same token from another workload with a good certificate", () => {
    assertDenied(scene.present(token(), { peer: thief }), "spiffe_mismatch");
  });

  it("refuses the same token over plaintext", () => {
    assertDenied(scene.present(token(), { peer: plaintext }), "peer_absent");
  });

  it("compares identities as bytes: no case, no prefix, no trailing slash, no encoding", () => {
    for (const sub of [
      WEB.toUpperCase(),
      WEB.replace("web", "Web"),
      WEB.slice(0, -1),
      `${WEB}b`,
      `${WEB}/`,
      `${WEB}\0`,
      ` ${WEB}`,
      WEB.replace("web", "%77eb"),
      WEB.slice("spiffe://".length),
    ]) {
      const reason = sub.includes("\0") ? "spiffe_claim_malformed" : "spiffe_mismatch";
      assertDenied(scene.present(token({ sub })), reason, JSON.stringify(sub));
    }
  });

  it("compares what the token's JSON says, not how it spells it", () => {
    const payload = JSON.stringify(CLAIMS).replace(WEB, WEB.replace("web", "\\u0077e\\u0062"));
    assertAllowed(scene.present(tokenOfText(JSON.stringify(HEADER), payload)));
  });

  it("refuses a token that is about nobody", () => {
    assertDenied(scene.present(tokenOf(HEADER, without(CLAIMS, "sub"))), "spiffe_claim_absent");
  });

  it("refuses a subject that is no string, also one that holds the right string", () => {
    for (const sub of [null, true, 1, [WEB], { id: WEB }])
      assertDenied(scene.present(token({ sub })), "spiffe_claim_malformed", JSON.stringify(sub));
    assertDenied(scene.present(token({ sub: "" })), "spiffe_mismatch");
  });

  it("lets a `cnf` stand for the subject", () => {
    assertAllowed(scene.present(token({ ...bound, sub: "alice" })));
    assertAllowed(scene.present(tokenOf(HEADER, { ...without(CLAIMS, "sub"), ...bound })));
  });
});

describe("a token with `cnf`", () => {
  const BINDS: readonly (readonly [string, Json])[] = [
    ["no rules", policy()],
    ["bind spiffe only", policyWithRule({ bind: [{ spiffe: { claim: "sub" } }] })],
    ["bind certificate", policyWithRule({ bind: [{ certificate: {} }] })],
    ["an optional token", policyWithRule({ token: "optional" })],
  ];

  for (const [name, rules] of BINDS) {
    it(`is good with its own certificate and no other: ${name}`, () => {
      const scene = new Scene(rules);
      assertAllowed(scene.present(token(bound)));
      const other = token({ cnf: { "x5t#S256": OTHER_THUMBPRINT } });
      assertDenied(scene.present(other), "certificate_mismatch");
      assertDenied(scene.present(token(bound), { peer: { ...thief, uriSan: WEB } }), "certificate_mismatch");
    });

    it(`is never taken with a member that nobody here proves: ${name}`, () => {
      const scene = new Scene(rules);
      for (const cnf of [
        { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" },
        { ...bound.cnf, jkt: "x" },
        { jkt: "x", ...bound.cnf },
        { jwk: {} },
        { kid: "k1" },
        { x5t: WEB_THUMBPRINT },
        { "x5t#s256": WEB_THUMBPRINT },
        { "x5t#S256 ": WEB_THUMBPRINT },
        { "": "" },
      ])
        assertDenied(scene.present(token({ cnf })), "cnf_unsupported", JSON.stringify(cnf));
    });

    it(`is never taken with a \`cnf\` that cannot be read: ${name}`, () => {
      const scene = new Scene(rules);
      for (const cnf of [null, "", WEB_THUMBPRINT, 1, true, [], ["x5t#S256"], [bound.cnf], {}])
        assertDenied(scene.present(token({ cnf })), "cnf_malformed", JSON.stringify(cnf));
      for (const thumbprint of [
        null,
        1,
        "",
        [WEB_THUMBPRINT],
        { value: WEB_THUMBPRINT },
        `${WEB_THUMBPRINT}=`,
        ` ${WEB_THUMBPRINT}`,
        `${WEB_THUMBPRINT}\n`,
        WEB_THUMBPRINT.slice(0, -1),
        `${WEB_THUMBPRINT}A`,
        withStrayBits(WEB_THUMBPRINT),
        web.certSha256,
      ])
        assertDenied(
          scene.present(token({ cnf: { "x5t#S256": thumbprint } })),
          "cnf_malformed",
          JSON.stringify(thumbprint),
        );
    });
  }

  it("is refused where the certificate's digest is absent or not as Envoy writes it", () => {
    const scene = new Scene();
    const digest = web.certSha256 ?? "";
    const undigested = without(web, "certSha256");
    assertDenied(scene.present(token(bound), { peer: undigested }), "certificate_digest_absent");
    for (const certSha256 of [
      digest.toUpperCase(),
      digest.slice(2),
      `${digest}00`,
      `${digest.slice(2)}zz`,
      "00",
    ])
      assertDenied(
        scene.present(token(bound), { peer: { ...web, certSha256 } }),
        "certificate_digest_malformed",
      );
  });

  it("does not fall for a digest left over from the request before", () => {
    const scene = new Scene();
    const undigested = without(web, "certSha256");
    assertAllowed(scene.present(token(bound)));
    assertDenied(scene.present(token(bound), { peer: undigested }), "certificate_digest_absent");
  });

  it("still has to come from the trust domain", () => {
    const peer = { ...web, uriSan: "spiffe://elsewhere.org/ns/shop/sa/web" };
    assertDenied(new Scene().present(token(bound), { peer }), "trust_domain_foreign");
  });
});

describe("bind: spiffe", () => {
  it("reads the claim that it is given, through objects", () => {
    const scene = new Scene(policyWithRule({ bind: [{ spiffe: { claim: "act.sub" } }] }));
    assertAllowed(scene.present(token({ sub: "alice", act: { sub: WEB } })));
    assertDenied(scene.present(token({ sub: WEB, act: { sub: THIEF } })), "spiffe_mismatch");
    for (const claims of [
      {},
      { act: WEB },
      { act: [WEB] },
      { act: { azp: WEB } },
      { "act.sub": WEB },
      { "act\0sub": WEB },
    ])
      assertDenied(
        scene.present(token({ sub: WEB, ...claims })),
        "spiffe_claim_absent",
        JSON.stringify(claims),
      );
  });

  it("takes a quoted name with dots in it", () => {
    const scene = new Scene(policyWithRule({ bind: [{ spiffe: { claim: '"example.org/id".spiffe' } }] }));
    assertAllowed(scene.present(token({ sub: "alice", "example.org/id": { spiffe: WEB } })));
    const apart = token({ sub: WEB, example: { "org/id": { spiffe: WEB } } });
    assertDenied(scene.present(apart), "spiffe_claim_absent");
  });
});

describe("bind: certificate", () => {
  const scene = new Scene(policyWithRule({ bind: [{ certificate: {} }] }));

  it("asks for a token that is bound to a certificate", () => {
    assertAllowed(scene.present(token({ ...bound, sub: "alice" })));
    assertDenied(scene.present(token()), "certificate_unbound");
  });
});

describe("several bindings", () => {
  for (const bind of [
    [{ spiffe: { claim: "sub" } }, { certificate: {} }],
    [{ certificate: {} }, { spiffe: { claim: "sub" } }],
  ]) {
    it(`all have to hold: ${JSON.stringify(bind)}`, () => {
      const scene = new Scene(policyWithRule({ bind }));
      assertAllowed(scene.present(token(bound)));
      assertDenied(scene.present(token()), "certificate_unbound");
      assertDenied(scene.present(token({ ...bound, sub: THIEF })), "spiffe_mismatch");
      assertDenied(scene.present(token({ cnf: { "x5t#S256": OTHER_THUMBPRINT } })), "certificate_mismatch");
    });
  }

  it("may speak of several claims", () => {
    const bind = [{ spiffe: { claim: "sub" } }, { spiffe: { claim: "azp" } }];
    const scene = new Scene(policyWithRule({ bind }));
    assertAllowed(scene.present(token({ azp: WEB })));
    assertDenied(scene.present(token({ azp: THIEF })), "spiffe_mismatch");
    assertDenied(scene.present(token()), "spiffe_claim_absent");
  });
});

it("a policy without a trust domain takes workloads of every one that the listener trusts", () => {
  const foreign = "spiffe://elsewhere.org/web";
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: foreign, exp: NOW + 60 };
  const peer = { ...web, uriSan: foreign };
  assertDenied(new Scene().present(tokenOf(HEADER, claims), { peer }), "trust_domain_foreign");
  const open = without(policy(), "trustDomain");
  assertAllowed(new Scene(open).present(tokenOf(HEADER, claims), { peer }));
});

/** The same 32 bytes to a lax decoder: the last character's unused bits are set. */
function withStrayBits(thumbprint: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(thumbprint.slice(-1));
  return thumbprint.slice(0, -1) + alphabet.charAt(last | 1);
}
