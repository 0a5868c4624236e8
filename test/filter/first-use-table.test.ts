// The table of whose tokens are whose, which all workers share: it is bounded, and nobody's to fill for others.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FAULTY_RESULTS, Status } from "../../cli/host/index.ts";
import type { HostOptions, Peer } from "../../cli/host/index.ts";
import {
  BUCKETS,
  BUCKET_BYTES,
  COMMON,
  LAST_SHARE,
  DAY,
  HASH_KEY,
  LEGACY_HEADER,
  LegacyScene,
  PLACES,
  SHARE,
  anybodys,
  bucketName,
  bucketOf,
  firstUsePolicy,
  hashOf,
  holderOf,
  legacyPolicy,
  observedBucketName,
  pinsOf,
  workload,
} from "./support/first-use.ts";
import type { Pin } from "./support/first-use.ts";
import { assertNeverAllowed } from "./support/hostile.ts";
import type { Json } from "./support/json.ts";
import { anotherWorker } from "./support/proofs.ts";
import { Scene, assertAllowed, assertDenied, assertWouldDeny, bearer } from "./support/scene.ts";
import { NOW, WEB, thief, web } from "./support/world.ts";

const mismatch = "first_use_mismatch";
const full = "first_use_full";
const compact = anybodys();
const allBuckets = Array.from({ length: BUCKETS }, (_, bucket) => bucket);

/** Pins of a bucket, some of one presenter after some of another. */
interface Taken {
  readonly presenter: bigint;
  readonly count: number;
  /** Of the first of them; each other one ends a second after the one before. Default `NOW` + 1000. */
  readonly end?: number;
  readonly isQuarantined?: boolean;
  /** Default: somebody's of whom nothing else is known. */
  readonly holder?: number;
}

function pinsFor(taken: readonly Taken[]): Pin[] {
  let token = 0n;
  return taken.flatMap(({ presenter, count, end = NOW + 1000, isQuarantined = false, holder = 2 }) =>
    Array.from({ length: count }, (_, i) => ({
      token: ++token,
      presenter,
      holder,
      end: end + i,
      isQuarantined,
    })),
  );
}

/** A worker all of whose buckets are so. */
class FilledScene extends Scene {
  constructor(taken: (ofWeb: bigint) => readonly Taken[], rules: Json = firstUsePolicy()) {
    super(rules);
    // The first request makes the key that all hashes depend on.
    this.present(anybodys({ jti: "first" }), { peer: workload("nobody") });
    const ofWeb = hashOf(this, WEB).name;
    const holder = holderOf(this, WEB);
    const pins = pinsFor(taken(ofWeb).map((one) => (one.presenter === ofWeb ? { holder, ...one } : one)));
    for (const bucket of allBuckets)
      for (const name of [bucketName(bucket), observedBucketName(bucket)])
        this.host.sharedData.set("", name, bucketOf(pins), 0);
  }

  /** The pins of the bucket of a token, as JWTs are told. */
  pinsBeside(text: string): Pin[] {
    const { bucket } = hashOf(this, text.split(".")[1] ?? "");
    return pinsOf(this.host.sharedData.get("", bucketName(bucket))?.value ?? Buffer.alloc(0), this.now);
  }
}

const countOf = (pins: readonly Pin[], presenter: bigint) =>
  pins.filter((pin) => pin.presenter === presenter).length;

/** Every place of the table that is taken. */
function taken(scene: Scene): Pin[] {
  return allBuckets.flatMap((bucket) => {
    const bytes = scene.host.sharedData.get("", bucketName(bucket))?.value;
    return bytes === undefined ? [] : pinsOf(bytes, scene.now);
  });
}

