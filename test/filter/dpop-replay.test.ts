// Each proof is good once: the table of those that were here, which all workers share. It is bounded, and nobody's to fill for others.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import type { Plugin } from "../../cli/host/index.ts";
import { Status } from "../../cli/host/index.ts";
import {
  LATER,
  ProofScene,
  anotherWorker,
  boundToken,
  clientKey,
  otherKey,
  proof,
  proofPolicy,
  prove,
  thumbprintOf,
} from "./support/proofs.ts";
import type { ProofOptions } from "./support/proofs.ts";
import { assertAllowed, assertDenied, assertWouldDeny } from "./support/scene.ts";
import { NOW, thief } from "./support/world.ts";

/** How the filter names and lays out what it shares. */
const HASH_KEY = "holdfast.key";
const BUCKETS = 256;
const PLACES = 1024;
const PLACE_BYTES = 16;
const BUCKET_BYTES = PLACES * PLACE_BYTES;
/** Places of a bucket that anybody may take, and how many of the others a key may have. */
const COMMON = 864;
const SHARE = 32;

const compact = boundToken();
const ofOther = boundToken({}, otherKey);
const byOther: ProofOptions = { key: otherKey };

const bucketName = (bucket: number) => `holdfast.replay.${bucket}`;

interface Taken {
  readonly owner: number;
  readonly count: number;
}

/** A bucket whose first places are taken, by one owner after the other, until `end`. */
function bucketOf(taken: readonly Taken[], end = LATER + 1000): Buffer {
  const bucket = Buffer.alloc(BUCKET_BYTES);
  let place = 0;
  for (const { owner, count } of taken) {
    for (let i = 0; i < count; i++, place++) {
      bucket.writeBigUInt64LE(BigInt(place + 1), place * PLACE_BYTES);
      bucket.writeUInt32LE(owner, place * PLACE_BYTES + 8);
      bucket.writeUInt32LE(end, place * PLACE_BYTES + 12);
    }
  }
  return bucket;
}

/** A worker all of whose buckets are so. */
class FilledScene extends ProofScene {
  constructor(taken: (scene: FilledScene, bucket: number) => readonly Taken[]) {
    super();
    assertAllowed(this.prove(compact, proof(compact)));
    for (let bucket = 0; bucket < BUCKETS; bucket++)
      this.host.sharedData.set("", bucketName(bucket), bucketOf(taken(this, bucket)), 0);
  }

  hash(...parts: readonly (string | Buffer)[]): Buffer {
    const hash = createHash("sha256").update(this.host.sharedData.get("", HASH_KEY)?.value ?? "");
    for (const part of parts) hash.update(part);
    return hash.digest();
  }

  ownerOf(key: typeof clientKey): number {
    return this.hash(Buffer.from(thumbprintOf(key), "base64url")).readUInt32LE(0);
  }
}

