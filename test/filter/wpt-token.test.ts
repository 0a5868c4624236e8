// Workload identity tokens that are proven by their key: what else is asked of them, what they are not proven by, and for how long it holds.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HeaderPair, Request } from "../../cli/host/index.ts";
import { without } from "./support/json.ts";
import type { Json } from "./support/json.ts";
import { FetchingScene, answerWith } from "./support/key-server.ts";
import { makeKey } from "./support/keys.ts";
import { issuer, policy } from "./support/policies.ts";
import { withClaims as claims, withHeader as header } from "./support/proof-flaws.ts";
import {
  LATER,
  ORIGIN,
  boundToken,
  clientKey,
  digest,
  otherKey,
  proof,
  proven,
  publicJwk,
  thumbprintOf,
} from "./support/proofs.ts";
import { Scene, assertAllowed, assertDenied, bearer, verdictOf } from "./support/scene.ts";
import { base64url, key as issuerKey } from "./support/tokens.ts";
import {
  WorkloadScene,
  namedKey,
  proveWorkload,
  wit,
  witIssuer,
  workloadHeaders,
  workloadPolicy,
  workloadProof,
} from "./support/workload-proofs.ts";
import { OTHER_THUMBPRINT, THIEF, TRUST_DOMAIN, WEB_THUMBPRINT, thief, web } from "./support/world.ts";

const compact = wit();
const jwk = publicJwk(clientKey);
const scene = new WorkloadScene();

describe("the token", () => {
  it("is refused where no proofs of workloads are judged, with a proof or without", () => {
    for (const members of [{}, { dpop: { origins: [ORIGIN] } }]) {
      const plain = new Scene(policy({ issuers: { wits: witIssuer() }, ...members }));
      plain.now = LATER;
      for (const proofs of [[], [workloadProof(compact)], "x"])
        assertDenied(proveWorkload(plain.plugin, compact, proofs), "cnf_unsupported");
    }
  });

  it("is not proven by DPoP", () => {
    const both = new WorkloadScene(workloadPolicy({}, { dpop: { origins: [ORIGIN] } }));
    const dpop = proof(compact);
    assertDenied(both.prove(compact, [], { headers: [["dpop", dpop]] }), "proof_absent");
    assertDenied(both.prove(compact, dpop), "proof_type_unsupported");
    const retyped = workloadProof(compact, header({ typ: "dpop+jwt", jwk }));
    assertDenied(both.prove(compact, [], { headers: [["dpop", retyped]] }), "proof_absent");
    assertAllowed(
      both.prove(compact, workloadProof(compact), { headers: [["dpop", "x"]] }),
      "not its affair",
    );
  });

  it("of another kind is not proven by a workload's proof", () => {
    const issuers = { idp: issuer(), wits: witIssuer() };
    const both = new WorkloadScene(workloadPolicy({}, { issuers, dpop: { origins: [ORIGIN] } }));
    const bound = boundToken();
    const beside: HeaderPair = ["workload-proof-token", workloadProof(bound)];
    const asDpop: HeaderPair = ["authorization", `DPoP ${bound}`];
    assertDenied(both.ask({ path: "/orders", headers: [asDpop, beside] }), "proof_absent");
    const retyped = workloadProof(bound, header({ jwk }));
    assertDenied(
      both.ask({ path: "/orders", headers: [asDpop, ["dpop", retyped]] }),
      "proof_type_unsupported",
    );
    const namesJwk = boundToken({ cnf: { jwk: namedKey(clientKey) } });
    const proofOfIt: HeaderPair = ["workload-proof-token", workloadProof(namesJwk)];
    assertDenied(both.ask({ path: "/orders", headers: [bearer(namesJwk), proofOfIt] }), "cnf_unsupported");
    const asked = both.ask({ path: "/orders", headers: proven(namesJwk, proof(namesJwk)) });
    assertDenied(asked, "dpop_unbound");
    assertAllowed(both.ask({ path: "/orders", headers: proven(bound, proof(bound)) }));
  });

  it("is no good without a good key, which is found before its proof is read", () => {
    for (const cnf of [
      { jwk: {} },
      { jwk: "x" },
      { jwk: without(namedKey(clientKey), "alg") },
      { jwk: { ...namedKey(clientKey), alg: "ES384" } },
      { jwk: { ...namedKey(clientKey), alg: "PS256" } },
      { jwk: clientKey.privateKey.export({ format: "jwk" }) },
      { jwk: { kty: "oct", k: base64url("secret"), alg: "HS256" } },
    ]) {
      const named = wit({ cnf });
      assertDenied(scene.prove(named, workloadProof(named)), "cnf_malformed", JSON.stringify(cnf));
    }
  });

  it("that is over is refused, though its proof is not", () => {
    const over = wit({ exp: LATER - 60 });
    assertDenied(scene.prove(over, workloadProof(over)), "token_expired");
  });

  it("may be sent any number of times, each time with a proof of its own", () => {
    for (let i = 0; i < 5; i++) assertAllowed(scene.prove(compact, workloadProof(compact)));
  });
});

