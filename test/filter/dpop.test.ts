// Proofs of possession by DPoP: whoever sends the request has the key that the token is bound to, and has made a proof of it for this request.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import type { Request } from "../../cli/host/index.ts";
import { FetchingScene, answerWith, fetchingPolicy } from "./support/key-server.ts";
import { ALGORITHMS, makeKey } from "./support/keys.ts";
import type { Json } from "./support/json.ts";
import { policy } from "./support/policies.ts";
import {
  type Flaws,
  NO_TARGETS,
  OTHER_TARGETS,
  SAME_TARGETS,
  SPELLED_ORIGINS,
  WRONG_ALGORITHMS,
  WRONG_IDS,
  claimAs,
  isOptions,
  malformed,
  textsOf,
  withClaims as claims,
  withHeader as header,
  wrongSignatures,
} from "./support/proof-flaws.ts";
import {
  type ProofOptions,
  LATER,
  ORIGIN,
  ProofScene,
  boundToken,
  clientKey,
  digest,
  otherKey,
  proof,
  proofPolicy,
  prove,
  publicJwk,
  thumbprintOf,
} from "./support/proofs.ts";
import { Scene, assertAllowed, assertDenied, assertWouldDeny, bearer } from "./support/scene.ts";
import { base64url, key as issuerKey, token, tokenOfText } from "./support/tokens.ts";
import { AUDIENCE, NOW, OTHER_THUMBPRINT, WEB, WEB_THUMBPRINT, thief } from "./support/world.ts";

const compact = boundToken();
const good = proof(compact);
const [goodHeader = "", , goodSignature = ""] = good.split(".");
const jwk = publicJwk(clientKey);
const p384 = makeKey("ES384");
const weakRsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
const off = { ...jwk, y: jwk["x"] };

/** A proof of these texts, rightly signed. */
const ofText = (header: string, payload: string) => tokenOfText(header, payload, clientKey);
const [headerText, payloadText] = textsOf(good);