describe("a proof", () => {
  it("is good once", () => {
    const scene = new ProofScene();
    const spent = proof(compact);
    assertAllowed(scene.prove(compact, spent));
    for (let i = 0; i < 3; i++) assertDenied(scene.prove(compact, spent), "proof_replayed");
    assertDenied(scene.prove(compact, spent, { peer: thief }), "proof_replayed", "nor for anybody else");
    assertAllowed(scene.prove(compact, proof(compact)));
  });

  it("is told by its key and its jti, whatever else it says", () => {
    const scene = new ProofScene();
    const jti = randomUUID();
    assertAllowed(scene.prove(compact, proof(compact, { claims: { jti } })));
    const again = proof(compact, { claims: { jti, iat: LATER + 1, extra: 1 } });
    assertDenied(scene.prove(compact, again), "proof_replayed");
    const posted = proof(compact, { claims: { jti, htm: "POST" } });
    assertDenied(scene.prove(compact, posted, { method: "POST" }), "proof_replayed");
    const other = boundToken({ jti: "another token of the same key" });
    assertDenied(scene.prove(other, proof(other, { claims: { jti } })), "proof_replayed");
    assertAllowed(scene.prove(ofOther, proof(ofOther, { claims: { jti }, ...byOther })), "another key's");
    for (const close of [`${jti} `, jti.toUpperCase(), jti.slice(1), `${jti}\u0000`])
      assertAllowed(scene.prove(compact, proof(compact, { claims: { jti: close } })), close);
  });

  it("is remembered until nobody takes it any more, and its place is then free", () => {
    const scene = new ProofScene();
    const spent = proof(compact, { claims: { iat: LATER + 60 } });
    assertAllowed(scene.prove(compact, spent));
    for (const [seconds, reason] of [
      [60, "proof_replayed"],
      [179, "proof_replayed"],
      [180, "proof_expired"],
    ] as const) {
      scene.now = LATER + seconds;
      assertDenied(scene.prove(compact, spent), reason);
    }
  });

  it("is good once at all workers of a process together, also at one that starts later", () => {
    const scene = new ProofScene();
    const other = anotherWorker(scene.host);
    const workers = [scene.plugin, other];
    for (let i = 0; i < 20; i++) {
      const spent = proof(compact);
      assertAllowed(prove(workers[i % 2] as Plugin, compact, spent));
      for (const worker of workers) assertDenied(prove(worker, compact, spent), "proof_replayed");
      assertDenied(prove(anotherWorker(scene.host), compact, spent), "proof_replayed");
    }
  });

  it("is good once when workers judge it at the same time", () => {
    const scene = new ProofScene();
    const other = anotherWorker(scene.host);
    const data = scene.host.sharedData;
    const set = data.set.bind(data);
    for (const isFirst of [true, false]) {
      const spent = proof(compact);
      let raced = 0;
      data.set = (vmId, name, value, cas) => {
        // The other worker has read the same bucket, and is faster; then writes to it again.
        if (name.startsWith("holdfast.replay.") && raced === 0) {
          raced++;
          assertAllowed(prove(other, compact, isFirst ? spent : proof(compact, { claims: { jti: "x" } })));
          if (!isFirst) assertAllowed(prove(other, compact, spent));
        }
        return set(vmId, name, value, cas);
      };
      assertDenied(scene.prove(compact, spent), "proof_replayed");
      assert.equal(raced, 1);
      data.set = set;
    }
  });

  it("is good once in each process: replicas share nothing", () => {
    const spent = proof(compact);
    for (let i = 0; i < 2; i++) assertAllowed(new ProofScene().prove(compact, spent));
  });

  it("that is refused is not spent", () => {
    const rules = [
      { name: "bound", when: { methods: ["GET"] }, bind: [{ dpop: {} }, { spiffe: { claim: "sub" } }] },
    ];
    const scene = new ProofScene(proofPolicy({}, { rules }));
    const spent = proof(compact);
    assertDenied(scene.prove(compact, spent, { peer: thief }), "spiffe_mismatch");
    assertDenied(scene.prove(compact, [spent, spent]), "proof_duplicate");
    assertDenied(scene.prove(compact, spent, { method: "POST" }), "no_rule");
    assertDenied(scene.prove(compact, spent, { path: "/other" }), "proof_target_mismatch");
    assertDenied(scene.prove(boundToken({ sub: "x" }), spent), "proof_token_mismatch");
    scene.now = LATER - 61;
    assertDenied(scene.prove(compact, spent), "proof_not_yet_valid");
    scene.now = LATER;
    assertAllowed(scene.prove(compact, spent));
    assertDenied(scene.prove(compact, spent), "proof_replayed");
  });

  it("that lacks a nonce is not spent", () => {
    const scene = new ProofScene();
    scene.now = NOW;
    const spent = proof(compact, { claims: { iat: NOW + 60 } });
    assertDenied(scene.prove(compact, spent), "proof_nonce_absent");
    scene.now = NOW + 179;
    assertDenied(scene.prove(compact, spent), "proof_nonce_absent");
    const names = Array.from({ length: BUCKETS }, (_, bucket) => bucketName(bucket));
    assert.ok(names.every((name) => scene.host.sharedData.get("", name) === undefined));
  });
});

describe("the gauge", () => {
  /** Ticks on which the whole table is looked through. */
  const SWEEP = 8;
  const used = (scene: ProofScene): number => {
    for (let i = 0; i < SWEEP; i++) scene.vm.tick();
    return scene.host.gauge("holdfast.replay.used");
  };

  it("shows how many places are taken, and that they are given back", () => {
    const scene = new ProofScene();
    assert.equal(used(scene), 0);
    for (let i = 0; i < 20; i++) assertAllowed(scene.prove(compact, proof(compact)));
    assertDenied(scene.prove(compact, proof(compact, { claims: { htm: "POST" } })), "proof_method_mismatch");
    assert.equal(used(scene), 20);
    scene.now = LATER + 1_000;
    assert.equal(used(scene), 0);
  });
});