describe("a cnf that names more than a key", () => {
  const named = (members: Json) => wit({ cnf: { jwk: namedKey(clientKey), ...members } });
  const prove = (members: Json, request: Request = {}) => {
    const bound = named(members);
    return scene.prove(bound, workloadProof(bound), request);
  };

  it("is proven by a thumbprint of that key, and by no other", () => {
    assertAllowed(prove({ jkt: thumbprintOf(clientKey) }));
    assertDenied(prove({ jkt: thumbprintOf(otherKey) }), "proof_key_mismatch");
    const first = wit({ cnf: { jkt: thumbprintOf(otherKey), jwk: namedKey(clientKey) } });
    assertDenied(scene.prove(first, workloadProof(first)), "proof_key_mismatch", "in whatever order");
    for (const jkt of [1, "", null, `${thumbprintOf(clientKey)}=`])
      assertDenied(prove({ jkt }), "cnf_malformed", JSON.stringify(jkt));
  });

  it("is proven by a certificate, too", () => {
    assertAllowed(prove({ "x5t#S256": WEB_THUMBPRINT }));
    assertDenied(prove({ "x5t#S256": OTHER_THUMBPRINT }), "certificate_mismatch");
    assertDenied(prove({ "x5t#S256": WEB_THUMBPRINT }, { peer: thief }), "certificate_mismatch");
    assertDenied(prove({ "x5t#S256": 1 }), "cnf_malformed");
    const bound = named({ "x5t#S256": WEB_THUMBPRINT });
    assertDenied(scene.prove(bound, []), "proof_absent", "the certificate alone does not do");
    assertAllowed(prove({ "x5t#S256": WEB_THUMBPRINT, jkt: thumbprintOf(clientKey) }));
    assertDenied(prove({ "x5t#S256": WEB_THUMBPRINT, jkt: thumbprintOf(otherKey) }), "proof_key_mismatch");
    assertDenied(
      prove({ "x5t#S256": OTHER_THUMBPRINT, jkt: thumbprintOf(clientKey) }),
      "certificate_mismatch",
    );
  });

  it("is refused where nobody here can prove it", () => {
    for (const members of [
      { kid: "k" },
      { jku: "https://x.example" },
      { jwe: "x" },
      { unknown: null },
      { "": 1 },
    ])
      assertDenied(prove(members), "cnf_unsupported", JSON.stringify(members));
  });
});

describe("a thief of a WIT", () => {
  it("who has a key, a certificate and a WIT of his own gets nothing by it", () => {
    const his = wit({ sub: THIEF }, otherKey);
    const by = { key: otherKey };
    const attempts: Readonly<Record<string, readonly [token: string, proof: string, reason: string]>> = {
      "his own key": [compact, workloadProof(compact, by), "proof_signature_invalid"],
      "his own key, shown as the token's": [
        compact,
        workloadProof(compact, { ...by, header: { jwk: publicJwk(otherKey), kid: "client" } }),
        "proof_signature_invalid",
      ],
      "a proof for his own WIT": [compact, workloadProof(his, by), "proof_signature_invalid"],
      "a proof of web's, seen elsewhere": [
        compact,
        workloadProof(compact, claims({ aud: "https://evil.example/orders" })),
        "proof_target_mismatch",
      ],
      "a proof of web's, for another WIT of his": [
        compact,
        workloadProof(wit({ jti: "older" })),
        "proof_token_mismatch",
      ],
      "a proof of web's, for his own WIT": [his, workloadProof(compact), "proof_signature_invalid"],
      "his key named in a token that he has signed": [
        wit({}, otherKey)
          .split(".")
          .slice(0, 2)
          .concat(compact.split(".")[2] ?? "")
          .join("."),
        workloadProof(compact, by),
        "signature_invalid",
      ],
    };
    assertAllowed(scene.prove(his, workloadProof(his, by), { peer: thief }));
    for (const [what, [token, sent, reason]] of Object.entries(attempts))
      assertDenied(scene.prove(token, sent, { peer: thief }), reason, what);
    assertDenied(scene.prove(compact, [], { peer: thief }), "proof_absent");
    const both: HeaderPair[] = [
      ["workload-identity-token", his],
      ...workloadHeaders(compact, workloadProof(his, by)),
    ];
    assertDenied(scene.ask({ path: "/orders", peer: thief, headers: both }), "token_duplicate");
  });

  it("who has seen a proof before it was spent may be kept out by his certificate", () => {
    const rules = [{ name: "all", bind: [{ spiffe: { claim: "sub" } }] }];
    const strict = new WorkloadScene(workloadPolicy({}, { rules }));
    const seen = workloadProof(compact);
    assertDenied(strict.prove(compact, seen, { peer: thief }), "spiffe_mismatch");
    assertAllowed(strict.prove(compact, seen));
  });

  it("is checked up to his allowance, and others go on", () => {
    const busy = new WorkloadScene();
    const bad = workloadProof(compact, { key: otherKey });
    const reasons = new Set<string | undefined>();
    for (let i = 0; i < 2_000; i++)
      reasons.add(busy.prove(compact, bad, { peer: thief }).filterState("wasm.holdfast.reason"));
    assert.deepEqual([...reasons], ["proof_signature_invalid", "failures_exceeded"]);
    assertAllowed(busy.prove(compact, workloadProof(compact)));
  });
});