describe("a presenter that floods the table", () => {
  const FLOOD = 80_000;
  const EACH = 300;
  const quiet: HostOptions = { logLevel: "error" };
  const tokensOf = (name: string, count = EACH) => Array.from({ length: count }, (_, i) => `${name}-${i}`);

  function useAll(scene: LegacyScene, texts: readonly string[], peer: Peer): void {
    for (const text of texts) scene.use(text, peer);
  }

  function assertAllHis(scene: LegacyScene, texts: readonly string[], peer: Peer): void {
    for (const text of texts) {
      assertDenied(scene.use(text, workload("stranger")), mismatch, text);
      assertAllowed(scene.use(text, peer), text);
    }
  }

  it("takes nobody's pin, leaves room for others' new ones, and gives up his own", () => {
    const scene = new LegacyScene(legacyPolicy(), quiet);
    const [early, late] = [tokensOf("early"), tokensOf("late")];
    useAll(scene, early, web);
    useAll(scene, tokensOf("flood", FLOOD), thief);
    assert.equal(taken(scene).length, BUCKETS * SHARE + EACH);
    const ofThief = hashOf(scene, thief.uriSan ?? "").name;
    assert.equal(countOf(taken(scene), ofThief), BUCKETS * SHARE);
    useAll(scene, late, workload("newcomer"));
    assertAllHis(scene, early, web);
    assertAllHis(scene, late, workload("newcomer"));
    const kept = tokensOf("flood", FLOOD).filter((text) => {
      const stream = scene.arrive(text, workload("stranger"));
      stream.end();
      return stream.outcome === "replied";
    });
    assert.equal(kept.length, BUCKETS * SHARE);
    assert.equal(scene.host.vmFailures, 0);
  });

  it("with tokens of a later end loses those that end first", () => {
    const scene = new LegacyScene(legacyPolicy(), quiet);
    useAll(scene, tokensOf("first", FLOOD), thief);
    scene.now += 4 * 3600;
    useAll(scene, tokensOf("second", FLOOD), thief);
    const pins = taken(scene);
    assert.equal(pins.length, BUCKETS * SHARE);
    for (const { end } of pins) assert.equal(end, scene.now + DAY + 60);
  });

  it("frees no token that was taken from both", () => {
    const scene = new LegacyScene(legacyPolicy({ quarantine: true }), quiet);
    const stolen = tokensOf("stolen");
    useAll(scene, stolen, web);
    for (const text of stolen) assertDenied(scene.use(text, thief), mismatch);
    // What comes now ends later: of each presenter's pins, those that were taken from him end first.
    scene.now += 3600;
    useAll(scene, tokensOf("flood", FLOOD), thief);
    useAll(scene, tokensOf("mine", FLOOD / 10), web);
    for (const text of stolen)
      for (const peer of [web, thief, workload("stranger")])
        assertDenied(scene.use(text, peer), "token_quarantined", text);
  });

  it("is one of three: there is still room for others", () => {
    const scene = new LegacyScene(legacyPolicy(), quiet);
    const early = tokensOf("early");
    useAll(scene, early, web);
    for (let i = 0; i < 3; i++) useAll(scene, tokensOf(`flood-${i}`, FLOOD / 3), workload(`flood-${i}`));
    useAll(scene, tokensOf("late"), workload("newcomer"));
    assertAllHis(scene, early, web);
    assertAllHis(scene, tokensOf("late"), workload("newcomer"));
  });

  it("has no more room for showing his tokens to an accomplice", () => {
    const scene = new LegacyScene(legacyPolicy({ quarantine: true }), quiet);
    for (const text of tokensOf("flood", FLOOD)) {
      scene.use(text, thief);
      scene.use(text, workload("accomplice"));
    }
    useAll(scene, tokensOf("late"), web);
    for (const text of tokensOf("late")) assertDenied(scene.use(text, workload("stranger")), mismatch, text);
  });

  it("has no more room under several rules", () => {
    const rules = Array.from({ length: 6 }, (_, i) => ({
      name: `rule-${i}`,
      when: { pathPrefix: `/${i}` },
      bind: [{ firstUse: { sharedBy: [`spiffe://example.org/ns/batch-${i}/sa/*`] } }],
    }));
    const scene = new LegacyScene(legacyPolicy({}, {}, { rules }), quiet);
    const use = (text: string, peer: Peer, path: string) => {
      const stream = scene.arrive(text, peer, { path });
      if (stream.outcome === "continue") stream.respond({ status: 200 });
      stream.end();
      return stream;
    };
    for (const i of [1, 2, 3, 4, 5])
      for (const text of tokensOf(`flood-${i}`, i === 1 ? FLOOD : FLOOD / 10)) use(text, thief, `/${i}`);
    for (const text of tokensOf("late")) {
      use(text, web, "/0");
      assertDenied(use(text, workload("stranger"), "/0"), mismatch, text);
    }
  });
});

