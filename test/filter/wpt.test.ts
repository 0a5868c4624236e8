// Proofs of possession by workloads: whoever sends a workload identity token has the key that it names, and has made a proof of it for
// this request.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { HeaderPair, Request } from "../../cli/host/index.ts";
import { asHeader, assertNeverAllowed } from "./support/hostile.ts";
import type { Json } from "./support/json.ts";
import { ALGORITHMS, makeKey } from "./support/keys.ts";
import type { IssuerKey } from "./support/keys.ts";
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
  clientKey,
  digest,
  otherKey,
  proof,
  publicJwk,
} from "./support/proofs.ts";
import { assertAllowed, assertDenied, assertWouldDeny, bearer } from "./support/scene.ts";
import { base64url, key as issuerKey, tokenOfText } from "./support/tokens.ts";
import { policy } from "./support/policies.ts";
import {
  INVALID_TOKEN,
  WorkloadScene,
  namedKey,
  wit,
  witIssuer,
  workloadPolicy,
  workloadProof,
} from "./support/workload-proofs.ts";
import { TRUST_DOMAIN, thief } from "./support/world.ts";

const compact = wit();
const good = workloadProof(compact);
const [headerText, payloadText] = textsOf(good);
const [goodHeader = "", , goodSignature = ""] = good.split(".");
const jwk = publicJwk(clientKey);

/** What is wrong with each; all else is right. */
const FLAWS: Readonly<Record<string, Flaws>> = {
  proof_absent: { none: [] },
  proof_duplicate: {
    "two good ones": [good, workloadProof(compact)],
    "the same twice": [good, good],
    "a good one and an empty one": [good, ""],
  },
  proof_malformed: malformed(good, workloadProof(compact)),
  proof_type_unsupported: {
    "no type": header({ typ: undefined }),
    "any JWT": header({ typ: "JWT" }),
    "the token's own type": header({ typ: "wit+jwt" }),
    "DPoP's type": header({ typ: "dpop+jwt" }),
    "more after the type": header({ typ: "wpt+jwt " }),
    "another tree before the type": header({ typ: "text/wpt+jwt" }),
    "a number as the type": header({ typ: 1 }),
  },
  proof_algorithm_unsupported: {
    ...WRONG_ALGORITHMS,
    "a key of another curve": { key: makeKey("ES384") },
    "a key of another type": { key: makeKey("EdDSA") },
  },
  proof_signature_invalid: {
    "another key": { key: otherKey },
    "another key, which it shows": { key: otherKey, header: { jwk: publicJwk(otherKey) } },
    "another key, shown as the token's is": { key: otherKey, header: { jwk, kid: "client" } },
    "the key that has signed the token": { key: issuerKey },
    ...wrongSignatures(good, workloadProof(compact)),
    "another payload": `${goodHeader}.${base64url(payloadText.replace("/orders", "/other"))}.${goodSignature}`,
    "another header": `${base64url(headerText.replace("{", "{ "))}.${good.split(".").slice(1).join(".")}`,
  },
  proof_claim_malformed: {
    ...WRONG_IDS,
    "a list as jti": claims({ jti: ["j"] }),
    ...claimAs("aud", "aud", {
      no: undefined,
      "null as": null,
      "a number as": 1,
      "an empty": "",
      "an empty list as": [],
      "a list of an empty": [""],
      "a list of a number as": [1],
      "a list in a list as": [[`${ORIGIN}/orders`]],
      "a list of two as": [`${ORIGIN}/orders`, "https://payments.example/orders"],
      "a list of the same twice as": [`${ORIGIN}/orders`, `${ORIGIN}/orders`],
      "an object as": { 0: `${ORIGIN}/orders` },
    }),
    ...claimAs("exp", "exp", {
      no: undefined,
      "null as": null,
      "a text as": String(LATER + 60),
      "a fraction as": LATER + 0.5,
      "a negative": -1,
      "16 digits of": 1_000_000_000_000_000,
    }),
    "a text as iat": claims({ iat: String(LATER) }),
    "null as iat": claims({ iat: null }),
    "a fraction as iat": claims({ iat: LATER - 0.5 }),
    "a text as nbf": claims({ nbf: String(LATER) }),
    "a negative nbf": claims({ nbf: -1 }),
  },
  proof_not_yet_valid: {
    "an iat later than clockSkew": claims({ iat: LATER + 61 }),
    "an nbf later than clockSkew": claims({ nbf: LATER + 61 }),
    "an iat that is good, and an nbf that is not": claims({ iat: LATER, nbf: LATER + 61 }),
    "an iat in milliseconds": claims({ iat: LATER * 1000 }),
  },
  proof_expired: {
    "over by clockSkew": claims({ exp: LATER - 60 }),
    "over since 1970": claims({ exp: 0 }),
  },
  proof_lifetime_too_long: {
    "more than maxLifetime and clockSkew to go": claims({ exp: LATER + 121 }),
    "an exp in milliseconds": claims({ exp: LATER * 1000 }),
    "an exp at the end of time": claims({ exp: 999_999_999_999_999 }),
    "as long as its token": claims({ exp: LATER + 300 }),
  },
  proof_token_mismatch: {
    "no wth": claims({ wth: undefined }),
    "null as wth": claims({ wth: null }),
    "an empty wth": claims({ wth: "" }),
    "a number as wth": claims({ wth: 1 }),
    "another token's wth": claims({ wth: digest(wit({ jti: "other" })) }),
    "wth with padding": claims({ wth: `${digest(compact)}=` }),
    "wth in hex": claims({ wth: Buffer.from(digest(compact), "base64url").toString("hex") }),
    "half of wth": claims({ wth: digest(compact).slice(0, 22) }),
    "its token's hash as ath": claims({ wth: undefined, ath: digest(compact) }),
  },
  proof_target_mismatch: {
    ...claimAs("as aud", "aud", { ...NO_TARGETS, ...OTHER_TARGETS }),
    "a name as aud": claims({ aud: "orders" }),
    "a URN as aud": claims({ aud: "urn:x" }),
    "a list of another host as aud": claims({ aud: ["https://evil.example/orders"] }),
  },
};

