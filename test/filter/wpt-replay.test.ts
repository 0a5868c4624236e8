// Each proof of a workload is good once, in the table that all workers share; and none is taken while the process may have forgotten one.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import type { Plugin, Stream } from "../../cli/host/index.ts";
import { without } from "./support/json.ts";
import type { Json } from "./support/json.ts";
import {
  LATER,
  ORIGIN,
  anotherWorker,
  boundToken,
  clientKey,
  digest,
  otherKey,
  proof,
  proofPolicy,
  prove,
  thumbprintOf,
} from "./support/proofs.ts";
import { assertAllowed, assertDenied, assertWouldDeny, bearer } from "./support/scene.ts";
import {
  INVALID_TOKEN,
  WorkloadScene,
  namedKey,
  proveWorkload,
  wit,
  witIssuer,
  workloadPolicy,
  workloadProof,
} from "./support/workload-proofs.ts";
import { NOW, THIEF, thief } from "./support/world.ts";

const compact = wit({ exp: LATER + 3600 });
const ofOther = wit({ sub: THIEF }, otherKey);

const worker = (scene: WorkloadScene, rules: Json = workloadPolicy()) => anotherWorker(scene.host, rules);

describe("a workload's proof", () => {
  it("is good once, and its token any number of times", () => {
    const scene = new WorkloadScene();
    const spent = workloadProof(compact);
    assertAllowed(scene.prove(compact, spent));
    for (let i = 0; i < 3; i++) assertDenied(scene.prove(compact, spent), "proof_replayed");
    assertDenied(scene.prove(compact, spent, { peer: thief }), "proof_replayed", "nor for anybody else");
    for (let i = 0; i < 3; i++) assertAllowed(scene.prove(compact, workloadProof(compact)));
  });

  it("that was here is told so like any that is refused", () => {
    const scene = new WorkloadScene();
    const spent = workloadProof(compact);
    assertAllowed(scene.prove(compact, spent));
    const { status, headers, body } = scene.prove(compact, spent).reply ?? {};
    assert.deepEqual([status, headers, body?.toString()], [401, [INVALID_TOKEN], "invalid_token"]);
  });

  it("is told by its key and its jti, whatever else it says", () => {
    const scene = new WorkloadScene(workloadPolicy({ audiences: ["urn:x"] }));
    const jti = randomUUID();
    const having = (claims: Json, token = compact, key = clientKey) =>
      scene.prove(token, workloadProof(token, { claims, key }));
    assertAllowed(having({ jti }));
    for (const claims of [
      { exp: LATER + 90 },
      { aud: "urn:x" },
      { aud: [`${ORIGIN}/orders`] },
      { iat: LATER },
    ])
      assertDenied(having({ jti, ...claims }), "proof_replayed", JSON.stringify(claims));
    assertDenied(having({ jti }, wit({ jti: "another token of the same key" })), "proof_replayed");
    assertAllowed(having({ jti }, ofOther, otherKey), "another key's");
    for (const close of [`${jti} `, jti.toUpperCase(), jti.slice(1), `${jti}\u0000`])
      assertAllowed(having({ jti: close }), close);
  });

  it("is told by its key, however a token names that", () => {
    const scene = new WorkloadScene();
    const spent = workloadProof(compact);
    assertAllowed(scene.prove(compact, spent));
    const jti = (JSON.parse(Buffer.from(spent.split(".")[1] ?? "", "base64url").toString()) as Json)["jti"];
    const both = wit({
      cnf: { jwk: { ...namedKey(clientKey), kid: "renamed" }, jkt: thumbprintOf(clientKey) },
    });
    assertDenied(scene.prove(both, workloadProof(both, { claims: { jti } })), "proof_replayed");
  });

  it("is remembered until nobody takes it any more", () => {
    const scene = new WorkloadScene();
    const spent = workloadProof(compact, { claims: { exp: LATER + 120 } });
    assertAllowed(scene.prove(compact, spent));
    for (const [seconds, reason] of [
      [60, "proof_replayed"],
      [120, "proof_replayed"],
      [179, "proof_replayed"],
      [180, "proof_expired"],
    ] as const) {
      scene.now = LATER + seconds;
      assertDenied(scene.prove(compact, spent), reason, `after ${seconds} s`);
    }
  });

  it("is remembered for as long as the most patient issuer takes it", () => {
    const strict = witIssuer({ clockSkew: "0s" });
    const patient = witIssuer({ issuer: "https://patient.example", clockSkew: "5m" });
    const scene = new WorkloadScene(workloadPolicy({}, { issuers: { strict, patient } }));
    const first = wit({ exp: LATER + 3600 });
    const jti = randomUUID();
    assertAllowed(scene.prove(first, workloadProof(first, { claims: { jti, exp: LATER + 60 } })));
    scene.now = LATER + 300;
    const second = wit({ exp: LATER + 3600, iss: "https://patient.example" });
    const again = workloadProof(second, { claims: { jti, exp: LATER + 60 } });
    assertDenied(scene.prove(second, again), "proof_replayed");
  });

  it("is good once at all workers of a process together, also at one that starts later", () => {
    const scene = new WorkloadScene();
    const workers = [scene.plugin, worker(scene)];
    for (let i = 0; i < 20; i++) {
      const spent = workloadProof(compact);
      assertAllowed(proveWorkload(workers[i % 2] as Plugin, compact, spent));
      for (const each of [...workers, worker(scene)])
        assertDenied(proveWorkload(each, compact, spent), "proof_replayed");
    }
  });

  it("is good once when workers judge it at the same time", () => {
    const scene = new WorkloadScene();
    const faster = worker(scene);
    const data = scene.host.sharedData;
    const set = data.set.bind(data);
    const spent = workloadProof(compact);
    let raced = 0;
    data.set = (vmId, name, value, cas) => {
      if (name.startsWith("holdfast.replay.") && raced++ === 0)
        assertAllowed(proveWorkload(faster, compact, spent));
      return set(vmId, name, value, cas);
    };
    assertDenied(scene.prove(compact, spent), "proof_replayed");
    assert.ok(raced > 1, "the other worker was faster");
  });

  it("shares the table with DPoP proofs: a jti of a key is good once, whichever kind it comes in", () => {
    const scene = new WorkloadScene();
    const beside = worker(scene, proofPolicy());
    const jti = randomUUID();
    assertAllowed(scene.prove(compact, workloadProof(compact, { claims: { jti } })));
    const bound = boundToken();
    assertDenied(prove(beside, bound, proof(bound, { claims: { jti } })), "proof_replayed");
    assertAllowed(prove(beside, bound, proof(bound)));
  });

  it("is good once in each process: replicas share nothing", () => {
    const spent = workloadProof(compact);
    for (let i = 0; i < 2; i++) assertAllowed(new WorkloadScene().prove(compact, spent));
  });

  it("that is refused is not spent", () => {
    const rules = [{ name: "bound", when: { methods: ["GET"] }, bind: [{ spiffe: { claim: "sub" } }] }];
    const scene = new WorkloadScene(workloadPolicy({}, { rules }));
    const spent = workloadProof(compact);
    const refusals: readonly (readonly [Stream, string])[] = [
      [scene.prove(compact, spent, { peer: thief }), "spiffe_mismatch"],
      [scene.prove(compact, [spent, spent]), "proof_duplicate"],
      [scene.prove(compact, spent, { method: "POST" }), "no_rule"],
      [scene.prove(compact, spent, { path: "/other" }), "proof_target_mismatch"],
      [scene.prove(wit({ jti: "other" }), spent), "proof_token_mismatch"],
      [scene.prove(compact, spent, { headers: [bearer("x")] }), "proof_other_token_mismatch"],
      [scene.prove(compact, spent, { headers: [["txn-token", "x"]] }), "proof_other_token_mismatch"],
      [scene.prove(compact, spent, { headers: [["early-data", "1"]] }), "early_data"],
    ];
    for (const [stream, reason] of refusals) assertDenied(stream, reason);
    scene.now = LATER - 61;
    assertDenied(scene.prove(compact, spent), "proof_lifetime_too_long");
    scene.now = LATER;
    assertAllowed(scene.prove(compact, spent));
    assertDenied(scene.prove(compact, spent), "proof_replayed");
  });

  it("that is refused under a wrong certificate, which its token names, is not spent", () => {
    const scene = new WorkloadScene();
    const cnf = { jwk: namedKey(clientKey), "x5t#S256": digest("the certificate of web") };
    const named = wit({ cnf });
    const spent = workloadProof(named);
    assertDenied(scene.prove(named, spent, { peer: thief }), "certificate_mismatch");
    assertAllowed(scene.prove(named, spent));
  });

  it("of one key that floods takes no place of another's", () => {
    const scene = new WorkloadScene();
    for (let i = 0; i < 2_000; i++) assertAllowed(scene.prove(compact, workloadProof(compact)));
    assertAllowed(scene.prove(ofOther, workloadProof(ofOther, { key: otherKey }), { peer: thief }));
  });

  it("is counted by the gauge until its place is free", () => {
    const scene = new WorkloadScene();
    const used = () => {
      for (let i = 0; i < 8; i++) scene.vm.tick();
      return scene.host.gauge("holdfast.replay.used");
    };
    for (let i = 0; i < 5; i++) assertAllowed(scene.prove(compact, workloadProof(compact)));
    assert.equal(used(), 5);
    scene.now = LATER + 120;
    assert.equal(used(), 0);
  });
});

