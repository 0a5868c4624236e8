// A token that names a certificate which its workload has replaced since.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import type { Peer, Request } from "../../cli/host/index.ts";
import { Authority } from "../../envoy/identity/authority.ts";
import { verified } from "./support/jwt-authn.ts";
import { CLUSTER, FetchingScene } from "./support/key-server.ts";
import { makeKey } from "./support/keys.ts";
import { issuer, policy, policyWithRule } from "./support/policies.ts";
import { WINDOW, boundTo, certified, rotating, rotatingPolicy } from "./support/rotation.ts";
import { Scene, assertAllowed, assertDenied, assertWouldDeny, bearer } from "./support/scene.ts";
import { key, payloadOf, token } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { NOW, THIEF, TRUST_DOMAIN, WEB, thief, web } from "./support/world.ts";

/** Web before and after, and a token that is bound to what it had before. */
const old = certified("old");
const renewed = certified("new");
const lasting = { exp: NOW + 100_000 };
const oldToken = boundTo("old", lasting);
const mismatch = "certificate_mismatch";

const oldClaims = JSON.parse(Buffer.from(payloadOf(oldToken), "base64url").toString()) as Json;

function rotations(scene: Scene): number[] {
  return ["seen", "renewed"].map((name) => scene.host.counter(`holdfast.rotation.${name}`));
}

/** A scene in which web was seen with its old certificate. */
function afterSighting(rules: Json = rotatingPolicy(), seen: Request = { peer: old }): Scene {
  const scene = new Scene(rules);
  scene.present(oldToken, seen);
  return scene;
}

describe("a token whose certificate was seen with its workload", () => {
  it("passes with the workload's newer one, and is counted apart", () => {
    const scene = new Scene(rotatingPolicy());
    assertAllowed(scene.present(oldToken, { peer: old }));
    assert.deepEqual(rotations(scene), [0, 0]);
    assertAllowed(scene.present(oldToken, { peer: renewed }));
    assert.deepEqual(rotations(scene), [1, 0]);
    assertAllowed(scene.present(oldToken, { peer: old }), "another replica may not have rotated yet");
    assert.deepEqual(rotations(scene), [1, 0]);
  });

  it("does not without the option, nor under another rule", () => {
    const bind = [{ certificate: {} }];
    assertDenied(afterSighting(policyWithRule({ bind })).present(oldToken, { peer: renewed }), mismatch);
    assertDenied(afterSighting(policy()).present(oldToken, { peer: renewed }), mismatch);
    const rules = [
      { name: "strict", when: { path: "/strict" }, bind },
      { name: "all", bind: [rotating()] },
    ];
    const scene = afterSighting(policy({ rules }));
    assertAllowed(scene.present(oldToken, { peer: renewed }));
    assertDenied(scene.present(oldToken, { peer: renewed, path: "/strict" }), mismatch);
  });

  it("does not when it was never seen", () => {
    const scene = new Scene(rotatingPolicy());
    for (let i = 0; i < 3; i++) assertDenied(scene.present(oldToken, { peer: renewed }), mismatch);
    assert.deepEqual(rotations(scene), [0, 0]);
  });

  it("passes for as long as the window, counted from when it was last seen", () => {
    const scene = afterSighting();
    scene.now = NOW + WINDOW;
    assertAllowed(scene.present(oldToken, { peer: renewed }));
    scene.now += 1;
    assertDenied(scene.present(oldToken, { peer: renewed }), mismatch);
    assertAllowed(scene.present(oldToken, { peer: old }));
    scene.now += WINDOW;
    assertAllowed(scene.present(oldToken, { peer: renewed }));
  });

  it("does not have its window made longer by passing", () => {
    const scene = afterSighting();
    for (scene.now = NOW; scene.now <= NOW + WINDOW; scene.now += 300)
      assertAllowed(scene.present(oldToken, { peer: renewed }));
    scene.now = NOW + WINDOW + 1;
    assertDenied(scene.present(oldToken, { peer: renewed }), mismatch);
  });

  it("is seen also where it does not name the live certificate itself", () => {
    const scene = new Scene(rotatingPolicy());
    assertDenied(scene.present(oldToken, { peer: certified("between") }), mismatch);
    assertAllowed(scene.present(boundTo("between"), { peer: renewed }));
  });

  it("is not seen before its token and its presenter were found good", () => {
    const scene = new Scene(rotatingPolicy());
    scene.ask({ peer: old });
    scene.ask({ peer: old, headers: [bearer(`${oldToken.slice(0, -8)}AAAAAAAA`)] });
    scene.present(boundTo("old", { exp: NOW - 1000 }), { peer: old });
    scene.present(oldToken, { peer: { ...old, uriSan: WEB.replace("example", "elsewhere") } });
    const byEnvoy = { ...rotatingPolicy(), presenter: { validatedBy: "envoy" } };
    assertDenied(scene.present(oldToken, { peer: renewed }), mismatch);
    const doubting = new Scene(byEnvoy);
    doubting.present(oldToken, { peer: { ...old, validated: false } });
    assertDenied(doubting.present(oldToken, { peer: renewed }), mismatch);
  });

  it("passes after a clock was set back only while the sighting does not lie ahead", () => {
    const scene = afterSighting();
    scene.now = NOW - 1;
    const early = boundTo("old", { iat: NOW - 1000 });
    assertAllowed(scene.present(early, { peer: renewed }), "the clock of another worker");
    scene.now = NOW - 2;
    assertDenied(scene.present(early, { peer: renewed }), mismatch);
  });
});

