// The table of certificates that were seen with their workloads: shared by workers, bounded, and nobody's to take from another.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Plugin, Stream } from "../../cli/host/index.ts";
import { Host, Vm } from "../../cli/host/index.ts";
import { filterModule } from "./support/filter-module.ts";
import { WINDOW, boundTo, certified, rotating, rotatingPolicy } from "./support/rotation.ts";
import { Scene, assertAllowed, assertDenied, bearer } from "./support/scene.ts";
import { NOW, THIEF } from "./support/world.ts";

const old = certified("old");
const renewed = certified("new");
const DAY = 86_400;
const oldToken = boundTo("old", { exp: NOW + 10 * DAY });
const mismatch = "certificate_mismatch";

/** Keys of shared data, as the filter names them. */
const HASH_KEY = "holdfast.key";
const BUCKETS = Array.from({ length: 256 }, (_, i) => `holdfast.seen.${i.toString(16).padStart(2, "0")}`);
const BUCKET_BYTES = 1536;
/** 256 buckets of 8 workloads. */
const CAPACITY = 2048;

/** Another worker of the same Envoy. */
function anotherWorker(host: Host, vmId?: string): Plugin {
  const vm = Vm.start(host, filterModule, vmId === undefined ? {} : { vmId });
  const plugin = vm.configure({ configuration: JSON.stringify(rotatingPolicy()) });
  assert.ok(plugin.accepted);
  return plugin;
}

function present(worker: Plugin, peer = renewed): Stream {
  const stream = worker.request({ peer, headers: [bearer(oldToken)] });
  stream.end();
  return stream;
}

function workload(number: number): string {
  return `spiffe://example.org/ns/shop/sa/${number}`;
}

/** The workload shows a certificate, and gets to know whether a token that names it passes with another. */
function isRemembered(scene: Scene, id: string): boolean {
  const compact = boundTo(`first of ${id}`, { sub: id, exp: scene.now + 60, iat: scene.now });
  const stream = scene.present(compact, { peer: certified(`second of ${id}`, id) });
  return stream.outcome === "continue";
}

function show(scene: Scene, id: string): void {
  scene.present(boundTo(`shown by ${id}`, { sub: id, exp: scene.now + 60, iat: scene.now }), {
    peer: certified(`first of ${id}`, id),
  });
}

