// Which tokens belong to whoever shows them first, from when on and for how long, and which requests note nothing.

import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { describe, it } from "node:test";
import type { Peer, Request, Stream } from "../../cli/host/index.ts";
import { anybodys, assertNobodys, firstUsePolicy, workload } from "./support/first-use.ts";
import { PAYLOAD_HEADER, forwarded, verified } from "./support/jwt-authn.ts";
import type { Json } from "./support/json.ts";
import { issuer, policy } from "./support/policies.ts";
import { LATER, ProofScene, boundToken, proof, proofPolicy } from "./support/proofs.ts";
import { Scene, assertAllowed, assertDenied, bearer } from "./support/scene.ts";
import { key, tokenOf } from "./support/tokens.ts";
import { twinOf } from "./support/twin-signature.ts";
import { NOW, THIEF, WEB, WEB_THUMBPRINT, thief, web } from "./support/world.ts";

const mismatch = "first_use_mismatch";
const compact = anybodys();

describe("a request that is denied notes nothing", () => {
  const forged = tokenOf({ alg: "ES256", kid: "k1" }, { sub: "x" }).split(".").slice(2);
  const [head = "", payload = ""] = compact.split(".");

  it("with a bad signature", () => {
    const scene = new Scene(firstUsePolicy());
    assertDenied(scene.present([head, payload, ...forged].join(".")), "signature_invalid");
    assertNobodys(scene, compact);
  });

  it("before the token is good, or after it has ended", () => {
    const scene = new Scene(firstUsePolicy());
    const later = anybodys({ nbf: NOW + 100 });
    assertDenied(scene.present(later), "token_not_yet_valid");
    scene.now = NOW + 40;
    assertNobodys(scene, later);
    const ended = anybodys({ exp: NOW + 100 });
    scene.now = NOW + 160;
    assertDenied(scene.present(ended), "token_expired");
    // A clock that is set back.
    scene.now = NOW + 100;
    assertNobodys(scene, ended);
  });

  const flaws: Readonly<Record<string, readonly [reason: string, rule: Json, request?: Request]>> = {
    "for another audience": ["audience_mismatch", { audiences: ["billing"] }],
    "that another binding refuses": [
      "tls_version_too_low",
      { bind: [{ firstUse: {} }, { network: { minTlsVersion: "TLSv1.3" } }] },
    ],
    "by a path with two readings": ["path_ambiguous", {}, { path: "/a//b" }],
    "with the token there twice": ["token_duplicate", {}, { headers: [bearer(compact)] }],
  };
  for (const [flaw, [reason, rule, request]] of Object.entries(flaws)) {
    it(flaw, () => {
      const bind = [{ firstUse: {} }];
      const rules = [
        { name: "strict", when: { methods: ["PUT"] }, bind, ...rule },
        { name: "rest", bind },
      ];
      const scene = new Scene(policy({ rules }));
      const peer = { ...web, tlsVersion: "TLSv1.2" };
      assertDenied(scene.present(compact, { method: "PUT", ...request, peer }), reason);
      assertNobodys(scene, compact);
    });
  }

  it("that a boundary of its issuer's refuses", () => {
    for (const [members, peer, reason] of [
      [{ presenters: ["spiffe://example.org/ns/shop/sa/somebody", WEB] }, thief, "presenter_not_admitted"],
      [{ acceptedBy: ["spiffe://example.org/ns/shop/sa/orders"] }, web, "service_not_admitted"],
    ] as const) {
      const scene = new Scene({ ...firstUsePolicy(), issuers: { idp: issuer(members) } });
      assertDenied(scene.present(compact, { peer }), reason);
      const localUriSan = "spiffe://example.org/ns/shop/sa/orders";
      assertAllowed(scene.present(compact, { peer: { ...workload("somebody"), localUriSan } }));
      assertDenied(scene.present(compact, { peer: { ...web, localUriSan } }), mismatch);
    }
  });

  it("whose presenter, or whose token, was taken back", () => {
    const scene = new Scene({ ...firstUsePolicy(), revoked: { presenters: [THIEF], ids: ["t-1"] } });
    assertDenied(scene.present(compact, { peer: thief }), "presenter_revoked");
    assertNobodys(scene, compact);
    const revoked = anybodys({ jti: "t-1" });
    assertDenied(scene.present(revoked), "token_revoked");
    assert.ok(scene.plugin.configure(JSON.stringify(firstUsePolicy())));
    assertNobodys(scene, revoked);
  });

  it("since it could not be followed", () => {
    const scene = new Scene(firstUsePolicy({}, { revalidate: { every: "30s" } }));
    assertDenied(scene.present(compact, { path: `/${"a".repeat(30_000)}` }), "streams_full");
    assertNobodys(scene, compact);
  });
});