describe("a thief with a certificate of his own", () => {
  const stolen: readonly (readonly [string, string])[] = [
    ["a token about web", oldToken],
    ["a token about web whose certificate is his", boundTo("his", lasting)],
    ["a token about nobody", boundTo("old", { sub: "alice" })],
  ];
  for (const [name, compact] of stolen) {
    it(`does not pass with ${name}, whatever he was seen with`, () => {
      const scene = afterSighting();
      for (const certificate of ["first", "second", "third", "old"])
        scene.present(compact, { peer: certified(certificate, THIEF) });
      for (const certificate of ["first", "fourth"])
        assertDenied(scene.present(compact, { peer: certified(certificate, THIEF) }), mismatch);
      assert.deepEqual(rotations(scene), [0, 0]);
    });
  }

  it("does not make his certificate web's: it was seen with him", () => {
    const scene = new Scene(rotatingPolicy());
    assertAllowed(
      scene.present(boundTo("his", { sub: THIEF }), { peer: certified("his", THIEF) }),
      "his own token",
    );
    assertDenied(scene.present(boundTo("his"), { peer: renewed }), mismatch);
    assertDenied(scene.present(boundTo("his", { sub: THIEF }), { peer: renewed }), mismatch);
  });

  it("does not pass with a name that is almost web's", () => {
    const scene = afterSighting();
    for (const id of [`${WEB}2`, WEB.slice(0, -1), WEB.replace("web", "Web"), `${WEB}/x`])
      assertDenied(scene.present(oldToken, { peer: certified("new", id) }), mismatch, id);
  });

  it("is nobody without a claim that is exactly the presenter's ID", () => {
    const scene = afterSighting();
    for (const sub of [undefined, null, "", "web", [WEB], { id: WEB }, `${WEB}\0`, `${WEB}/`, 7])
      assertDenied(scene.present(boundTo("old", { sub }), { peer: renewed }), mismatch, JSON.stringify(sub));
  });
});