describe("in observe mode", () => {
  const observing = workloadPolicy({}, { mode: "observe" });

  it("a proof that was here would be denied, and passes", () => {
    const scene = new WorkloadScene(observing);
    const spent = workloadProof(compact);
    assertAllowed(scene.prove(compact, spent));
    assertWouldDeny(scene.prove(compact, spent), "proof_replayed");
  });

  it("nothing is taken from those who are enforced, and nothing is known of them", () => {
    const scene = new WorkloadScene();
    const observer = worker(scene, observing);
    const spent = workloadProof(compact);
    assertAllowed(proveWorkload(observer, compact, spent));
    assertAllowed(scene.prove(compact, spent));
    assertDenied(scene.prove(compact, spent), "proof_replayed");
    const next = workloadProof(compact);
    assertAllowed(scene.prove(compact, next));
    assertAllowed(proveWorkload(observer, compact, next));
    assertWouldDeny(proveWorkload(observer, compact, next), "proof_replayed");
  });
});

/** A worker that has just started. */
function started(rules: Json = workloadPolicy()): WorkloadScene {
  const scene = new WorkloadScene(rules);
  scene.now = NOW;
  return scene;
}

/** A proof that was made just now. */
const fresh = (scene: WorkloadScene, claims: Json = {}) =>
  workloadProof(compact, { claims: { exp: scene.now + 60, ...claims } });