const scene = new WorkloadScene();

for (const [reason, flaws] of Object.entries(FLAWS)) {
  describe(reason, () => {
    for (const [name, flawed] of Object.entries(flaws)) {
      it(name, () => {
        const stream = scene.prove(compact, isOptions(flawed) ? workloadProof(compact, flawed) : flawed);
        assertDenied(stream, reason);
        const { status, headers, body, grpcStatus } = stream.reply ?? {};
        assert.deepEqual(
          [status, headers, body?.toString(), grpcStatus],
          [401, [INVALID_TOKEN], "invalid_token", 16],
        );
        assert.equal(scene.host.vmFailures, 0);
      });
    }
  });
}

describe("a proof is good", () => {
  for (const algorithm of ALGORITHMS) {
    it(`with ${algorithm}`, () => {
      const key = makeKey(algorithm);
      const named = wit({}, key);
      assertAllowed(scene.prove(named, workloadProof(named, { key })));
      const reason = algorithm === "ES256" ? "proof_signature_invalid" : "proof_algorithm_unsupported";
      assertDenied(scene.prove(named, workloadProof(named)), reason);
    });
  }

  const others: Readonly<Record<string, ProofOptions>> = {
    "with its type in other case": header({ typ: "WPT+Jwt" }),
    "with its type spelled out": header({ typ: "application/wpt+jwt" }),
    "with its type spelled out in other case": header({ typ: "Application/WPT+JWT" }),
    "with a list of one audience": claims({ aud: [`${ORIGIN}/orders`] }),
    "with further members": { header: { kid: "k" }, claims: { htm: "POST", extra: [{}] } },
    "with a key in its header that is not looked at": header({ jwk: publicJwk(otherKey) }),
    "with a jti of one byte": claims({ jti: "j" }),
    "with a jti of 256 bytes": claims({ jti: "j".repeat(256) }),
    "with iat and nbf of now": claims({ iat: LATER, nbf: LATER }),
    "with an iat of long ago": claims({ iat: 0 }),
    "from clockSkew before its iat": claims({ iat: LATER + 60 }),
    "from clockSkew before its nbf": claims({ nbf: LATER + 60 }),
    "until clockSkew after its exp": claims({ exp: LATER - 59 }),
    "with maxLifetime and clockSkew to go": claims({ exp: LATER + 120 }),
    "that speaks of no other headers": claims({ oth: {} }),
  };
  for (const [name, options] of Object.entries(others))
    it(name, () => {
      assertAllowed(scene.prove(compact, workloadProof(compact, options)));
    });

  it("as long as the policy and the issuer say", () => {
    const strict = new WorkloadScene(
      workloadPolicy({ maxLifetime: "10s" }, { issuers: { wits: witIssuer({ clockSkew: "5s" }) } }),
    );
    const having = (members: Json) => strict.prove(compact, workloadProof(compact, claims(members)));
    assertAllowed(having({ exp: LATER + 15 }));
    assertDenied(having({ exp: LATER + 16 }), "proof_lifetime_too_long");
    assertAllowed(having({ exp: LATER - 4 }));
    assertDenied(having({ exp: LATER - 5 }), "proof_expired");
    assertAllowed(having({ exp: LATER, iat: LATER + 5 }));
    assertDenied(having({ exp: LATER, iat: LATER + 6 }), "proof_not_yet_valid");
  });

  it("with escapes in its JSON", () => {
    const spelled = payloadText.replace('"wth"', '"\\u0077th"').replace("/orders", "\\/orders");
    const type = headerText.replace('"wpt+jwt"', '"\\u0077pt+jwt"');
    const escaped = tokenOfText(type, spelled.replace(/"jti":"[^"]*"/, '"jti":"escaped"'), clientKey);
    assertAllowed(scene.prove(compact, escaped));
  });

  it("of a WIT that is no SVID, with any URI of the trust domain", () => {
    const wits = witIssuer({ kind: "wit", keys: { jwks: { keys: [issuerKey.jwk] } } });
    const wimse = new WorkloadScene(workloadPolicy({}, { issuers: { wits } }));
    const named = wit({ sub: `wimse://${TRUST_DOMAIN}/web`, aud: "anybody" });
    assertAllowed(wimse.prove(named, workloadProof(named)));
    assertDenied(wimse.prove(named, workloadProof(named, { key: otherKey })), "proof_signature_invalid");
  });

  it("in headers whose names have no case", () => {
    const headers: HeaderPair[] = [
      ["Workload-Identity-Token", compact],
      ["WORKLOAD-PROOF-TOKEN", workloadProof(compact)],
    ];
    assertAllowed(scene.ask({ path: "/orders", headers }));
  });

  it("by the exact algorithm of its key, where others would do for it as well", () => {
    const rsa = makeKey("RS256");
    const named = wit({}, rsa);
    assertAllowed(scene.prove(named, workloadProof(named, { key: rsa })));
    for (const algorithm of ["RS384", "RS512"] as const) {
      const key: IssuerKey = { ...rsa, algorithm };
      assertDenied(scene.prove(named, workloadProof(named, { key })), "proof_algorithm_unsupported");
      const renamed = wit({}, key);
      assertAllowed(scene.prove(renamed, workloadProof(renamed, { key })), "unless it names that one");
    }
  });

  it("by no key that is off its curve", () => {
    const named = wit({ cnf: { jwk: { ...namedKey(clientKey), y: jwk["x"] } } });
    assertDenied(scene.prove(named, workloadProof(named)), "proof_signature_invalid");
  });

  it("unless a bit of it is changed", () => {
    const bystander = new WorkloadScene();
    for (let i = 0; i < good.length; i++) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = Buffer.from(good);
        bytes[i] = (bytes[i] ?? 0) ^ (1 << bit);
        const uriSan = `spiffe://${TRUST_DOMAIN}/ns/hostile/sa/${i}`;
        const stream = bystander.prove(compact, asHeader(bytes), { peer: { ...thief, uriSan } });
        assertNeverAllowed(stream, `byte ${i}, bit ${bit}`);
      }
    }
    assert.equal(bystander.host.vmFailures, 0);
    assertAllowed(bystander.prove(compact, good), "none of them has spent it");
  });

  it("or refused, whatever values its claims have", () => {
    const names = ["jti", "aud", "exp", "iat", "nbf", "wth", "ath", "tth", "oth"];
    const any = fc.dictionary(fc.constantFrom(...names), fc.jsonValue());
    const strangers = new WorkloadScene();
    fc.assert(
      fc.property(any, (members) => {
        const sent = workloadProof(compact, claims(members));
        strangers.prove(compact, sent, { headers: [bearer("a"), ["txn-token", "b"], ["a", "c"]] });
        assert.equal(strangers.host.vmFailures, 0);
      }),
      { numRuns: 1_000, seed: 1 },
    );
  });
});