describe("a token with a cnf", () => {
  it("is proven by that, and belongs to whoever proves it", () => {
    const bound = anybodys({ cnf: { "x5t#S256": WEB_THUMBPRINT } });
    const scene = new Scene(firstUsePolicy());
    const sameCertificate = { ...thief, certSha256: web.certSha256 ?? "" };
    assertAllowed(scene.present(bound, { peer: sameCertificate }));
    assertAllowed(scene.present(bound), "nothing was noted");
    assertDenied(scene.present(bound, { peer: thief }), "certificate_mismatch");
  });

  it("that names a key is proven by that", () => {
    const rules = [{ name: "all", bind: [{ firstUse: {} }] }];
    const scene = new ProofScene(proofPolicy({}, { rules }));
    const bound = boundToken();
    for (const peer of [web, thief]) assertAllowed(scene.prove(bound, proof(bound), { peer }));
    const nobodys = anybodys({ exp: LATER + 300 });
    assertAllowed(scene.present(nobodys));
    assertDenied(scene.present(nobodys, { peer: thief }), mismatch);
  });

  it("that cannot be read is refused as ever", () => {
    for (const cnf of [{}, "", null, { unknown: 1 }]) {
      const stream = new Scene(firstUsePolicy()).present(anybodys({ cnf }));
      assert.equal(stream.outcome, "replied", JSON.stringify(cnf));
    }
  });
});

describe("the same token", () => {
  const twin = twinOf(compact);

  it("can be written with two signatures, both of them good", () => {
    assert.notEqual(twin, compact);
    for (const text of [compact, twin]) {
      const [header = "", payload = "", signature = ""] = text.split(".");
      const publicKey = createPublicKey({ key: key.jwk, format: "jwk" });
      const asJose = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
      const isGood = verify(
        "sha256",
        Buffer.from(`${header}.${payload}`),
        asJose,
        Buffer.from(signature, "base64url"),
      );
      assert.ok(isGood);
      assertAllowed(new Scene(firstUsePolicy()).present(text));
    }
  });

  it("is one, whichever of them it comes with", () => {
    for (const [first, second] of [
      [compact, twin],
      [twin, compact],
    ] as const) {
      const scene = new Scene(firstUsePolicy());
      assertAllowed(scene.present(first));
      assertDenied(scene.present(second, { peer: thief }), mismatch);
      assertAllowed(scene.present(second));
    }
  });

  it("is one that was signed twice", () => {
    const scene = new Scene(firstUsePolicy());
    assertAllowed(scene.present(anybodys()));
    assertDenied(scene.present(anybodys(), { peer: thief }), mismatch);
  });

  it("is another one with other claims, and the same one with another header", () => {
    const scene = new Scene(firstUsePolicy());
    assertAllowed(scene.present(compact));
    assertAllowed(scene.present(anybodys({ extra: 1 }), { peer: thief }));
    const claims = JSON.parse(Buffer.from(compact.split(".")[1] ?? "", "base64url").toString()) as Json;
    const header = { alg: "ES256", kid: key.jwk["kid"], typ: "at+jwt" };
    assertDenied(scene.present(tokenOf(header, claims), { peer: thief }), mismatch);
  });

  it("is the same one behind jwt_authn, which has looked at another header", () => {
    const keys = { jwt_authn: { payloadHeader: "x-payload" } };
    const scene = new Scene({ ...firstUsePolicy(), issuers: { idp: issuer({ keys }) } });
    const [, payload = ""] = compact.split(".");
    const forged = `${Buffer.from('{"alg":"ES256","kid":"k1","x":1}').toString("base64url")}.${payload}.AAAA`;
    const present = (text: string, peer: Peer) =>
      scene.present(text, {
        peer,
        headers: [["x-payload", payload]],
        metadata: verified(),
      });
    assertAllowed(present(compact, web));
    assertDenied(present(forged, thief), mismatch);
    assertAllowed(present(compact, web));
  });
});