describe("a bucket", () => {
  it("is laid out as these tests think", () => {
    const scene = new Scene(firstUsePolicy());
    assertAllowed(scene.present(compact));
    const { bucket, name } = hashOf(scene, compact.split(".")[1] ?? "");
    const [pin, ...others] = pinsOf(
      scene.host.sharedData.get("", bucketName(bucket))?.value ?? Buffer.alloc(0),
      NOW,
    );
    const presenter = hashOf(scene, WEB).name;
    const holder = holderOf(scene, WEB);
    assert.deepEqual(pin, { token: name, presenter, holder, end: NOW + 360, isQuarantined: false });
    assert.deepEqual(others, []);
  });

  it("has so many places for one workload, which gives up what ends first for one more", () => {
    const scene = new FilledScene((ofWeb) => [
      { presenter: 1n, count: SHARE },
      { presenter: ofWeb, count: SHARE },
    ]);
    const ofWeb = hashOf(scene, WEB).name;
    const before = scene.pinsBeside(compact).filter(({ presenter }) => presenter === ofWeb);
    assertAllowed(scene.present(compact));
    const after = scene.pinsBeside(compact);
    assert.equal(countOf(after, ofWeb), SHARE);
    assert.equal(countOf(after, 1n), SHARE);
    const [first, ...others] = before;
    for (const { token } of others) assert.ok(after.some((pin) => pin.token === token));
    assert.ok(!after.some((pin) => pin.token === first?.token), "that which ends first");
  });

  it("that is nearly full has fewer for each", () => {
    const almost = new FilledScene((ofWeb) => [
      { presenter: 1n, count: COMMON },
      { presenter: ofWeb, count: LAST_SHARE - 1 },
    ]);
    assertAllowed(almost.present(compact));
    assert.equal(almost.pinsBeside(compact).length, COMMON + LAST_SHARE);
    const all = new FilledScene((ofWeb) => [
      { presenter: 1n, count: COMMON },
      { presenter: ofWeb, count: LAST_SHARE },
    ]);
    assertAllowed(all.present(compact));
    assert.equal(all.pinsBeside(compact).length, COMMON + LAST_SHARE);
    assertDenied(all.present(compact, { peer: thief }), mismatch);
  });

  it("that is full denies who has none there, and takes no one's place for him", () => {
    const scene = new FilledScene(() => [{ presenter: 1n, count: PLACES }]);
    const before = scene.pinsBeside(compact);
    const stream = scene.present(compact);
    assertDenied(stream, full);
    assert.deepEqual([stream.reply?.status, stream.reply?.grpcStatus, stream.reply?.headers], [503, 14, []]);
    assert.deepEqual(scene.pinsBeside(compact), before);
  });

  it("that is full lets who has one there give it up", () => {
    const scene = new FilledScene((ofWeb) => [
      { presenter: 1n, count: PLACES - 1 },
      { presenter: ofWeb, count: 1 },
    ]);
    assertAllowed(scene.present(compact));
    assertDenied(scene.present(compact, { peer: thief }), mismatch);
    assert.equal(countOf(scene.pinsBeside(compact), 1n), PLACES - 1);
  });

  it("that is full of what was taken from its presenter denies him, too", () => {
    const scene = new FilledScene((ofWeb) => [{ presenter: ofWeb, count: PLACES, isQuarantined: true }]);
    assertDenied(scene.present(compact), full);
  });

  it("has free places again when tokens have ended", () => {
    const scene = new FilledScene(() => [{ presenter: 1n, count: PLACES, end: NOW + 10 }]);
    assertDenied(scene.present(compact), full);
    scene.now = NOW + 10;
    assertAllowed(scene.present(compact));
    assertDenied(scene.present(compact, { peer: thief }), mismatch);
    const late = anybodys({ jti: "late" });
    scene.now = NOW + 10 + PLACES;
    assertAllowed(scene.present(late));
    assertDenied(scene.present(late, { peer: thief }), mismatch);
  });

  it("knows whose a token is also when it is full", () => {
    const scene = new Scene(firstUsePolicy());
    assertAllowed(scene.present(compact));
    const { bucket } = hashOf(scene, compact.split(".")[1] ?? "");
    const data = scene.host.sharedData;
    const mine = data.get("", bucketName(bucket))?.value ?? Buffer.alloc(0);
    const [pin] = pinsOf(mine, NOW);
    assert.ok(pin);
    data.set("", bucketName(bucket), bucketOf([...pinsFor([{ presenter: 1n, count: PLACES - 1 }]), pin]), 0);
    assertAllowed(scene.present(compact));
    assertDenied(scene.present(compact, { peer: thief }), mismatch);
  });

  it("that is full would deny who is observed", () => {
    const rules = firstUsePolicy({}, { mode: "observe" });
    const scene = new FilledScene(() => [{ presenter: 1n, count: PLACES }], rules);
    assertWouldDeny(scene.present(compact), full);
  });
});

