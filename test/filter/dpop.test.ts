// Proofs of possession by DPoP: whoever sends the request has the key that the token is bound to.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Stream } from "../../cli/host/index.ts";
import { makeKey } from "./support/keys.ts";
import type { Json } from "./support/json.ts";
import { policy } from "./support/policies.ts";
import { type ProofOptions, ORIGIN, boundToken, otherKey, proof, publicJwk } from "./support/proofs.ts";
import { Scene, assertAllowed, assertDenied, assertWouldDeny, bearer } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import { NOW, THIEF, thief, web } from "./support/world.ts";

/** A process that has run for long enough that no proof from before its start is any good. */
function settled(dpop: Json = { origins: [ORIGIN] }, members: Json = {}): Scene {
  const scene = new Scene(policy({ dpop, ...members }), { now: () => NOW - 3600 });
  return scene;
}

class ProofScene {
  readonly scene: Scene;

  constructor(dpop: Json = { origins: [ORIGIN] }, members: Json = {}) {
    this.scene = new Scene(policy({ dpop, ...members }));
    this.scene.now = NOW + 3600;
  }

  send(compact: string, proofs: readonly string[], request: Json = {}): Stream {
    const headers = [["authorization", `DPoP ${compact}`], ...proofs.map((one) => ["dpop", one])];
    return this.scene.ask({ path: "/orders", ...request, headers: headers as [string, string][] });
  }
}
void settled;
void ProofScene;
void makeKey;
void assertWouldDeny;
void bearer;
void token;
void THIEF;
void thief;
void web;
void otherKey;
void publicJwk;

const compact = boundToken({ exp: NOW + 7200 });

describe("x", () => {
  it("smoke", () => {
    const p = new ProofScene();
    const opts: ProofOptions = { claims: { iat: NOW + 3600 } };
    const good = proof(compact, opts);
    const first = p.send(compact, [good]);
    assertAllowed(first, p.scene.lastLine());
    assertDenied(p.send(compact, [good]), "proof_replayed");
    assertDenied(p.send(compact, []), "proof_absent");
    assert.equal(1, 1);
  });
});