/** What is wrong with each; all else is right. */
const FLAWS: Readonly<Record<string, Flaws>> = {
  proof_absent: { none: [] },
  proof_duplicate: {
    "two good ones": [proof(compact), proof(compact)],
    "the same twice": [good, good],
    "a good one and an empty one": [good, ""],
  },
  proof_malformed: {
    ...malformed(good, proof(compact)),
    "a key given twice": ofText(headerText.replace("{", `{"jwk":${JSON.stringify(jwk)},`), payloadText),
  },
  proof_type_unsupported: {
    "no type": header({ typ: undefined }),
    "any JWT": header({ typ: "JWT" }),
    "an access token's type": header({ typ: "at+jwt" }),
    "WIMSE's type": header({ typ: "wpt+jwt" }),
    "more after the type": header({ typ: "dpop+jwt " }),
    "a number as the type": header({ typ: 1 }),
  },
  proof_algorithm_unsupported: {
    ...WRONG_ALGORITHMS,
    "not the key's own": { key: makeKey("RS256"), header: { alg: "RS384", jwk: makeKey("RS256").jwk } },
  },
  proof_key_unusable: {
    "no key": header({ jwk: undefined }),
    "null as the key": header({ jwk: null }),
    "a text as the key": header({ jwk: JSON.stringify(jwk) }),
    "a list of keys": header({ jwk: [jwk] }),
    "a private key": header({ jwk: clientKey.privateKey.export({ format: "jwk" }) }),
    "a private member that is null": header({ jwk: { ...jwk, d: null } }),
    "a symmetric key": header({ alg: "ES256", jwk: { kty: "oct", k: base64url("secret") } }),
    "no type of key": header({ jwk: { ...jwk, kty: undefined } }),
    "an unknown type of key": header({ jwk: { ...jwk, kty: "AKP" } }),
    "no y": header({ jwk: { ...jwk, y: undefined } }),
    "a short x": header({ jwk: { ...jwk, x: base64url("x") } }),
    "the name of another curve": header({ jwk: { ...jwk, crv: "P-384" } }),
    "a curve that is not supported": header({ jwk: { ...jwk, crv: "secp256k1" } }),
    "a key for encryption": header({ jwk: { ...jwk, use: "enc" } }),
    "a key for signing only": header({ jwk: { ...jwk, key_ops: ["sign"] } }),
    "RSA of 1,024 bits": header({ alg: "RS256", jwk: weakRsa }),
    X25519: header({ alg: "EdDSA", jwk: { kty: "OKP", crv: "X25519", x: jwk["x"] } }),
  },
  proof_signature_invalid: {
    "another key's signature": header({ jwk: publicJwk(otherKey) }),
    "a key that is no point of the curve": header({ jwk: off }),
    ...wrongSignatures(good, proof(compact)),
    "another payload": `${goodHeader}.${base64url(payloadText.replace("GET", "PUT"))}.${goodSignature}`,
  },
  proof_claim_malformed: {
    ...WRONG_IDS,
    "no htm": claims({ htm: undefined }),
    "a list as htm": claims({ htm: ["GET"] }),
    "an empty htm": claims({ htm: "" }),
    "no htu": claims({ htu: undefined }),
    "an empty htu": claims({ htu: "" }),
    ...claimAs("as htu", "htu", NO_TARGETS),
    "no iat": claims({ iat: undefined }),
    "a text as iat": claims({ iat: String(LATER) }),
    "a fraction as iat": claims({ iat: LATER + 0.5 }),
    "an iat before 1970": claims({ iat: -1 }),
    "an iat of 16 digits": claims({ iat: 1_000_000_000_000_000 }),
    "a text as exp": claims({ exp: String(LATER + 60) }),
    "null as nbf": claims({ nbf: null }),
    "an empty nonce": claims({ nonce: "" }),
    "a number as nonce": claims({ nonce: 1 }),
    "null as nonce": claims({ nonce: null }),
  },
  proof_method_mismatch: {
    "another method": claims({ htm: "POST" }),
    "the method in lower case": claims({ htm: "get" }),
    "more after the method": claims({ htm: "GET " }),
  },
  proof_target_mismatch: claimAs("as htu", "htu", OTHER_TARGETS),
  proof_expired: {
    "older than maxAge and clockSkew": claims({ iat: LATER - 120 }),
    "much older": claims({ iat: 0 }),
    "past its own exp": claims({ exp: LATER - 60 }),
  },
  proof_not_yet_valid: {
    "later than clockSkew": claims({ iat: LATER + 61 }),
    "before its own nbf": claims({ nbf: LATER + 61 }),
    "from the end of time": claims({ iat: 999_999_999_999_999 }),
    milliseconds: claims({ iat: LATER * 1000 }),
  },
  proof_token_mismatch: {
    "no ath": claims({ ath: undefined }),
    "another token's ath": claims({ ath: digest(boundToken({ jti: "other" })) }),
    "ath of the whole header": claims({ ath: digest(`DPoP ${compact}`) }),
    "ath with padding": claims({ ath: `${digest(compact)}=` }),
    "ath in hex": claims({ ath: Buffer.from(digest(compact), "base64url").toString("hex") }),
    "an empty ath": claims({ ath: "" }),
    "a number as ath": claims({ ath: 1 }),
  },
  proof_key_mismatch: {
    "another key of the same kind": { key: otherKey },
    "another key of another kind": { key: p384 },
  },
};

const INVALID_TOKEN = new Set(["proof_key_mismatch"]);

const scene = new ProofScene();

for (const [reason, flaws] of Object.entries(FLAWS)) {
  describe(reason, () => {
    for (const [name, flawed] of Object.entries(flaws)) {
      it(name, () => {
        const stream = scene.prove(compact, isOptions(flawed) ? proof(compact, flawed) : flawed);
        assertDenied(stream, reason);
        const error = INVALID_TOKEN.has(reason) ? "invalid_token" : "invalid_dpop_proof";
        assert.deepEqual([stream.reply?.status, stream.reply?.body.toString()], [401, error]);
        assert.equal(scene.host.vmFailures, 0);
      });
    }
  });
}