const ask = (scene: WorkloadScene, by: Plugin = scene.plugin) => proveWorkload(by, compact, fresh(scene));

function assertUnknown(stream: Stream, message?: string): void {
  assertDenied(stream, "replay_unknown", message);
  const { status, headers, body, grpcStatus } = stream.reply ?? {};
  assert.deepEqual([status, headers, body?.toString(), grpcStatus], [503, [], "unavailable", 14]);
}

describe("after a start", () => {
  it("no proof is taken until none from before is good any more", () => {
    const scene = started();
    for (const seconds of [0, 1, 60, 179]) {
      scene.now = NOW + seconds;
      assertUnknown(ask(scene), `after ${seconds} s`);
    }
    const unspent = fresh(scene);
    assertUnknown(scene.prove(compact, unspent));
    scene.now = NOW + 180;
    assertAllowed(scene.prove(compact, unspent), "and none was spent meanwhile");
    assertDenied(scene.prove(compact, unspent), "proof_replayed");
  });

  it("one that was spent before it is never good again", () => {
    const before = new WorkloadScene();
    before.now = LATER;
    const spent = workloadProof(compact, { claims: { exp: LATER + 120 } });
    assertAllowed(before.prove(compact, spent));
    const clock = { now: LATER };
    const after = new WorkloadScene(workloadPolicy(), { now: () => clock.now });
    for (clock.now = LATER; clock.now < LATER + 200; clock.now++) {
      const stream = after.prove(compact, spent);
      assertDenied(
        stream,
        clock.now < LATER + 180 ? "replay_unknown" : "proof_expired",
        `${clock.now - LATER}`,
      );
    }
  });

  it("a proof that is wrong is told so all the same", () => {
    const scene = started();
    assertDenied(scene.prove(compact, []), "proof_absent");
    const wrong = (claims: Json, reason: string) => {
      assertDenied(scene.prove(compact, fresh(scene, claims)), reason);
    };
    wrong({ wth: digest("x") }, "proof_token_mismatch");
    wrong({ aud: `${ORIGIN}/other` }, "proof_target_mismatch");
    wrong({ ath: digest("x") }, "proof_other_token_mismatch");
    wrong({ exp: NOW - 60 }, "proof_expired");
  });

  it("that is maxLifetime and twice clockSkew, of the issuer with the largest", () => {
    const wits = witIssuer({ clockSkew: "10s" });
    const other = witIssuer({ trustDomain: "b.example", clockSkew: "20s" });
    const scene = started(workloadPolicy({ maxLifetime: "30s" }, { issuers: { wits, other } }));
    const soon = () => scene.prove(compact, fresh(scene, { exp: scene.now + 30 }));
    scene.now = NOW + 69;
    assertUnknown(soon());
    scene.now = NOW + 70;
    assertAllowed(soon());
  });

  it("the time runs from when the first worker had its policy, whoever starts later", () => {
    const scene = started();
    scene.now = NOW + 100;
    const later = worker(scene);
    assertUnknown(ask(scene, later));
    scene.now = NOW + 180;
    assertAllowed(ask(scene, later));
    assertAllowed(ask(scene, worker(scene)));
  });

  it("the time runs from the first policy that judges proofs, whatever was before it", () => {
    const scene = started(without(workloadPolicy(), "wpt"));
    scene.now = NOW + 1_000;
    assertDenied(ask(scene), "cnf_unsupported");
    assert.ok(scene.plugin.configure(JSON.stringify(workloadPolicy())));
    assertUnknown(ask(scene));
    scene.now = NOW + 1_179;
    assertUnknown(ask(scene));
    scene.now = NOW + 1_180;
    assertAllowed(ask(scene));
  });

  it("the time has run where DPoP proofs were judged for as long", () => {
    const scene = started(without(workloadPolicy({}, { dpop: { origins: [ORIGIN] } }), "wpt"));
    scene.now = NOW + 1_000;
    assert.ok(scene.plugin.configure(JSON.stringify(workloadPolicy())));
    assertAllowed(ask(scene));
  });

  it("a DPoP nonce in the proof does not help", () => {
    const scene = started(workloadPolicy({}, { dpop: { origins: [ORIGIN] } }));
    const other = worker(scene, proofPolicy());
    const bound = boundToken();
    const challenged = prove(other, bound, proof(bound, { claims: { iat: NOW } }));
    const nonce = challenged.reply?.headers.find(([name]) => name === "dpop-nonce")?.[1];
    assert.ok(nonce !== undefined);
    assertUnknown(scene.prove(compact, fresh(scene, { nonce })));
    const early = scene.prove(compact, fresh(scene, { nonce }), { headers: [["early-data", "1"]] });
    assertUnknown(early);
  });

  it("nobody is kept out in observe mode", () => {
    const scene = started(workloadPolicy({}, { mode: "observe" }));
    const stream = ask(scene);
    assertWouldDeny(stream, "replay_unknown");
    assert.equal(stream.reply, undefined);
  });
});