describe("rotation", () => {
  it("takes the claim that the policy names", () => {
    const rules = rotatingPolicy({ bind: [rotating({ claim: "workload.id" })] });
    const named = boundTo("old", { sub: "alice", workload: { id: WEB } });
    const scene = new Scene(rules);
    scene.present(named, { peer: old });
    assertDenied(scene.present(oldToken, { peer: renewed }), mismatch);
    assertAllowed(scene.present(named, { peer: renewed }));
  });

  it("is about the certificate only: the rest of `cnf`, and every other binding, has to hold", () => {
    const scene = afterSighting();
    const cnf = { "x5t#S256": "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" };
    const flawed: readonly (readonly [Json, string])[] = [
      [{ ...cnf, jkt: "x" }, "cnf_unsupported"],
      [{ jkt: "x", ...cnf }, "cnf_unsupported"],
      [{ "x5t#S256": 7 }, "cnf_malformed"],
      [{ "x5t#S256": "short" }, "cnf_malformed"],
      [{}, "cnf_malformed"],
    ];
    for (const [flaw, reason] of flawed)
      assertDenied(scene.present(boundTo("old", { cnf: flaw }), { peer: renewed }), reason);
    const unbound = scene.present(boundTo("old", { cnf: undefined }), { peer: renewed });
    assertDenied(unbound, "certificate_unbound");
    const hidden: Peer = { mtls: true, validated: true, uriSan: WEB };
    assertDenied(scene.present(oldToken, { peer: hidden }), "certificate_digest_absent");
    const malformed = scene.present(oldToken, { peer: { ...web, certSha256: "xyz" } });
    assertDenied(malformed, "certificate_digest_malformed");

    const both = rotatingPolicy({ bind: [rotating(), { spiffe: { claim: "workload" } }] });
    const elsewhere = boundTo("old", { workload: THIEF });
    const other = afterSighting(both);
    assertDenied(other.present(elsewhere, { peer: renewed }), "spiffe_mismatch");
    assert.deepEqual(rotations(other), [0, 0], "only what passes is counted");
  });

  it("holds for a certificate in an anyOf beside it", () => {
    const anyOf = [{ certificate: {} }, { spiffe: { claim: "nobody" } }];
    const rules = rotatingPolicy({ bind: [{ anyOf }, rotating()] });
    const scene = new Scene(rules);
    assertDenied(scene.present(oldToken, { peer: renewed }), mismatch);
    scene.present(oldToken, { peer: old });
    assertAllowed(scene.present(oldToken, { peer: renewed }));
    assert.deepEqual(rotations(scene), [1, 0]);
  });

  it("lets no proxy that the token lists stand for the workload", () => {
    const rules = rotatingPolicy({ bind: [rotating(), { proxyPrincipals: {} }] });
    const scene = afterSighting(rules);
    const cnf = { ...(oldClaims["cnf"] as Json), "proxy-principals#spiffe": [THIEF] };
    const listed = token({ cnf });
    assertDenied(scene.present(listed, { peer: thief }), mismatch);
    assertAllowed(scene.present(listed, { peer: renewed }));
  });

  it("reads its claim from jwt_authn's metadata as well", () => {
    const rules = { ...rotatingPolicy(), issuers: { idp: issuer({ keys: "jwt_authn" }) } };
    const scene = new Scene(rules);
    const ask = (peer: Peer, changes: Json = {}) =>
      scene.ask({ peer, metadata: verified({ ...oldClaims, ...changes }) });
    assertDenied(ask(renewed), mismatch);
    assertAllowed(ask(old));
    assertAllowed(ask(renewed));
    for (const sub of [THIEF, [WEB], 7, undefined]) assertDenied(ask(renewed, { sub }), mismatch);
  });

  it("is found out when a request that has waited is judged", () => {
    const issuers = { idp: issuer({ keys: { cluster: CLUSTER, path: "/jwks" } }) };
    const scene = new FetchingScene({ ...rotatingPolicy(), issuers });
    scene.publish(key.jwk);
    assertAllowed(scene.present(oldToken, { peer: old }));
    const next = makeKey("ES256", "k2");
    const signedAnew = token(oldClaims, next);
    const waits = scene.plugin.request({ peer: renewed, headers: [bearer(signedAnew)] });
    const thiefWaits = scene.plugin.request({ peer: thief, headers: [bearer(signedAnew)] });
    assert.deepEqual([waits.outcome, thiefWaits.outcome], ["pause", "pause"]);
    scene.publish(key.jwk, next.jwk);
    assertAllowed(waits);
    assertDenied(thiefWaits, mismatch);
  });

  it("is apart for observed requests", () => {
    const rules = policy({
      rules: [
        { name: "trial", when: { path: "/trial" }, mode: "observe", bind: [rotating()] },
        { name: "all", bind: [rotating()] },
      ],
    });
    const observed = afterSighting(rules, { peer: old, path: "/trial" });
    assertDenied(observed.present(oldToken, { peer: renewed }), mismatch);
    assertAllowed(observed.present(oldToken, { peer: renewed, path: "/trial" }));
    const enforced = afterSighting(rules);
    assertWouldDeny(enforced.present(oldToken, { peer: renewed, path: "/trial" }), mismatch);
    assertAllowed(enforced.present(oldToken, { peer: renewed }));
  });

  it("takes a forwarder's word for the caller's certificate", () => {
    const gateway = "spiffe://example.org/ns/istio-system/sa/gateway";
    const live: Peer = { ...web, uriSan: gateway, certSha256: "ab".repeat(32) };
    const presenter = {
      validatedBy: "listener",
      forwarders: [gateway],
      forwardClientCertDetails: "FORWARD_ONLY",
    };
    const scene = new Scene({ ...rotatingPolicy(), presenter });
    const ask = (peer: Peer, id = WEB) =>
      scene.present(oldToken, {
        peer: live,
        headers: [["x-forwarded-client-cert", `By=${gateway};Hash=${peer.certSha256 ?? ""};URI=${id}`]],
      });
    assertDenied(ask(renewed), mismatch);
    assertAllowed(ask(old));
    assertAllowed(ask(renewed));
    assertDenied(ask(renewed, THIEF), mismatch);
    const nameless = scene.present(oldToken, {
      peer: live,
      headers: [["x-forwarded-client-cert", `By=${gateway};URI=${WEB}`]],
    });
    assertDenied(nameless, "certificate_digest_absent");
  });
});