describe("aud is one and the same", () => {
  const several = new WorkloadScene(workloadPolicy({ origins: SPELLED_ORIGINS }));
  for (const [name, [path, aud]] of Object.entries(SAME_TARGETS))
    it(name, () => {
      assertAllowed(several.prove(compact, workloadProof(compact, claims({ aud })), { path }));
    });

  it("and what is in the request's headers has no part in its origin", () => {
    const forged: HeaderPair[] = [
      ["host", "evil.example"],
      ["x-forwarded-host", "evil.example"],
      ["x-forwarded-proto", "http"],
      ["x-forwarded-port", "80"],
      ["x-forwarded-prefix", "/evil"],
      ["x-original-url", "/evil"],
      ["x-envoy-original-path", "/evil"],
      ["forwarded", "host=evil.example;proto=http"],
    ];
    const elsewhere: Request = { authority: "evil.example", headers: forged };
    assertAllowed(scene.prove(compact, workloadProof(compact), elsewhere));
    for (const aud of ["https://evil.example/orders", "http://evil.example/orders", `${ORIGIN}/evil`]) {
      const sent = workloadProof(compact, claims({ aud }));
      assertDenied(scene.prove(compact, sent, elsewhere), "proof_target_mismatch", aud);
    }
  });

  it("is the path's of this request, by every method", () => {
    for (const method of ["POST", "DELETE"])
      assertAllowed(scene.prove(compact, workloadProof(compact), { method }));
    assertDenied(
      scene.prove(compact, workloadProof(compact), { path: "/orders/1" }),
      "proof_target_mismatch",
    );
  });
});