describe("a policy that takes proofs for longer than those before it", () => {
  const lasting = (maxLifetime: string, clockSkew = "0s") =>
    workloadPolicy({ maxLifetime }, { issuers: { wits: witIssuer({ clockSkew }) } });
  const update = (scene: WorkloadScene, rules: Json) => {
    assert.ok(scene.plugin.configure(JSON.stringify(rules)));
  };

  it("takes none until none that may have been forgotten is good", () => {
    const scene = new WorkloadScene(lasting("10s"));
    const spent = workloadProof(compact, { claims: { exp: LATER + 10 } });
    assertAllowed(scene.prove(compact, spent));
    scene.now = LATER + 20;
    assertDenied(scene.prove(compact, spent), "proof_expired");
    update(scene, lasting("10s", "5m"));
    assertUnknown(scene.prove(compact, spent));
    scene.now = LATER + 309;
    assertUnknown(scene.prove(compact, spent));
    scene.now = LATER + 310;
    assertDenied(scene.prove(compact, spent), "proof_expired");
    scene.now = LATER + 21 + 10 + 2 * 300;
    assertAllowed(scene.prove(compact, fresh(scene, { exp: scene.now + 10 })));
  });

  it("asks for no time when it comes again, or with a shorter one", () => {
    const scene = new WorkloadScene(lasting("5m"));
    for (const rules of [lasting("5m"), lasting("10s"), lasting("5m")]) {
      update(scene, rules);
      assertAllowed(scene.prove(compact, fresh(scene, { exp: scene.now + 5 })));
    }
  });
});