describe("the workers of an Envoy", () => {
  it("know of each other's sightings", () => {
    const scene = new Scene(rotatingPolicy());
    const other = anotherWorker(scene.host);
    assertDenied(present(other), mismatch);
    scene.present(oldToken, { peer: old });
    assertAllowed(present(other));
    assertAllowed(present(anotherWorker(scene.host)), "also one that starts later, as after a failure");
  });

  it("agree on one key, whoever comes first, though each would choose another", () => {
    let chosen = 0;
    const scene = new Scene(rotatingPolicy(), { random: (bytes) => bytes.fill(++chosen) });
    const other = anotherWorker(scene.host);
    present(other, old);
    assertAllowed(scene.present(oldToken, { peer: renewed }));
    assert.ok(chosen > 1, "each had a choice of its own");
    assert.equal(scene.host.sharedData.get("", HASH_KEY)?.value.length, 8);
  });

  it("find a workload in a place that nobody outside can foretell", () => {
    const places = Array.from({ length: 16 }, (_, key) => {
      const scene = new Scene(rotatingPolicy(), { random: (bytes) => bytes.fill(key) });
      scene.present(oldToken, { peer: old });
      return BUCKETS.filter((name) => scene.host.sharedData.get("", name) !== undefined);
    });
    for (const place of places) assert.equal(place.length, 1);
    assert.ok(new Set(places.flat()).size > 8, "it depends on the key");
  });

  it("of another Envoy, and under another vm_id, know nothing", () => {
    const scene = new Scene(rotatingPolicy());
    scene.present(oldToken, { peer: old });
    assertDenied(present(anotherWorker(new Host({ now: () => NOW }))), mismatch);
    assertDenied(present(anotherWorker(scene.host, "other")), mismatch);
  });

  it("lose nothing when they write to one bucket at the same time", () => {
    const scene = new Scene(rotatingPolicy());
    const data = scene.host.sharedData;
    const set = data.set.bind(data);
    let races = 0;
    data.set = (vmId, name, value, cas) => {
      // Three times another worker is faster, each time with another workload of the same bucket.
      const [bucket] = BUCKETS.filter((bucket) => bucket === name);
      if (bucket !== undefined && races < 3) {
        const raced = data.get(vmId, name)?.value ?? Buffer.alloc(BUCKET_BYTES);
        raced.fill(++races, races * 32, (races + 1) * 32);
        raced.writeBigInt64LE(BigInt(NOW), 1280 + races * 4 * 8);
        set(vmId, name, Buffer.from(raced), 0);
      }
      return set(vmId, name, value, cas);
    };
    scene.present(oldToken, { peer: old });
    assert.equal(races, 3);
    assertAllowed(scene.present(oldToken, { peer: renewed }));
    const bucket = BUCKETS.map((name) => data.get("", name)?.value).find((value) => value !== undefined);
    for (const race of [1, 2, 3]) {
      const kept = bucket?.includes(Buffer.alloc(32, race));
      assert.ok(kept, `the workload of race ${race} is still there`);
    }
  });

  it("share nothing where no rule asks for it", () => {
    const scene = new Scene(rotatingPolicy({ bind: [{ certificate: {} }] }));
    for (const peer of [old, renewed]) scene.present(oldToken, { peer });
    for (const verb of ["get", "set"]) assert.equal(scene.host.calls.count(`proxy_${verb}_shared_data`), 0);
  });

  it("write once a minute, and read only for a certificate that is another", () => {
    const scene = new Scene(rotatingPolicy());
    const calls = () =>
      ["get", "set"].map((verb) => {
        const count = scene.host.calls.count(`proxy_${verb}_shared_data`);
        return count;
      });
    scene.present(oldToken, { peer: old });
    const first = calls();
    for (scene.now = NOW; scene.now < NOW + 60; scene.now += 10) scene.present(oldToken, { peer: old });
    assert.deepEqual(calls(), first, "nothing within a minute");
    scene.now = NOW + 60;
    for (let i = 0; i < 3; i++) scene.present(oldToken, { peer: old });
    const [gets = 0, sets = 0] = first;
    assert.deepEqual(calls(), [gets + 1, sets + 1]);
  });
});

describe("who floods the table", () => {
  it("with certificates drives out his own, and nobody else's", () => {
    const scene = new Scene(rotatingPolicy());
    const witnesses = Array.from({ length: 50 }, (_, i) => workload(i));
    for (const id of witnesses) show(scene, id);
    for (let i = 0; i < 2_000; i++) scene.present(oldToken, { peer: certified(`flood ${i}`, THIEF) });
    for (const id of witnesses) assert.ok(isRemembered(scene, id), id);
    assert.equal(scene.host.vmFailures, 0);
  });

  it("with a fifth certificate of one workload has that one of its four forgotten that was seen longest ago", () => {
    const scene = new Scene(rotatingPolicy());
    for (const certificate of ["first", "old", "third", "fourth", "first"]) {
      scene.now += 61;
      scene.present(oldToken, { peer: certified(certificate) });
    }
    assertAllowed(scene.present(oldToken, { peer: certified("fourth") }), "there is room for four");
    const fifth = certified("fifth");
    assertAllowed(scene.present(oldToken, { peer: fifth }), "decided before the fifth is noted");
    assertDenied(scene.present(oldToken, { peer: fifth }), mismatch);
    assertAllowed(scene.present(boundTo("first", { exp: NOW + DAY }), { peer: fifth }));
  });

  it("with workloads that a token does not name has nothing noted", () => {
    const scene = new Scene(rotatingPolicy(), { logLevel: "error" });
    scene.present(oldToken, { peer: old });
    const writes = scene.host.calls.count("proxy_set_shared_data");
    for (let i = 0; i < 1_000; i++) scene.present(oldToken, { peer: certified("stolen", workload(i)) });
    assert.equal(scene.host.calls.count("proxy_set_shared_data"), writes);
  });

  it("with workloads takes what is free and nobody's place, for a day at most", () => {
    const scene = new Scene(rotatingPolicy({ bind: [rotating({ window: "24h" })] }), { logLevel: "error" });
    const names = new Set<string>();
    let largest = 0;
    const data = scene.host.sharedData;
    const set = data.set.bind(data);
    data.set = (vmId, name, value, cas) => {
      names.add(name);
      largest = Math.max(largest, value.length);
      return set(vmId, name, value, cas);
    };
    const witnesses = Array.from({ length: 50 }, (_, i) => workload(i));
    for (const id of witnesses) show(scene, id);
    const pages = scene.vm.memoryPages;
    for (let i = 1_000; i < 1_000 + 4 * CAPACITY; i++) show(scene, workload(i));
    for (const id of witnesses) assert.ok(isRemembered(scene, id), id);
    const late = Array.from({ length: 50 }, (_, i) => workload(100_000 + i));
    for (const id of late) show(scene, id);
    for (const id of late) assert.ok(!isRemembered(scene, id), `there was no place for ${id}`);
    assert.ok(names.size <= BUCKETS.length + 1, `${names.size} keys`);
    assert.equal(largest, BUCKET_BYTES);
    assert.deepEqual([scene.vm.memoryPages, scene.host.vmFailures], [pages, 0]);

    scene.now = NOW + DAY + 1;
    for (const id of late) show(scene, id);
    for (const id of late) assert.ok(isRemembered(scene, id), `its place was free again: ${id}`);
  });
});