describe("an audience of the policy", () => {
  const named = new WorkloadScene(workloadPolicy({ audiences: ["urn:x", "https://Other.example/any"] }));
  const only = new WorkloadScene(policy({ wpt: { audiences: ["urn:x"] }, issuers: { wits: witIssuer() } }));
  const of = (where: WorkloadScene, aud: unknown) =>
    where.prove(compact, workloadProof(compact, claims({ aud })), { path: "/anything" });

  it("is good for every path, byte for byte", () => {
    for (const aud of ["urn:x", ["urn:x"], "https://Other.example/any", `${ORIGIN}/anything`])
      assertAllowed(of(named, aud), JSON.stringify(aud));
    for (const aud of [
      "URN:x",
      "urn:X",
      "urn:x ",
      " urn:x",
      "urn:",
      "urn:x:y",
      "urn:x\u0000",
      "https://other.example/any",
      "https://Other.example/any?x",
      "https://Other.example/any/",
    ])
      assertDenied(of(named, aud), "proof_target_mismatch", aud);
  });

  it("is the only one where the policy has no origins", () => {
    assertAllowed(of(only, "urn:x"));
    assertDenied(of(only, `${ORIGIN}/anything`), "proof_target_mismatch");
    assertDenied(of(only, "/anything"), "proof_target_mismatch");
  });

  it("may not be one of several", () => {
    assertDenied(of(named, ["urn:x", "https://Other.example/any"]), "proof_claim_malformed");
    assertDenied(of(named, ["urn:x", "urn:y"]), "proof_claim_malformed");
  });
});