describe("the bindings of the rule", () => {
  const bound = (...bind: readonly Json[]) =>
    new WorkloadScene(workloadPolicy({}, { rules: [{ name: "all", bind }] }));

  it("have to hold as well", () => {
    const strict = bound(
      { spiffe: { claim: "sub" } },
      { spiffe: { patterns: [`spiffe://${TRUST_DOMAIN}/ns/shop/**`] } },
    );
    assertAllowed(strict.prove(compact, workloadProof(compact)));
    assertDenied(strict.prove(compact, workloadProof(compact), { peer: thief }), "spiffe_mismatch");
    assertDenied(strict.prove(compact, []), "proof_absent");
    const elsewhere = wit({ sub: `spiffe://${TRUST_DOMAIN}/ns/other/sa/web` });
    const peer = { ...web, uriSan: `spiffe://${TRUST_DOMAIN}/ns/other/sa/web` };
    assertDenied(strict.prove(elsewhere, workloadProof(elsewhere), { peer }), "spiffe_mismatch");
  });

  it("are what else says who may come: without them it is whoever has the key", () => {
    assertAllowed(scene.prove(compact, workloadProof(compact), { peer: thief }));
  });

  it("ask for a certificate that the token names", () => {
    const certified = bound({ certificate: {} });
    assertDenied(certified.prove(compact, workloadProof(compact)), "certificate_unbound");
    const named = wit({ cnf: { jwk: namedKey(clientKey), "x5t#S256": WEB_THUMBPRINT } });
    assertAllowed(certified.prove(named, workloadProof(named)));
    assertDenied(certified.prove(named, workloadProof(named), { peer: thief }), "certificate_mismatch");
  });

  it("are not the proof's to replace", () => {
    const either = bound({ anyOf: [{ spiffe: { claim: "sub" } }, { certificate: {} }] });
    assertAllowed(either.prove(compact, workloadProof(compact)));
    assertDenied(either.prove(compact, workloadProof(compact), { peer: thief }), "no_alternative_held");
    assertDenied(either.prove(compact, []), "proof_absent");
  });
});

describe("a request that waits for keys", () => {
  const waiting = () => {
    const wits = (path: string) => witIssuer({ kind: "wit", keys: { cluster: "idp", path } });
    const scene = new FetchingScene(workloadPolicy({}, { issuers: { wits: wits("/jwks") } }));
    scene.publish(issuerKey.jwk);
    scene.now = LATER;
    const moved = workloadPolicy({}, { issuers: { wits: wits("/moved") } });
    assert.ok(scene.plugin.configure(JSON.stringify(moved)));
    return scene;
  };

  it("has its proof judged once they are there, and spent once", () => {
    const scene = waiting();
    const spent = workloadProof(compact);
    const streams = [1, 2].map(() => proveWorkload(scene.plugin, compact, spent));
    assert.deepEqual(
      streams.map(({ outcome }) => outcome),
      ["pause", "pause"],
    );
    scene.publish(issuerKey.jwk);
    assert.deepEqual(streams.map(verdictOf).sort(), ["allow", "deny"]);
    assertDenied(proveWorkload(scene.plugin, compact, spent), "proof_replayed");
  });

  it("is refused when its proof is over meanwhile", () => {
    const scene = waiting();
    const stream = proveWorkload(scene.plugin, compact, workloadProof(compact, claims({ exp: LATER - 59 })));
    assert.equal(stream.outcome, "pause");
    scene.pass(1);
    scene.call.respond(answerWith(issuerKey.jwk));
    assertDenied(stream, "proof_expired");
  });
});

