// What a third reading as an attacker found in proofs, streams and revocation: none of it comes back.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AskingScene } from "./support/asking-scene.ts";
import { workload } from "./support/first-use.ts";
import { issuer as policyIssuer, policy } from "./support/policies.ts";
import { LATER, ProofScene, boundToken, proof, proofPolicy, proven } from "./support/proofs.ts";
import { Scene, assertAllowed, assertDenied, bearer } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import { WorkloadScene, wit, workloadPolicy, workloadProof } from "./support/workload-proofs.ts";
import { AUDIENCE, ISSUER, NOW, WEB, web } from "./support/world.ts";

describe("a forwarder that was taken back", () => {
  const GATEWAY = "spiffe://example.org/ns/istio-system/sa/gateway";
  const [ofGateway, ofCaller] = ["ab".repeat(32), "cd".repeat(32)];
  const gateway = { ...web, uriSan: GATEWAY, certSha256: ofGateway };
  const presenter = {
    validatedBy: "listener",
    forwarders: [GATEWAY],
    forwardClientCertDetails: "FORWARD_ONLY",
  };
  const base64url = (hex: string) => Buffer.from(hex, "hex").toString("base64url");
  const told = (revoked: object, element: string) =>
    new Scene(policy({ presenter, revoked })).present(token(), {
      peer: gateway,
      headers: [["x-forwarded-client-cert", element]],
    });
  const named = `By=${GATEWAY};Hash=${ofCaller};URI=${WEB}`;

  it("vouches for nobody any more", () => {
    assertDenied(told({ presenters: [GATEWAY] }, named), "presenter_revoked");
    assertDenied(told({ certificates: [base64url(ofGateway)] }, named), "certificate_revoked");
    assertAllowed(told({ certificates: [base64url("ef".repeat(32))] }, named));
  });

  it("or one that is good, hides no certificate of its client's by leaving it out", () => {
    const revoked = { certificates: [base64url(ofCaller)] };
    assertDenied(told(revoked, named), "certificate_revoked");
    assertDenied(told(revoked, `By=${GATEWAY};URI=${WEB}`), "certificate_digest_absent");
  });
});

it("a request that finds no room to be followed leaves none taken", () => {
  const rules = [{ name: "all", revalidate: { every: "1h" }, bind: [{ dpop: {} }] }];
  const scene = new ProofScene(proofPolicy({}, { rules }), { logLevel: "error" });
  const small = boundToken({ pad: "x".repeat(3000) });
  const large = boundToken({ pad: "x".repeat(10_000) });
  const ask = (peer: string, path: string, compact: string) =>
    scene.plugin.request({ peer: workload(peer), path, headers: proven(compact, proof(compact)) });
  const fill = () => {
    const open = [];
    for (const peer of ["a", "b", "c", "d"]) {
      for (let stream = ask(peer, "/orders", small); ; stream = ask(peer, "/orders", small)) {
        if (stream.outcome === "continue") open.push(stream);
        else {
          stream.end();
          break;
        }
      }
    }
    return open;
  };
  const first = fill();
  const fits = first.length;
  for (let i = 0; i < 300; i++) ask("e", `/orders?${"q".repeat(7000)}`, large).end();
  for (const stream of first) stream.end();
  assert.equal(fill().length, fits);
});

describe("a request that goes on by the word of an introspection server", () => {
  for (const cacheFor of ["1s", "5s"])
    for (const isSpoilt of [false, true])
      it(`that holds for ${cacheFor} is closed when it says no${isSpoilt ? ", also after it failed for another" : ""}`, () => {
        const rules = policy({
          issuers: { as: { introspection: { cluster: "as", path: "/i", cacheFor } } },
          rules: [{ name: "all", revalidate: { every: "1s" }, bind: [{ spiffe: { claim: "sub" } }] }],
        });
        const scene = new AskingScene(rules, { clusters: ["as"] });
        const stream = scene.plugin.request({ peer: web, headers: [bearer("good-token")] });
        const active = { active: true, sub: WEB, iss: ISSUER, aud: AUDIENCE, exp: NOW + 3600 };
        scene.call.respond({ status: 200, body: JSON.stringify(active) });
        if (isSpoilt) {
          scene.plugin.request({ peer: web, headers: [bearer("junk-token")] });
          scene.call.respond({ status: 500 });
        }
        for (let i = 0; i < 40; i++) {
          scene.pass(0.25);
          for (const call of scene.asked) call.respond({ status: 200, body: '{"active":false}' });
        }
        assert.equal(stream.reply?.details, "holdfast_closed{token_inactive}");
      });
});

describe("a policy that takes proofs for longer", () => {
  const compact = wit({ exp: LATER + 3600 });
  const longer = workloadPolicy({ maxLifetime: "5m" });

  it("and is refused, leaves the one in force as it is", () => {
    const scene = new WorkloadScene();
    assertAllowed(scene.prove(compact, workloadProof(compact)));
    const dpop = { origins: "routed", nonceSecretFrom: "NOT_THERE" };
    assert.equal(scene.plugin.configure(JSON.stringify({ ...longer, dpop })), false);
    assertAllowed(scene.prove(compact, workloadProof(compact)));
  });

  it("and only observes, leaves those that enforce as they are", () => {
    const scene = new WorkloadScene();
    const observing = scene.vm.configure({ configuration: JSON.stringify({ ...longer, mode: "observe" }) });
    assert.ok(observing.accepted);
    assertAllowed(scene.prove(compact, workloadProof(compact)));
  });
});

it("audiences are not asked of tokens that nobody here can read", () => {
  const rules = [{ name: "all", audiences: [AUDIENCE], bind: [{ firstUse: {} }] }];
  const issuers = { legacy: { introspection: "upstream" } };
  const scene = new Scene();
  assert.equal(scene.plugin.configure(JSON.stringify(policy({ issuers, rules }))), false);
  assert.match(scene.lastLine(), /"\/rules\/0\/audiences": expected nothing here/);
  assert.ok(scene.plugin.configure(JSON.stringify(policy({ issuers: { idp: policyIssuer() }, rules }))));
});