describe("the answer", () => {
  const access = "2YotnFZFEjr1zCsicMWpAA";
  const both = new WorkloadScene(workloadPolicy({}, { dpop: { origins: [ORIGIN] } }));

  it("to a workload has no challenge of DPoP, whatever came along", () => {
    const requests: readonly Request[] = [
      {},
      { headers: [bearer(access)] },
      { headers: [["authorization", `DPoP ${access}`]] },
      {
        headers: [
          ["authorization", `DPoP ${access}`],
          ["dpop", proof(access)],
        ],
      },
    ];
    for (const request of requests) {
      for (const proofs of [[], ["x"], [workloadProof(compact, { key: otherKey })]]) {
        const { status, headers, body } = both.prove(compact, proofs, request).reply ?? {};
        const shown = JSON.stringify(request);
        assert.deepEqual([status, headers, body?.toString()], [401, [INVALID_TOKEN], "invalid_token"], shown);
      }
    }
  });

  it("without a token is what it was", () => {
    assert.deepEqual(scene.ask({ path: "/orders" }).reply?.headers, [
      ["www-authenticate", 'Bearer realm="holdfast"'],
    ]);
    const beside: HeaderPair = ["workload-proof-token", good];
    assertDenied(scene.ask({ path: "/orders", headers: [beside] }), "token_absent");
  });

  it("to early data is to come again, as its proof does not say when it was made", () => {
    for (const members of [{}, { iat: LATER }, { nonce: "n" }]) {
      const sent = workloadProof(compact, claims(members));
      const early = scene.prove(compact, sent, { headers: [["early-data", "1"]] });
      assertDenied(early, "early_data");
      assert.deepEqual([early.reply?.status, early.reply?.headers], [425, []]);
      assertAllowed(scene.prove(compact, sent), "which it may do with the same proof");
    }
  });

  it("to a path of two readings is of the path, before any proof is read", () => {
    const sent = workloadProof(compact, claims({ aud: `${ORIGIN}/a/../orders` }));
    assertDenied(scene.prove(compact, sent, { path: "/a/../orders" }), "path_ambiguous");
  });

  it("is none in observe mode", () => {
    const observed = new WorkloadScene(workloadPolicy({}, { mode: "observe" }));
    assertWouldDeny(observed.prove(compact, []), "proof_absent");
    assertWouldDeny(observed.prove(compact, "x"), "proof_malformed");
    assertWouldDeny(
      observed.prove(compact, workloadProof(compact, { key: otherKey })),
      "proof_signature_invalid",
    );
    assertWouldDeny(
      observed.prove(compact, workloadProof(compact), { headers: [bearer(access)] }),
      "proof_other_token_mismatch",
    );
    assertAllowed(observed.prove(compact, workloadProof(compact)));
  });

  it("and what is logged show no token and no proof", () => {
    const talkative = new WorkloadScene(workloadPolicy({}, { decisionLog: { sampleAllowed: 1 } }), {
      logLevel: "trace",
    });
    const spent = workloadProof(compact, claims({ ath: digest(access), jti: "the-id-of-it" }));
    const headers = [bearer(access)];
    assertAllowed(talkative.prove(compact, spent, { headers }));
    const refused = talkative.prove(compact, spent, { headers });
    assertDenied(refused, "proof_replayed");
    const shown = JSON.stringify([
      talkative.host.logs,
      refused.reply?.headers,
      refused.reply?.body.toString(),
    ]);
    for (const secret of [...compact.split("."), ...spent.split("."), access, "the-id-of-it"])
      assert.ok(!shown.includes(secret), secret);
  });
});