/** How much the issuer's clock and the authority's may differ, by default. */
const SKEW = 60;

/** Web with a certificate that is good from this second on, which Envoy shows. */
async function shownSince(notBefore: number): Promise<Peer> {
  // Authorities here date certificates back by a minute.
  const validity = { now: new Date((notBefore + 60) * 1000), seconds: 10_000 };
  const { certificate } = await (await Authority.create(TRUST_DOMAIN, validity)).issue(WEB);
  const certPem = `${certificate.trim()}\n`;
  const certSha256 = new X509Certificate(certificate).fingerprint256.replaceAll(":", "").toLowerCase();
  return { ...web, certPem, certSha256 };
}

describe("a live certificate that was made after the token", async () => {
  const soon = await shownSince(NOW + 10);
  const first = await shownSince(NOW - SKEW);
  const last = await shownSince(NOW + WINDOW);
  const tooOld = await shownSince(NOW - SKEW - 1);
  const tooNew = await shownSince(NOW + WINDOW + 1);

  it("stands for the one that the token names, within the window after the token's `iat`", () => {
    const scene = new Scene(rotatingPolicy());
    scene.now = NOW + 5000;
    for (const peer of [soon, first, last]) assertAllowed(scene.present(oldToken, { peer }));
    for (const peer of [tooOld, tooNew]) assertDenied(scene.present(oldToken, { peer }), mismatch);
    assert.deepEqual(rotations(scene), [0, 3]);
  });

  it("allows for the clock skew of the token's issuer", () => {
    const issuers = { idp: issuer({ clockSkew: "0s" }) };
    const scene = new Scene({ ...rotatingPolicy(), issuers });
    assertAllowed(scene.present(boundTo("old", { iat: NOW - SKEW }), { peer: first }));
    assertDenied(scene.present(boundTo("old", { iat: NOW - SKEW + 1 }), { peer: first }), mismatch);
  });

  it("does not for a token that does not say when it was issued", async () => {
    const scene = new Scene(rotatingPolicy());
    const ancient = await shownSince(0);
    for (const peer of [soon, ancient])
      assertDenied(scene.present(boundTo("old", { iat: undefined }), { peer }), mismatch);
  });

  it("does not for another workload, nor when it is not the one whose digest Envoy shows", () => {
    const scene = new Scene(rotatingPolicy());
    assertDenied(scene.present(oldToken, { peer: { ...soon, uriSan: THIEF } }), mismatch);
    assertDenied(scene.present(oldToken, { peer: { ...tooOld, certPem: soon.certPem ?? "" } }), mismatch);
    assertDenied(scene.present(oldToken, { peer: { ...soon, certPem: "no certificate" } }), mismatch);
    assertAllowed(scene.present(oldToken, { peer: soon }));
  });

  it("is not shown by an older Envoy, where the sighting has to do", () => {
    const scene = new Scene(rotatingPolicy(), { envoy: "1.37" });
    assertDenied(scene.present(oldToken, { peer: soon }), mismatch);
    assertAllowed(scene.present(oldToken, { peer: old }));
    assertAllowed(scene.present(oldToken, { peer: soon }));
    assert.deepEqual(rotations(scene), [1, 0]);
  });

  it("is not looked at behind a forwarder, whose own it is", async () => {
    const gateway = "spiffe://example.org/ns/istio-system/sa/gateway";
    const presenter = {
      validatedBy: "listener",
      forwarders: [gateway],
      forwardClientCertDetails: "FORWARD_ONLY",
    };
    const scene = new Scene({ ...rotatingPolicy(), presenter });
    const header = `By=${gateway};Hash=${renewed.certSha256 ?? ""};URI=${WEB}`;
    const forwarded = scene.present(oldToken, {
      peer: { ...(await shownSince(NOW + 10)), uriSan: gateway },
      headers: [["x-forwarded-client-cert", header]],
    });
    assertDenied(forwarded, mismatch);
  });
});