describe("a pin ends with its token", () => {
  it("and another token of the same presenter's is not his alone before he shows it", () => {
    const scene = new Scene(firstUsePolicy());
    assertAllowed(scene.present(compact));
    assertAllowed(scene.present(anybodys({ iat: NOW + 1 }), { peer: thief }));
  });

  it("with the clocks' difference, and not before", () => {
    const scene = new Scene(firstUsePolicy());
    const text = anybodys({ exp: NOW + 100 });
    assertAllowed(scene.present(text));
    scene.now = NOW + 159;
    assertDenied(scene.present(text, { peer: thief }), mismatch);
    // Nobody takes it any more, so that only another skew shows that its place is free.
    const lenient = { ...firstUsePolicy(), issuers: { idp: issuer({ clockSkew: "5m" }) } };
    assert.ok(scene.plugin.configure(JSON.stringify(lenient)));
    scene.now = NOW + 160;
    assertAllowed(scene.present(text, { peer: thief }));
  });

  it("or sooner, where its issuer's tokens may not be older", () => {
    const aged = (maxAge: string) => ({ ...firstUsePolicy(), issuers: { idp: issuer({ maxAge }) } });
    const scene = new Scene(aged("60s"));
    assertAllowed(scene.present(compact));
    scene.now = NOW + 119;
    assertDenied(scene.present(compact, { peer: thief }), mismatch);
    assert.ok(scene.plugin.configure(JSON.stringify(aged("1h"))));
    scene.now = NOW + 120;
    assertAllowed(scene.present(compact, { peer: thief }));
  });

  it("later, when a rule takes it for longer", () => {
    const scene = new Scene(firstUsePolicy());
    const text = anybodys({ exp: NOW + 100 });
    assertAllowed(scene.present(text));
    const lenient = { ...firstUsePolicy(), issuers: { idp: issuer({ clockSkew: "5m" }) } };
    assert.ok(scene.plugin.configure(JSON.stringify(lenient)));
    assertAllowed(scene.present(text));
    scene.now = NOW + 399;
    assertDenied(scene.present(text, { peer: thief }), mismatch);
  });

  for (const exp of [2 ** 32 - 1000, 2 ** 32 + 1000, 9_999_999_999]) {
    it(`and that is as far off as ${exp}`, () => {
      const scene = new Scene(firstUsePolicy());
      const text = anybodys({ exp });
      assertAllowed(scene.present(text));
      assertDenied(scene.present(text, { peer: thief }), mismatch);
      scene.now = NOW + 10 * 365 * 86_400;
      assertDenied(scene.present(text, { peer: thief }), mismatch);
    });
  }
});

describe("an opaque token that a server knows", () => {
  const opaque = policy({
    issuers: { as: { introspection: { cluster: "as", path: "/introspect", cacheFor: "10s" } } },
    rules: [{ name: "all", bind: [{ firstUse: {} }] }],
  });
  const text = "2YotnFZFEjr1zCsicMWpAA";
  const open = () => new Scene(opaque, { clusters: ["as"] });

  /** Sends a request, and answers for it if the server is asked. */
  function settle(scene: Scene, peer: Peer, answer: Json, compactText = text): Stream {
    const stream = scene.plugin.request({ peer, headers: [bearer(compactText)] });
    for (const call of scene.vm.httpCalls) call.respond({ status: 200, body: JSON.stringify(answer) });
    stream.end();
    return stream;
  }
  const active = { active: true, exp: NOW + 300 };

  it("belongs to whoever shows it first while it is active", () => {
    const scene = open();
    assertAllowed(settle(scene, web, active));
    assertDenied(settle(scene, thief, active), mismatch);
    scene.now += 60;
    assertDenied(settle(scene, thief, active), mismatch, "after the server was asked again");
    assertAllowed(settle(scene, web, active));
  });

  it("belongs to nobody who has shown it while it was not", () => {
    const scene = open();
    assertDenied(settle(scene, web, { active: false }), "token_inactive");
    scene.now += 60;
    assertAllowed(settle(scene, thief, active));
    assertDenied(settle(scene, web, active), mismatch);
  });

  it("belongs to nobody while nothing is known of it", () => {
    const scene = open();
    const stream = scene.plugin.request({ peer: web, headers: [bearer(text)] });
    scene.vm.httpCalls[0]?.fail();
    assertDenied(stream, "introspection_unavailable");
    assertAllowed(settle(scene, thief, active));
  });

  it("belongs to him until the end that the server has said last", () => {
    const scene = open();
    assertAllowed(settle(scene, web, { ...active, exp: NOW + 3600 }));
    scene.now = NOW + 400;
    assertAllowed(settle(scene, web, { ...active, exp: NOW + 4000 }));
    scene.now = NOW + 3700;
    assertDenied(settle(scene, thief, { ...active, exp: NOW + 4000 }), mismatch);
  });

  it("is all of its text, dots and all", () => {
    const scene = open();
    assertAllowed(settle(scene, web, active, "tenant.first"));
    assertAllowed(settle(scene, thief, active, "tenant.second"));
    assertDenied(settle(scene, thief, active, "tenant.first"), mismatch);
    assertDenied(settle(scene, web, active, "tenant.second"), mismatch);
  });
});

describe("a token that jwt_authn has verified, and forwards", () => {
  const keys = { jwt_authn: { payloadHeader: PAYLOAD_HEADER } };
  const rules = { ...firstUsePolicy(), issuers: { idp: issuer({ keys }) } };
  const send = (scene: Scene, peer: Peer, text: string) =>
    scene.ask({ peer, headers: forwarded(text), metadata: verified({ sub: "reports" }) });

  it("belongs to whoever shows it first", () => {
    const scene = new Scene(rules);
    assertAllowed(send(scene, web, compact));
    assertDenied(send(scene, thief, compact), mismatch);
    assertDenied(send(scene, thief, twinOf(compact)), mismatch);
    assertAllowed(send(scene, web, compact));
  });

  it("belongs to nobody who shows it without jwt_authn's word", () => {
    const scene = new Scene(rules);
    assertDenied(scene.present(compact), "jwt_authn_absent");
    assertAllowed(send(scene, thief, compact));
  });
});