describe("a proof is good", () => {
  for (const algorithm of ALGORITHMS) {
    it(`with ${algorithm}`, () => {
      const key = makeKey(algorithm);
      const bound = boundToken({}, key);
      assertAllowed(scene.prove(bound, proof(bound, { key })));
      assertDenied(scene.prove(compact, proof(compact, { key })), "proof_key_mismatch");
    });
  }

  const others: Readonly<Record<string, ProofOptions>> = {
    "with its type in other case": header({ typ: "DPoP+JWT" }),
    "with its type spelled out": header({ typ: "application/dpop+jwt" }),
    "with a key that says what it is for": header({
      jwk: { ...jwk, kid: "k", use: "sig", alg: "ES256", key_ops: ["verify"] },
    }),
    "with further members": { header: { kid: "k" }, claims: { exp: LATER + 9, nbf: LATER, extra: [{}] } },
    "with a jti of 256 bytes": claims({ jti: "j".repeat(256) }),
    "with a nonce that nobody asked for": claims({ nonce: "of another server" }),
    "until its own exp, and clockSkew": claims({ exp: LATER - 59 }),
    "from its own nbf, and clockSkew before": claims({ nbf: LATER + 60 }),
    "for maxAge and clockSkew": claims({ iat: LATER - 119 }),
    "from clockSkew before": claims({ iat: LATER + 60 }),
  };
  for (const [name, options] of Object.entries(others))
    it(name, () => {
      assertAllowed(scene.prove(compact, proof(compact, options)));
    });

  it("as long as the policy and the issuer say", () => {
    const idp = { ...(policy()["issuers"] as { idp: Json }).idp, clockSkew: "5s" };
    const strict = new ProofScene(proofPolicy({ maxAge: "10s" }, { issuers: { idp } }));
    const at = (iat: number) => strict.prove(compact, proof(compact, claims({ iat })));
    assertAllowed(at(LATER - 14));
    assertDenied(at(LATER - 15), "proof_expired");
    assertAllowed(at(LATER + 5));
    assertDenied(at(LATER + 6), "proof_not_yet_valid");
  });

  it("with escapes in its JSON", () => {
    const spelled = payloadText.replace('"htm"', '"\\u0068tm"').replace("/orders", "\\/orders");
    const thumbprint = headerText.replace('"P-256"', '"\\u0050-256"');
    assertAllowed(
      scene.prove(compact, ofText(thumbprint, spelled.replace(/"jti":"[^"]*"/, '"jti":"escaped"'))),
    );
  });
});

describe("htu is one and the same", () => {
  const several = new ProofScene(proofPolicy({ origins: SPELLED_ORIGINS }));
  for (const [name, [path, htu]] of Object.entries(SAME_TARGETS))
    it(name, () => {
      assertAllowed(several.prove(compact, proof(compact, claims({ htu })), { path }));
    });

  it("and what is in the request's headers has no part in it", () => {
    for (const request of [
      { authority: "evil.example", headers: [] },
      { authority: "orders.example:8443" },
    ] as Request[])
      assertAllowed(scene.prove(compact, proof(compact), request));
  });

  it("or, routed, it is for the host that Envoy routes by, and by either scheme", () => {
    const routed = new ProofScene(proofPolicy({ origins: "routed" }));
    const at = (authority: string, htu: string) =>
      routed.prove(compact, proof(compact, claims({ htu })), { authority });
    assertAllowed(at("orders.example", "https://orders.example/orders"));
    assertAllowed(at("orders.example", "http://orders.example/orders"));
    assertAllowed(at("Orders.Example:443", "https://orders.example/orders"));
    assertAllowed(at("orders.example:80", "http://orders.example:80/orders"));
    assertAllowed(at("orders.example:8443", "https://orders.example:8443/orders"));
    assertDenied(at("orders.example:80", "https://orders.example/orders"), "proof_target_mismatch");
    assertDenied(at("orders.example", "https://orders.example:8443/orders"), "proof_target_mismatch");
    assertDenied(at("evil.example", "https://orders.example/orders"), "proof_target_mismatch");
    assertDenied(at("orders.example", "https://orders.example/"), "proof_target_mismatch");
  });
});

describe("the token", () => {
  it("that is bound to a key is not taken as a bearer token, with a proof or without", () => {
    for (const headers of [[bearer(compact)], [bearer(compact), ["dpop", proof(compact)]]] as [
      string,
      string,
    ][][])
      assertDenied(scene.ask({ path: "/orders", headers }), "dpop_scheme_required");
  });

  it("that is bound to nothing is not taken as DPoP, with a proof or without", () => {
    const unbound = token({ exp: LATER + 300 });
    assertDenied(scene.prove(unbound, []), "dpop_unbound");
    assertDenied(scene.prove(unbound, proof(unbound)), "dpop_unbound");
    assertDenied(scene.prove(unbound, proof(unbound, { key: otherKey })), "dpop_unbound");
    const stream = scene.ask({ headers: [bearer(unbound), ["dpop", "what is here is nobody's business"]] });
    assertAllowed(stream, "as a bearer token, whatever else is sent");
  });

  it("may say of itself that it is DPoP, as Keycloak's do", () => {
    const bound = boundToken({ typ: "DPoP" });
    assertAllowed(scene.prove(bound, proof(bound)));
  });

  it("comes by a scheme, and its proof in a header, whose names have no case", () => {
    for (const [scheme, name] of [
      ["dpop", "DPoP"],
      ["DPOP", "DPOP"],
      ["DPoP ", "Dpop"],
    ]) {
      const headers: [string, string][] = [
        ["authorization", `${scheme} ${compact}`],
        [name ?? "", proof(compact)],
      ];
      assertAllowed(scene.ask({ path: "/orders", headers }));
    }
  });

  it("whose cnf cannot be read is refused", () => {
    const reasons: readonly (readonly [Json | string, string])[] = [
      [{ jkt: 1 }, "cnf_malformed"],
      [{ jkt: "" }, "cnf_malformed"],
      [{ jkt: `${thumbprintOf(clientKey)}=` }, "cnf_malformed"],
      [{ jkt: thumbprintOf(clientKey).slice(0, -3) }, "cnf_malformed"],
      [{ jkt: thumbprintOf(clientKey), jwk: {} }, "cnf_malformed"],
      [{ jkt: thumbprintOf(clientKey), "x5t#S256": 1 }, "cnf_malformed"],
    ];
    for (const [cnf, reason] of reasons) {
      const bound = boundToken({ cnf });
      assertDenied(scene.prove(bound, proof(bound)), reason, JSON.stringify(cnf));
    }
  });

  it("that names its key twice has to mean the same one", () => {
    const twice = (one: Json, other: Json) => boundToken({ cnf: { ...one, ...other } });
    const [byThumbprint, byItself] = [{ jkt: thumbprintOf(clientKey) }, { jwk }];
    for (const bound of [twice(byThumbprint, byItself), twice(byItself, byThumbprint)])
      assertAllowed(scene.prove(bound, proof(bound)));
    const another = { jwk: publicJwk(otherKey) };
    for (const bound of [twice(byThumbprint, another), twice(another, byThumbprint)])
      assertDenied(scene.prove(bound, proof(bound)), "proof_key_mismatch");
  });

  it("that is bound to a key and a certificate needs both", () => {
    const both = (thumbprint: string, key = clientKey) =>
      boundToken({ cnf: { jkt: thumbprintOf(key), "x5t#S256": thumbprint } });
    const bound = both(WEB_THUMBPRINT);
    assertAllowed(scene.prove(bound, proof(bound)));
    assertDenied(scene.prove(bound, proof(bound), { peer: thief }), "certificate_mismatch");
    assertDenied(scene.prove(bound, []), "proof_absent");
    assertDenied(scene.prove(bound, proof(bound, { key: otherKey })), "proof_key_mismatch");
    const elsewhere = both(OTHER_THUMBPRINT);
    assertDenied(scene.prove(elsewhere, proof(elsewhere)), "certificate_mismatch");
  });

  it("belongs to whoever has the key, whatever his certificate, unless a rule asks for more", () => {
    assertAllowed(scene.prove(compact, proof(compact), { peer: thief }));
    const rules = [{ name: "all", bind: [{ dpop: {} }, { spiffe: { claim: "sub" } }] }];
    const strict = new ProofScene(proofPolicy({}, { rules }));
    assertAllowed(strict.prove(compact, proof(compact)));
    assertDenied(strict.prove(compact, proof(compact), { peer: thief }), "spiffe_mismatch");
  });

  it("is refused when it names a key where no proofs are judged", () => {
    const without = new Scene();
    const bound = boundToken({ exp: NOW + 300 });
    assertDenied(without.present(bound), "cnf_unsupported");
    assertDenied(prove(without.plugin, bound, proof(bound)), "cnf_unsupported");
  });
});

describe("the binding", () => {
  it("takes no token that is bound to nothing, or to something else", () => {
    const rules = [{ name: "all", bind: [{ dpop: {} }] }];
    const strict = new ProofScene(proofPolicy({}, { rules }));
    assertAllowed(strict.prove(compact, proof(compact)));
    assertDenied(strict.present(token({ exp: LATER + 300 })), "dpop_unbound");
    const certified = token({ exp: LATER + 300, cnf: { "x5t#S256": WEB_THUMBPRINT } });
    assertDenied(strict.present(certified), "dpop_unbound");
  });

  it("may be one of several", () => {
    const rules = [{ name: "all", bind: [{ anyOf: [{ dpop: {} }, { certificate: {} }] }] }];
    const either = new ProofScene(proofPolicy({}, { rules }));
    assertAllowed(either.prove(compact, proof(compact)));
    assertAllowed(either.present(token({ exp: LATER + 300, cnf: { "x5t#S256": WEB_THUMBPRINT } })));
    assertDenied(either.present(token({ exp: LATER + 300 })), "no_alternative_held");
    assertDenied(either.prove(compact, []), "proof_absent", "what the token names is not optional");
  });
});

describe("an opaque token", () => {
  const ACTIVE = { active: true, sub: WEB, aud: AUDIENCE, exp: LATER + 300, token_type: "DPoP" };
  const as = { audiences: [AUDIENCE], introspection: { cluster: "as", path: "/introspect" } };

  const opened = (answer: Json) => {
    const scene = new ProofScene(proofPolicy({}, { issuers: { as } }), { clusters: ["as"] });
    const opaque = "2YotnFZFEjr1zCsicMWpAA";
    const spent = proof(opaque);
    const stream = scene.prove(opaque, spent);
    assert.equal(stream.outcome, "pause");
    scene.vm.httpCalls[0]?.respond({ status: 200, body: JSON.stringify(answer) });
    return { scene, opaque, spent, stream };
  };

  it("is proven by the key that its issuer names", () => {
    const { scene, opaque, spent, stream } = opened({ ...ACTIVE, cnf: { jkt: thumbprintOf(clientKey) } });
    assertAllowed(stream);
    assertDenied(scene.prove(opaque, spent), "proof_replayed");
    assertAllowed(scene.prove(opaque, proof(opaque)));
    assertDenied(scene.prove(opaque, proof(opaque, { key: otherKey })), "proof_key_mismatch");
    assertDenied(scene.present(opaque), "dpop_scheme_required");
  });

  it("is refused when its issuer calls it DPoP and names no key", () => {
    const { scene, opaque, stream } = opened(ACTIVE);
    assertDenied(stream, "dpop_unbound");
    assertDenied(scene.present(opaque), "dpop_unbound");
  });
});

describe("a request that waits for keys", () => {
  /** A worker that has run for long, and has a new policy with keys from elsewhere. */
  const waiting = () => {
    const dpop = { dpop: { origins: [ORIGIN] } };
    const scene = new FetchingScene(fetchingPolicy({}, dpop));
    scene.publish(issuerKey.jwk);
    scene.now = LATER;
    assert.ok(scene.plugin.configure(JSON.stringify(fetchingPolicy({ path: "/moved" }, dpop))));
    return scene;
  };

  it("has its proof judged once they are there, and spent once", () => {
    const scene = waiting();
    const spent = proof(compact);
    const first = prove(scene.plugin, compact, spent);
    const second = prove(scene.plugin, compact, spent);
    assert.deepEqual([first.outcome, second.outcome], ["pause", "pause"]);
    scene.publish(issuerKey.jwk);
    // Which of them is judged first is nobody's business.
    const outcomes = [first, second].map((stream) => stream.outcome).sort();
    assert.deepEqual(outcomes, ["continue", "replied"]);
    const refused = first.outcome === "replied" ? first : second;
    assertDenied(refused, "proof_replayed");
    assertDenied(prove(scene.plugin, compact, spent), "proof_replayed");
    assertAllowed(prove(scene.plugin, compact, proof(compact)));
  });

  it("is refused when its proof has become too old meanwhile", () => {
    const scene = waiting();
    const stream = prove(scene.plugin, compact, proof(compact, claims({ iat: LATER - 119 })));
    assert.equal(stream.outcome, "pause");
    scene.pass(1);
    scene.call.respond(answerWith(issuerKey.jwk));
    assertDenied(stream, "proof_expired");
  });
});

describe("the challenge", () => {
  const algorithms = 'algs="ES256 ES384 ES512 RS256 RS384 RS512 EdDSA"';
  const headersOf = (stream: ReturnType<Scene["ask"]>) => stream.reply?.headers;
  const BEARER = ["www-authenticate", 'Bearer realm="holdfast"'];

  it("without a token names both schemes", () => {
    const both = [BEARER, ["www-authenticate", `DPoP realm="holdfast", ${algorithms}`]];
    assert.deepEqual(headersOf(scene.ask()), both);
    assert.deepEqual(headersOf(scene.ask({ headers: [["authorization", "Basic eDp5"]] })), both);
  });

  it("for a token is of the scheme that it came by", () => {
    const expired = boundToken({ exp: NOW });
    const dpop = ["www-authenticate", `DPoP realm="holdfast", error="invalid_token", ${algorithms}`];
    assert.deepEqual(headersOf(scene.prove(expired, proof(expired))), [dpop]);
    assert.deepEqual(headersOf(scene.present(expired)), [
      ["www-authenticate", 'Bearer realm="holdfast", error="invalid_token"'],
    ]);
  });

  it("for a proof says so, and lists the algorithms", () => {
    assert.deepEqual(headersOf(scene.prove(compact, [])), [
      ["www-authenticate", `DPoP realm="holdfast", error="invalid_dpop_proof", ${algorithms}`],
    ]);
  });

  it("is what it was where no proofs are judged", () => {
    assert.deepEqual(headersOf(new Scene().ask()), [BEARER]);
  });

  it("comes with gRPC's status", () => {
    for (const proofs of [[], ["x"], [proof(compact, claims({ htm: "POST" }))]])
      assert.equal(scene.prove(compact, proofs).reply?.grpcStatus, 16);
  });

  it("is nobody's business in observe mode", () => {
    const observed = new ProofScene(proofPolicy({}, { mode: "observe" }));
    assertWouldDeny(observed.prove(compact, []), "proof_absent");
    assertWouldDeny(observed.prove(compact, "x"), "proof_malformed");
    assertAllowed(observed.prove(compact, proof(compact)));
  });
});

it("bad proof signatures of one presenter are checked up to his allowance, and others' go on", () => {
  const scene = new ProofScene();
  const bad = proof(compact, { header: { jwk: publicJwk(otherKey) } });
  const reasons = new Set<string | undefined>();
  for (let i = 0; i < 2_000; i++)
    reasons.add(scene.prove(compact, bad, { peer: thief }).filterState("wasm.holdfast.reason"));
  assert.deepEqual([...reasons], ["proof_signature_invalid", "failures_exceeded"]);
  assertAllowed(scene.prove(compact, proof(compact)));
});