describe("the table", () => {
  it("takes no more memory for more tokens", () => {
    const scene = new LegacyScene(legacyPolicy(), { logLevel: "error" });
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
      scene.use(`token-${i}`);
      if (i === 100) pages = scene.vm.memoryPages;
    }
    assert.equal(scene.vm.memoryPages, pages);
    assert.equal(largest, BUCKET_BYTES);
    assert.equal(names.size, BUCKETS + 1, "tokens fall everywhere, and there is the key");
  });

  it("places tokens where nobody outside can foretell", () => {
    const places = Array.from({ length: 16 }, (_, chance) => {
      const scene = new Scene(firstUsePolicy(), { random: (bytes) => bytes.fill(chance) });
      assertAllowed(scene.present(compact));
      return allBuckets.filter((bucket) => scene.host.sharedData.get("", bucketName(bucket)) !== undefined);
    });
    for (const place of places) assert.equal(place.length, 1);
    assert.ok(new Set(places.flat()).size > 8);
  });

  it("is written when a token is new, and read only for every other use", () => {
    const scene = new Scene(firstUsePolicy());
    scene.present(compact);
    scene.host.calls.resetCounts();
    for (let i = 0; i < 3; i++) assertAllowed(scene.present(compact));
    for (let i = 0; i < 3; i++) assertDenied(scene.present(compact, { peer: thief }), mismatch);
    assert.equal(scene.host.calls.count("proxy_get_shared_data"), 6);
    assert.equal(scene.host.calls.count("proxy_set_shared_data"), 0);
  });

  it("is written again when another worker was faster, some times", () => {
    const scene = new Scene(firstUsePolicy());
    const data = scene.host.sharedData;
    const set = data.set.bind(data);
    let failures = 0;
    let tries = 0;
    data.set = (vmId, name, value, cas) => {
      if (!name.startsWith("holdfast.first.")) return set(vmId, name, value, cas);
      return ++tries <= failures ? Status.CasMismatch : set(vmId, name, value, cas);
    };
    failures = 63;
    assertAllowed(scene.present(compact));
    assertDenied(scene.present(compact, { peer: thief }), mismatch);
    tries = 0;
    failures = 64;
    const unlucky = anybodys({ jti: "unlucky" });
    const stream = scene.present(unlucky);
    assertDenied(stream, "first_use_busy");
    assert.deepEqual([stream.reply?.status, stream.reply?.grpcStatus], [503, 14]);
    assertAllowed(scene.present(unlucky, { peer: thief }), "it was not noted");
    assert.equal(scene.host.vmFailures, 0);
  });

  it("loses nothing when workers write to one bucket at the same time", () => {
    const rules = legacyPolicy();
    const scene = new LegacyScene(rules);
    scene.use("first");
    const { bucket } = hashOf(scene, "first");
    const beside = Array.from({ length: 20_000 }, (_, i) => `beside-${i}`)
      .filter((text) => hashOf(scene, text).bucket === bucket)
      .slice(0, 4);
    const other = anotherWorker(scene.host, rules);
    const data = scene.host.sharedData;
    const set = data.set.bind(data);
    const [mine = "", ...his] = beside;
    data.set = (vmId, name, value, cas) => {
      const text = name === bucketName(bucket) ? his.pop() : undefined;
      if (text !== undefined) {
        const stream = other.request({ peer: thief, headers: [[LEGACY_HEADER, text]] });
        stream.respond({ status: 200 });
        stream.end();
      }
      return set(vmId, name, value, cas);
    };
    scene.use(mine);
    assert.equal(his.length, 0);
    for (const [i, text] of beside.entries()) {
      const [owner, stranger] = i === 0 ? [web, thief] : [thief, web];
      assertDenied(scene.use(text, stranger), mismatch, text);
      assertAllowed(scene.use(text, owner), text);
    }
  });
});