describe("what cannot be known", () => {
  it("of the start denies, and spends nothing", () => {
    const scene = new WorkloadScene();
    assertAllowed(scene.prove(compact, workloadProof(compact)));
    const data = scene.host.sharedData;
    const known = data.get("", "holdfast.proofs")?.value ?? Buffer.alloc(0);
    data.set("", "holdfast.proofs", Buffer.alloc(3), 0);
    const unspent = workloadProof(compact);
    const stream = scene.prove(compact, unspent);
    assertDenied(stream, "host_unavailable");
    assert.equal(stream.reply?.status, 503);
    data.set("", "holdfast.proofs", known, 0);
    assertAllowed(scene.prove(compact, unspent));
  });

  it("of the table, or of the key to it, denies", () => {
    const buckets = Array.from({ length: 256 }, (_, bucket) => `holdfast.replay.${bucket}`);
    for (const names of [buckets, ["holdfast.key"]]) {
      const scene = new WorkloadScene();
      for (const name of names) scene.host.sharedData.set("", name, Buffer.alloc(1), 0);
      assertDenied(scene.prove(compact, workloadProof(compact)), "host_unavailable");
      assert.equal(scene.host.vmFailures, 0);
    }
  });

  it("of a full table denies, and only what is new", () => {
    const scene = new WorkloadScene();
    const full = Buffer.alloc(1024 * 16);
    for (let place = 0; place < 1024; place++) {
      full.writeBigUInt64LE(BigInt(place + 1), place * 16);
      full.writeUInt32LE(1, place * 16 + 8);
      full.writeUInt32LE(LATER + 100, place * 16 + 12);
    }
    for (let bucket = 0; bucket < 256; bucket++)
      scene.host.sharedData.set("", `holdfast.replay.${bucket}`, full, 0);
    const stream = scene.prove(compact, workloadProof(compact));
    assertDenied(stream, "replay_table_full");
    assert.equal(stream.reply?.status, 503);
    scene.now = LATER + 100;
    assertAllowed(scene.prove(compact, fresh(scene)));
  });
});
