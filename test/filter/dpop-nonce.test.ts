// Nonces: a proof that has one was made since it was given out. They are asked for while the process may have forgotten what was spent.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, type Plugin, type Stream, Vm } from "../../cli/host/index.ts";
import { filterModule } from "./support/filter-module.ts";
import type { Json } from "./support/json.ts";
import { issuer, policy } from "./support/policies.ts";
import { LATER, ProofScene, anotherWorker, boundToken, proof, proofPolicy, prove } from "./support/proofs.ts";
import { assertAllowed, assertDenied, assertWouldDeny } from "./support/scene.ts";
import { NOW } from "./support/world.ts";

const compact = boundToken({ exp: LATER + 3600 });
const always = proofPolicy({ nonce: "always" });

/** The nonce that an answer gives out. */
function nonceOf(stream: Stream): string {
  assertDenied(stream, "proof_nonce_absent");
  const [challenge, nonce, ...others] = stream.reply?.headers ?? [];
  assert.deepEqual(others, [["cache-control", "no-store"]]);
  assert.equal(challenge?.[0], "www-authenticate");
  assert.match(challenge[1], /^DPoP realm="holdfast", error="use_dpop_nonce", algs="ES256 /);
  assert.equal(nonce?.[0], "dpop-nonce");
  assert.match(nonce[1], /^[A-Za-z0-9_-]{32}$/);
  assert.deepEqual([stream.reply?.status, stream.reply?.grpcStatus], [401, 16]);
  assert.equal(stream.reply?.body.toString(), "use_dpop_nonce");
  return nonce[1];
}

const send = (scene: ProofScene, claims: Json = {}, worker: Plugin = scene.plugin) =>
  prove(worker, compact, proof(compact, { claims: { iat: scene.now, ...claims } }));

/** A scene that has just started. */
function started(rules: Json = proofPolicy()): ProofScene {
  const scene = new ProofScene(rules);
  scene.now = NOW;
  return scene;
}

describe("after a start", () => {
  it("a proof has to have a nonce until none from before is good any more", () => {
    const scene = started();
    for (const seconds of [0, 1, 60, 179]) {
      scene.now = NOW + seconds;
      const nonce = nonceOf(send(scene));
      assertAllowed(send(scene, { nonce }));
    }
    scene.now = NOW + 180;
    assertAllowed(send(scene));
  });

  it("that is maxAge and twice clockSkew, of the issuer with the largest", () => {
    const issuers = {
      idp: issuer({ clockSkew: "10s" }),
      other: issuer({ issuer: "https://b.example", clockSkew: "20s" }),
    };
    const scene = started(proofPolicy({ maxAge: "30s" }, { issuers }));
    scene.now = NOW + 69;
    nonceOf(send(scene));
    scene.now = NOW + 70;
    assertAllowed(send(scene));
  });

  it("the time runs from when the first worker had its policy, whoever starts later", () => {
    const scene = started();
    scene.now = NOW + 100;
    const later = anotherWorker(scene.host);
    nonceOf(send(scene, {}, later));
    scene.now = NOW + 180;
    assertAllowed(send(scene, {}, later));
  });

  it("the first proof tells the start where the policy could not", () => {
    for (const fault of ["get_shared_data", "set_shared_data", "get_current_time_nanoseconds"]) {
      const scene = new ProofScene(policy());
      scene.now = NOW;
      scene.host.calls.inject(`proxy_${fault}`, { status: 10 });
      const worker = anotherWorker(scene.host);
      scene.now = NOW + 1000;
      assertDenied(send(scene, {}, worker), "host_unavailable", fault);
      scene.host.calls.clearFaults();
      nonceOf(send(scene, {}, worker));
      scene.now = NOW + 1180;
      assertAllowed(send(scene, {}, worker));
    }
  });

  it("nobody is asked for a nonce in observe mode", () => {
    const scene = started(proofPolicy({}, { mode: "observe" }));
    const stream = send(scene);
    assertWouldDeny(stream, "proof_nonce_absent");
    assert.equal(stream.reply, undefined);
  });
});

describe("a nonce", () => {
  it("is asked for by every proof where the policy says so, and may be used by many", () => {
    const scene = new ProofScene(always);
    const nonce = nonceOf(send(scene));
    for (let i = 0; i < 5; i++) assertAllowed(send(scene, { nonce }));
    nonceOf(send(scene));
  });

  it("is good for five minutes", () => {
    const scene = new ProofScene(always);
    const nonce = nonceOf(send(scene));
    scene.now = LATER + 299;
    assertAllowed(send(scene, { nonce }));
    scene.now = LATER + 300;
    const next = nonceOf(send(scene, { nonce }));
    assert.notEqual(next, nonce);
    assertAllowed(send(scene, { nonce: next }));
  });

  it("is good at every worker", () => {
    const scene = new ProofScene(always, { random: changing() });
    const other = anotherWorker(scene.host, always);
    assertAllowed(send(scene, { nonce: nonceOf(send(scene)) }, other));
    assertAllowed(send(scene, { nonce: nonceOf(send(scene, {}, other)) }));
  });

  it("of another process is none", () => {
    const random = changing();
    const [ours, theirs] = [new ProofScene(always, { random }), new ProofScene(always, { random })];
    const foreign = nonceOf(send(theirs));
    assert.notEqual(nonceOf(send(ours)), foreign);
    nonceOf(send(ours, { nonce: foreign }));
  });

  describe("of replicas that share a secret", () => {
    const shared = proofPolicy({ nonce: "always", nonceSecretFrom: "NONCES" });
    const secret = "0123456789abcdef0123456789abcdef";
    const random = changing();
    const replica = (NONCES: string) => new ProofScene(shared, { random }, { environment: { NONCES } });

    it("is good at each of them, and nowhere else", () => {
      const [one, other] = [replica(secret), replica(secret)];
      const nonce = nonceOf(send(one));
      assertAllowed(send(other, { nonce }));
      nonceOf(send(replica(`${secret}x`), { nonce }));
      nonceOf(send(new ProofScene(always, { random }), { nonce }));
    });

    it("is none at one that has started since: what was spent there before is forgotten", () => {
      const nonce = nonceOf(send(replica(secret)));
      const restarted = new ProofScene(
        shared,
        { random, now: () => LATER + 10 },
        { environment: { NONCES: secret } },
      );
      restarted.now = LATER + 10;
      nonceOf(send(restarted, { nonce }));
    });

    for (const [flaw, environment] of [
      ["is not there", {}],
      ["has 31 bytes", { NONCES: secret.slice(1) }],
      ["has more than 4,096 bytes", { NONCES: "x".repeat(4097) }],
    ] as const) {
      it(`a secret that ${flaw} refuses the policy`, () => {
        const vm = Vm.start(new Host(), filterModule, { environment });
        const plugin = vm.configure({ configuration: JSON.stringify(shared) });
        assert.equal(plugin.accepted, false);
        assert.match(
          vm.host.logs.at(-1)?.message ?? "",
          /"\/dpop\/nonceSecretFrom": expected a variable of the VM/,
        );
      });
    }
  });

  it("from a time that has not come is none", () => {
    const scene = new ProofScene(always);
    scene.now = LATER + 10;
    const nonce = nonceOf(send(scene));
    scene.now = LATER;
    nonceOf(send(scene, { nonce }));
  });

  it("that was changed in one character is none, nor is one that is shorter or longer", () => {
    const scene = new ProofScene(always);
    const nonce = nonceOf(send(scene));
    for (let i = 0; i < nonce.length; i++) {
      const other = nonce[i] === "A" ? "B" : "A";
      nonceOf(send(scene, { nonce: nonce.slice(0, i) + other + nonce.slice(i + 1) }));
      nonceOf(send(scene, { nonce: nonce.slice(0, i) || "x" }));
    }
    for (const changed of [
      `${nonce}A`,
      `${nonce}=`,
      ` ${nonce}`,
      nonce.toUpperCase(),
      "\u0000".repeat(32),
      "é".repeat(16),
    ])
      nonceOf(send(scene, { nonce: changed }));
    assertAllowed(send(scene, { nonce }));
  });

  it("cannot be had without chance, and then the proof is refused all the same", () => {
    const scene = new ProofScene(always);
    scene.host.calls.inject("random_get", { status: 29 });
    const stream = send(scene);
    assertDenied(stream, "proof_nonce_absent");
    assert.deepEqual(
      stream.reply?.headers.map(([name]) => name),
      ["www-authenticate"],
    );
    scene.host.calls.clearFaults();
    assertAllowed(send(scene, { nonce: nonceOf(send(scene)) }));
  });
});

describe("a policy that takes proofs for longer than those before it", () => {
  const short = proofPolicy({ maxAge: "10s" }, { issuers: { idp: issuer({ clockSkew: "0s" }) } });
  const long = proofPolicy({ maxAge: "5m" }, { issuers: { idp: issuer({ clockSkew: "0s" }) } });
  const update = (scene: ProofScene, rules: Json) => {
    assert.ok(scene.plugin.configure(JSON.stringify(rules)));
  };

  it("takes none that may have been forgotten", () => {
    const scene = new ProofScene(short);
    const spent = proof(compact);
    assertAllowed(scene.prove(compact, spent));
    scene.now = LATER + 20;
    assertDenied(scene.prove(compact, spent), "proof_expired");
    update(scene, long);
    for (const seconds of [20, 21, 299]) {
      scene.now = LATER + seconds;
      assertDenied(scene.prove(compact, spent), "proof_nonce_absent");
    }
    scene.now = LATER + 21 + 300;
    assertDenied(scene.prove(compact, spent), "proof_expired");
    assertAllowed(send(scene), "from then on as ever");
  });

  it("takes no nonce from before, not even of the same second, and gives out one at once that it takes", () => {
    const scene = new ProofScene(
      proofPolicy({ maxAge: "10s", nonce: "always" }, { issuers: short["issuers"] }),
    );
    const nonce = nonceOf(send(scene));
    const spent = proof(compact, { claims: { nonce } });
    assertAllowed(scene.prove(compact, spent));
    update(scene, long);
    for (const seconds of [0, 1, 20]) {
      scene.now = LATER + seconds;
      assertDenied(scene.prove(compact, spent), "proof_nonce_absent");
      const next = nonceOf(send(scene, { nonce }));
      assertAllowed(send(scene, { nonce: next }));
    }
  });

  it("has what is spent under the others remembered for as long", () => {
    const scene = new ProofScene(short);
    scene.now = NOW;
    const other = anotherWorker(scene.host, long);
    scene.now = LATER;
    const spent = proof(compact);
    assertAllowed(scene.prove(compact, spent));
    scene.now = LATER + 20;
    assertDenied(send(scene, { jti: undefined }), "proof_claim_malformed");
    assertDenied(prove(other, compact, spent), "proof_replayed");
    scene.now = LATER + 299;
    assertDenied(prove(other, compact, spent), "proof_replayed");
  });

  it("asks for nothing again when it comes again, or with a shorter time", () => {
    const scene = new ProofScene(long);
    for (const rules of [long, short, long]) {
      update(scene, rules);
      assertAllowed(send(scene));
    }
  });
});

describe("what another plugin has written in place of", () => {
  const values = [
    Buffer.alloc(0),
    Buffer.alloc(1),
    Buffer.alloc(11),
    Buffer.alloc(13),
    Buffer.alloc(1 << 20, 7),
  ];

  it("the window is none, which denies", () => {
    for (const value of [...values, Buffer.alloc(12, 0xff)]) {
      const scene = new ProofScene();
      scene.host.sharedData.set("", "holdfast.proofs", value, 0);
      assertDenied(send(scene), "host_unavailable");
      assert.equal(scene.host.vmFailures, 0);
    }
  });

  it("the key leaves no nonce, and no proof that needs one", () => {
    for (const value of values) {
      const scene = new ProofScene(always);
      scene.host.sharedData.set("", "holdfast.nonce", value, 0);
      const stream = send(scene);
      assertDenied(stream, "proof_nonce_absent");
      assert.deepEqual(
        stream.reply?.headers.map(([name]) => name),
        ["www-authenticate"],
      );
      assert.equal(scene.host.vmFailures, 0);
    }
  });
});

/** Chance that is another each time. */
function changing(): (bytes: Uint8Array) => void {
  let filling = 0;
  return (bytes) => {
    bytes.fill(++filling);
  };
}