describe("shared data that another plugin has overwritten", () => {
  it("says nothing of whose a token is, which denies", () => {
    for (const length of [0, 1, BUCKET_BYTES - 1, BUCKET_BYTES + 1, 1 << 20]) {
      const scene = new Scene(firstUsePolicy());
      for (const bucket of allBuckets)
        scene.host.sharedData.set("", bucketName(bucket), Buffer.alloc(length, 0xff), 0);
      const stream = scene.present(compact);
      assertDenied(stream, "host_unavailable", String(length));
      assert.equal(stream.reply?.status, 503);
      assert.equal(scene.host.vmFailures, 0);
    }
  });

  it("with anything of the right length never traps", () => {
    for (const byte of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
      const scene = new Scene(firstUsePolicy());
      for (const bucket of allBuckets)
        scene.host.sharedData.set("", bucketName(bucket), Buffer.alloc(BUCKET_BYTES, byte), 0);
      scene.present(compact);
      assert.equal(scene.host.vmFailures, 0);
    }
  });

  it("in place of the key says nothing, too", () => {
    for (const length of [0, 7, 9, 1 << 20]) {
      const scene = new Scene(firstUsePolicy());
      scene.host.sharedData.set("", HASH_KEY, Buffer.alloc(length), 0);
      assertDenied(scene.present(compact), "host_unavailable", String(length));
    }
  });
});

describe("a host that does not do what it is asked", () => {
  it("and has no randomness makes no key, which denies until it has", () => {
    const scene = new Scene(firstUsePolicy());
    scene.host.calls.inject("random_get", { status: 29 });
    assertDenied(scene.present(compact), "host_unavailable");
    scene.host.calls.clearFaults();
    assertAllowed(scene.present(compact));
    assertDenied(scene.present(compact, { peer: thief }), mismatch);
  });

  const faults = [
    ...[1, 2, 3, 6, 7, 10, 12].map((status) => ({ status })),
    ...FAULTY_RESULTS.map((result) => ({ result })),
  ];
  // Other bytes of the right length are a bucket like any other.
  for (const fault of faults.filter((one) => !("result" in one && one.result === "garbage"))) {
    const name = JSON.stringify(fault);
    it(`when it reads shared data never has a token of another's pass: ${name}`, () => {
      for (const nth of [undefined, 1, 2]) {
        const scene = new Scene(firstUsePolicy());
        assertAllowed(scene.present(compact));
        scene.host.calls.inject("proxy_get_shared_data", fault, nth);
        for (let i = 0; i < 3; i++) assertNeverAllowed(scene.present(compact, { peer: thief }), name);
        scene.host.calls.clearFaults();
        assertDenied(scene.present(compact, { peer: thief }), mismatch);
        assertAllowed(scene.present(compact));
        assert.equal(scene.host.vmFailures, 0);
      }
    });
  }

  it("when it writes shared data lets no new token pass", () => {
    for (const status of [2, 6, 7, 10, 12]) {
      const scene = new Scene(firstUsePolicy());
      assertAllowed(scene.present(anybodys({ jti: "another" })));
      scene.host.calls.inject("proxy_set_shared_data", { status });
      const stream = scene.present(compact);
      assertNeverAllowed(stream, String(status));
      assert.equal(stream.reply?.status, 503);
      scene.host.calls.clearFaults();
      assertAllowed(scene.present(compact, { peer: thief }));
    }
  });

  it("when it notes what an upstream has taken leaves it nobody's, and counts that", () => {
    for (const call of ["proxy_get_shared_data", "proxy_set_shared_data"]) {
      const scene = new LegacyScene();
      const stream = scene.arrive("a-token");
      stream.respond({ status: 200 });
      scene.host.calls.inject(call, { status: 10 });
      stream.end();
      scene.host.calls.clearFaults();
      assert.equal(scene.host.counter("holdfast.first_use.lost"), 1, call);
      assertAllowed(scene.use("a-token", thief));
    }
  });

  it("and shows the upstream's answer wrongly notes nothing", () => {
    for (const fault of faults) {
      const scene = new LegacyScene();
      const stream = scene.arrive("a-token");
      stream.respond({ status: 200 });
      scene.host.calls.inject("proxy_get_property", fault);
      stream.end();
      scene.vm.tick();
      scene.host.calls.clearFaults();
      assertAllowed(scene.arrive("a-token", thief), JSON.stringify(fault));
      assert.equal(scene.host.vmFailures, 0);
    }
  });

  it("and does not tell the source of a connection knows nobody by it", () => {
    for (const fault of faults) {
      const scene = new Scene(firstUsePolicy({ by: "address" }));
      assertAllowed(scene.present(compact));
      // An earlier verdict, the SAN, then the address.
      scene.host.calls.inject("proxy_get_property", fault, 3);
      const peer = { ...thief, address: "192.0.2.8:1" };
      assertNeverAllowed(scene.ask({ peer, headers: [bearer(compact)] }), JSON.stringify(fault));
    }
  });
});