describe("a value in shared data that another plugin has written", () => {
  const values: readonly (readonly [string, Buffer])[] = [
    ["nothing", Buffer.alloc(0)],
    ["one byte", Buffer.alloc(1)],
    ["a byte less", Buffer.alloc(BUCKET_BYTES - 1, 0xff)],
    ["a byte more", Buffer.alloc(BUCKET_BYTES + 1, 0xff)],
    ["ones of the right length", Buffer.alloc(BUCKET_BYTES, 0xff)],
    ["the smallest of times", Buffer.alloc(BUCKET_BYTES, Buffer.from("0000000000000080", "hex"))],
    ["the largest of times", Buffer.alloc(BUCKET_BYTES, Buffer.from("ffffffffffffff7f", "hex"))],
    ["a megabyte", Buffer.alloc(1 << 20, 7)],
  ];
  for (const [name, value] of values) {
    it(`is taken for an empty bucket: ${name}`, () => {
      const scene = new Scene(rotatingPolicy());
      for (const key of BUCKETS) scene.host.sharedData.set("", key, value, 0);
      assertDenied(scene.present(oldToken, { peer: renewed }), mismatch);
      assertAllowed(scene.present(oldToken, { peer: old }));
      assertAllowed(scene.present(oldToken, { peer: renewed }));
      assert.equal(scene.host.vmFailures, 0);
    });
  }

  it("in place of the key leaves no table, which denies", () => {
    for (const value of [Buffer.alloc(0), Buffer.alloc(7), Buffer.alloc(9), Buffer.alloc(1 << 20)]) {
      const scene = new Scene(rotatingPolicy());
      scene.host.sharedData.set("", HASH_KEY, value, 0);
      assertAllowed(scene.present(oldToken, { peer: old }));
      assertDenied(scene.present(oldToken, { peer: renewed }), mismatch);
      assert.equal(scene.host.vmFailures, 0);
    }
  });

  it("as the key is a key like any other", () => {
    const scene = new Scene(rotatingPolicy());
    scene.host.sharedData.set("", HASH_KEY, Buffer.alloc(8, 3), 0);
    scene.present(oldToken, { peer: old });
    assertAllowed(scene.present(oldToken, { peer: renewed }));
  });
});

it("a host without randomness takes the key that another worker has made, and else has no table", () => {
  const scene = new Scene(rotatingPolicy());
  scene.host.calls.inject("random_get", { status: 29 });
  assertAllowed(scene.present(oldToken, { peer: old }));
  assertDenied(scene.present(oldToken, { peer: renewed }), mismatch);
  scene.host.calls.clearFaults();
  scene.now += WINDOW;
  scene.present(oldToken, { peer: old });
  assertAllowed(scene.present(oldToken, { peer: renewed }), "tried again");
});