describe("a request that goes on", () => {
  const followed = workloadPolicy({}, { rules: [{ name: "all", revalidate: { every: "1s" } }] });
  const access = "2YotnFZFEjr1zCsicMWpAA";

  const opened = (
    rules = followed,
    token = compact,
    said: Json = {},
    headers: readonly HeaderPair[] = [],
  ) => {
    const scene = new WorkloadScene(rules);
    const spent = workloadProof(token, claims(said));
    const stream = scene.plugin.request({
      peer: web,
      path: "/orders",
      headers: [...headers, ...workloadHeaders(token, spent)],
    });
    assertAllowed(stream);
    const passTo = (second: number) => {
      scene.now = LATER + second;
      scene.vm.tick();
    };
    const assertOpen = () => {
      assert.deepEqual([stream.reply, stream.ended, verdictOf(stream)], [undefined, false, "allow"]);
    };
    const assertClosed = (reason: string) => {
      assert.equal(stream.reply?.details, `holdfast_closed{${reason}}`);
    };
    return { scene, spent, passTo, assertOpen, assertClosed };
  };

  it("is judged again without a new proof, also when the one it had is over, until its token ends", () => {
    const { scene, spent, passTo, assertOpen, assertClosed } = opened();
    for (const second of [1, 2, 119, 121, 300, 359]) {
      passTo(second);
      assertOpen();
    }
    passTo(360);
    assertClosed("token_expired");
    scene.now = LATER + 1;
    assertDenied(scene.prove(compact, spent), "proof_replayed");
  });

  it("is not mixed up with what others prove in between", () => {
    const { scene, passTo, assertOpen } = opened();
    const his = wit({ sub: THIEF }, otherKey);
    for (const second of [1, 2, 3]) {
      assertAllowed(scene.prove(his, workloadProof(his, { key: otherKey }), { peer: thief }));
      assertDenied(
        scene.prove(compact, workloadProof(compact, { key: otherKey })),
        "proof_signature_invalid",
      );
      passTo(second);
      assertOpen();
    }
  });

  it("goes on with the other tokens that it came with", () => {
    const headers: HeaderPair[] = [bearer(access), ["txn-token", "t"], ["x-a", "1"]];
    const said = { ath: digest(access), tth: digest("t"), oth: { "x-a": digest("1") } };
    const { passTo, assertOpen } = opened(followed, compact, said, headers);
    passTo(2);
    assertOpen();
  });

  it("goes on by each member of its cnf, and ends with what it was proven by", () => {
    const named = wit({
      cnf: { jwk: namedKey(clientKey), jkt: thumbprintOf(clientKey), "x5t#S256": WEB_THUMBPRINT },
    });
    const { passTo, assertOpen } = opened(followed, named);
    passTo(2);
    assertOpen();
  });

  it("is closed by a policy that it does not hold under, and goes on under one that it does", () => {
    const { scene, passTo, assertOpen, assertClosed } = opened();
    const update = (rules: Json) => {
      assert.ok(scene.plugin.configure(JSON.stringify(rules)));
    };
    update(
      workloadPolicy({ origins: ["https://moved.example"], maxLifetime: "5s" }, { rules: followed["rules"] }),
    );
    passTo(1);
    assertOpen();
    update(
      workloadPolicy(
        {},
        { rules: [{ name: "all", bind: [{ certificate: {} }], revalidate: { every: "1s" } }] },
      ),
    );
    passTo(2);
    assertClosed("certificate_unbound");
  });

  it("is closed by a policy that judges no proofs", () => {
    const { scene, passTo, assertClosed } = opened();
    assert.ok(scene.plugin.configure(JSON.stringify(without(followed, "wpt"))));
    passTo(1);
    assertClosed("cnf_unsupported");
  });

  it("that cannot be followed has not spent its proof", () => {
    const scene = new WorkloadScene(
      workloadPolicy({ audiences: ["urn:orders"] }, { rules: followed["rules"] }),
    );
    const spent = workloadProof(compact, claims({ aud: "urn:orders" }));
    const path = `/orders/${"x".repeat(30_000)}`;
    assertDenied(scene.prove(compact, spent, { path }), "streams_full");
    assertAllowed(scene.prove(compact, spent));
    assertDenied(scene.prove(compact, spent), "proof_replayed");
  });

  it("is not followed any more when its proof turns out to be spent", () => {
    const { scene, spent, passTo, assertOpen } = opened();
    assertDenied(scene.prove(compact, spent), "proof_replayed");
    passTo(2);
    assertOpen();
  });

  it("is closed by a policy that does not know its issuer's key", () => {
    const { scene, passTo, assertClosed } = opened();
    const other = makeKey("ES256", "k2");
    const wits = witIssuer({ keys: { jwks: { keys: [{ ...other.jwk, use: "wit-svid" }] } } });
    assert.ok(scene.plugin.configure(JSON.stringify({ ...followed, issuers: { wits } })));
    passTo(1);
    assertClosed("key_unknown");
  });
});