describe("in observe mode", () => {
  it("a proof that was here would be denied, and passes", () => {
    const scene = new ProofScene(proofPolicy({}, { mode: "observe" }));
    const spent = proof(compact);
    assertAllowed(scene.prove(compact, spent));
    assertWouldDeny(scene.prove(compact, spent), "proof_replayed");
  });

  it("nothing is taken from those who are enforced", () => {
    const scene = new ProofScene();
    const observer = anotherWorker(scene.host, proofPolicy({}, { mode: "observe" }));
    const spent = proof(compact);
    assertAllowed(prove(observer, compact, spent));
    assertWouldDeny(prove(observer, compact, spent), "proof_replayed");
    assertAllowed(scene.prove(compact, spent));
    assertDenied(scene.prove(compact, spent), "proof_replayed");
  });

  it("a full table denies nobody", () => {
    const scene = new ProofScene(proofPolicy({}, { mode: "observe" }));
    for (let bucket = 0; bucket < BUCKETS; bucket++)
      scene.host.sharedData.set(
        "",
        `holdfast.replay.observed.${bucket}`,
        bucketOf([{ owner: 1, count: PLACES }]),
        0,
      );
    assertWouldDeny(scene.prove(compact, proof(compact)), "replay_table_full");
  });
});

describe("the table", () => {
  it("has a place for anybody until it is nearly full, for one key alone too", () => {
    const scene = new FilledScene((scene) => [{ owner: scene.ownerOf(clientKey), count: COMMON - 1 }]);
    assertAllowed(scene.prove(compact, proof(compact)));
  });

  it("has room for one key alone wherever its proofs fall, up to 70 % of all places", () => {
    const counts = new Array<number>(BUCKETS).fill(0);
    const scene = new FilledScene(() => []);
    const thumbprint = Buffer.from(thumbprintOf(clientKey), "base64url");
    for (let i = 0; i < 0.7 * BUCKETS * PLACES; i++) {
      const bucket = scene.hash(thumbprint, String(i)).readUInt32LE(0) % BUCKETS;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    assert.ok(Math.max(...counts) <= COMMON, `${Math.max(...counts)}`);
  });

  it("has what is left then for keys that have few", () => {
    const flood = (scene: FilledScene) => [{ owner: scene.ownerOf(clientKey), count: COMMON }];
    const scene = new FilledScene(flood);
    const stream = scene.prove(compact, proof(compact));
    assertDenied(stream, "replay_table_full");
    assert.deepEqual([stream.reply?.status, stream.reply?.grpcStatus, stream.reply?.headers], [503, 14, []]);
    for (let i = 0; i < 200; i++) assertAllowed(scene.prove(ofOther, proof(ofOther, byOther)));
    assertDenied(scene.prove(compact, proof(compact)), "replay_table_full");
  });

  it("gives a key its share of what is left, and no more", () => {
    const almost = new FilledScene((scene) => [
      { owner: 1, count: COMMON },
      { owner: scene.ownerOf(clientKey), count: SHARE - 1 },
    ]);
    assertAllowed(almost.prove(compact, proof(compact)));
    const all = new FilledScene((scene) => [
      { owner: 1, count: COMMON },
      { owner: scene.ownerOf(clientKey), count: SHARE },
    ]);
    assertDenied(all.prove(compact, proof(compact)), "replay_table_full");
    assertAllowed(all.prove(ofOther, proof(ofOther, byOther)));
  });

  it("is full for everybody when no place is free, and never forgets for somebody new", () => {
    const scene = new FilledScene(() => [{ owner: 1, count: PLACES }]);
    for (const [bound, options] of [
      [compact, {}],
      [ofOther, byOther],
    ] as const)
      assertDenied(scene.prove(bound, proof(bound, options)), "replay_table_full");
    scene.now = LATER + 1000;
    const late = boundToken({ exp: LATER + 2000 });
    assertAllowed(scene.prove(late, proof(late, { claims: { iat: scene.now } })), "places are free by then");
  });

  it("knows a proof that was here also when it is full", () => {
    const scene = new ProofScene();
    const spent = proof(compact);
    assertAllowed(scene.prove(compact, spent));
    const data = scene.host.sharedData;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const value = data.get("", bucketName(bucket))?.value;
      if (value === undefined) continue;
      const full = bucketOf([{ owner: 1, count: PLACES }]);
      value.copy(full, 0, 0, PLACE_BYTES);
      data.set("", bucketName(bucket), full, 0);
    }
    assertDenied(scene.prove(compact, spent), "proof_replayed");
  });

  it("is written again when another worker was faster, some times", () => {
    const scene = new ProofScene();
    const data = scene.host.sharedData;
    const set = data.set.bind(data);
    let failures = 0;
    let tries = 0;
    data.set = (vmId, name, value, cas) => {
      if (!name.startsWith("holdfast.replay.")) return set(vmId, name, value, cas);
      return ++tries <= failures ? Status.CasMismatch : set(vmId, name, value, cas);
    };
    failures = 63;
    const spent = proof(compact);
    assertAllowed(scene.prove(compact, spent));
    assertDenied(scene.prove(compact, spent), "proof_replayed");
    tries = 0;
    failures = 64;
    const unlucky = proof(compact);
    const stream = scene.prove(compact, unlucky);
    assertDenied(stream, "replay_table_busy");
    assert.deepEqual([stream.reply?.status, stream.reply?.grpcStatus], [503, 14]);
    assertAllowed(scene.prove(compact, unlucky), "it was not spent");
    assert.equal(scene.host.vmFailures, 0);
  });

  it("takes no more memory for more proofs", () => {
    const scene = new ProofScene(proofPolicy(), { logLevel: "error" });
    const names = new Set<string>();
    const data = scene.host.sharedData;
    const set = data.set.bind(data);
    let largest = 0;
    data.set = (vmId, name, value, cas) => {
      names.add(name);
      largest = Math.max(largest, value.length);
      return set(vmId, name, value, cas);
    };
    let pages = 0;
    for (let i = 0; i < 3_000; i++) {
      assertAllowed(scene.prove(compact, proof(compact)));
      if (i === 100) pages = scene.vm.memoryPages;
    }
    assert.equal(scene.vm.memoryPages, pages);
    assert.equal(largest, BUCKET_BYTES);
    assert.ok(names.size <= BUCKETS + 1, `${names.size} keys`);
    assert.ok(names.size > BUCKETS / 2, "proofs fall everywhere");
  });

  it("places proofs where nobody outside can foretell", () => {
    const places = Array.from({ length: 16 }, (_, chance) => {
      const scene = new ProofScene(proofPolicy(), { random: (bytes) => bytes.fill(chance) });
      assertAllowed(scene.prove(compact, proof(compact, { claims: { jti: "the same" } })));
      return Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter(
        (bucket) => scene.host.sharedData.get("", bucketName(bucket)) !== undefined,
      );
    });
    for (const place of places) assert.equal(place.length, 1);
    assert.ok(new Set(places.flat()).size > 8);
  });

  it("that another plugin has overwritten says nothing of what was here, which denies", () => {
    for (const length of [0, 1, BUCKET_BYTES - 1, BUCKET_BYTES + 1, 1 << 20]) {
      const scene = new ProofScene();
      for (let bucket = 0; bucket < BUCKETS; bucket++)
        scene.host.sharedData.set("", bucketName(bucket), Buffer.alloc(length, 0xff), 0);
      assertDenied(scene.prove(compact, proof(compact)), "host_unavailable", String(length));
      assert.equal(scene.host.vmFailures, 0);
    }
  });

  it("without a key is none, which denies", () => {
    for (const length of [0, 7, 9]) {
      const scene = new ProofScene();
      scene.host.sharedData.set("", HASH_KEY, Buffer.alloc(length), 0);
      assertDenied(scene.prove(compact, proof(compact)), "host_unavailable");
    }
    const scene = new ProofScene();
    scene.host.calls.inject("random_get", { status: 29 });
    const spent = proof(compact);
    assertDenied(scene.prove(compact, spent), "host_unavailable");
    scene.host.calls.clearFaults();
    assertAllowed(scene.prove(compact, spent), "tried again");
  });
});
