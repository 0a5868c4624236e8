// What servers say is taken in again and again for as long as Envoy lives, and must not fill its memory.

import assert from "node:assert/strict";
import { it } from "node:test";
import { FeedScene, SECURITY, feedDocument, feedKey, feedPolicy } from "./support/feed.ts";
import { CLUSTER } from "./support/key-server.ts";
import { issuer } from "./support/policies.ts";
import { assertAllowed, assertDenied } from "./support/scene.ts";
import { listDocument, listOf, statusAt, statusList } from "./support/status-lists.ts";
import { tokenOfText } from "./support/tokens.ts";

const SWAPS = 1_000;
const REFUSED = 300;
const ENTRIES = 10_000;
const MIB = 1024 * 1024;
const HEADER = JSON.stringify({ alg: "ES256", kid: "feed-1", typ: "revocations+jwt" });

/** The payload of a document with so many IDs, without its version. */
function idsOf(prefix: string): string {
  return JSON.stringify(Array.from({ length: ENTRIES }, (_, i) => `${prefix}-${i}`));
}

/** A feed whose documents have 10,000 entries, or few. */
class LargeFeed {
  readonly scene = new FeedScene(feedPolicy({ refresh: "1s", staleFor: "168h" }));
  readonly #kinds = [idsOf("a"), idsOf("another-one"), "[]", JSON.stringify(["lonely"])];
  #version = 0;

  /** The next document comes, with other members. */
  publish(others = ""): void {
    this.#version++;
    this.repeat(others);
  }

  /** The last document comes again, with other members. */
  repeat(others = ""): void {
    const ids = this.#kinds[this.#version % this.#kinds.length] ?? "";
    const payload = `{"version":${this.#version},"ids":${ids}${others}}`;
    this.scene.pass(31);
    this.scene.answer({ body: tokenOfText(HEADER, payload, feedKey) });
  }
}

/** Does the same over and over. */
function assertMemoryStays({ scene }: LargeFeed, times: number, step: () => void): void {
  for (let i = 0; i < 20; i++) step();
  const pages = scene.vm.memoryPages;
  for (let i = 0; i < times; i++) step();
  assert.equal(scene.vm.memoryPages, pages);
  assert.equal(scene.host.vmFailures, 0);
}

it(`memory is the same after ${SWAPS} documents of a feed with ${ENTRIES} entries`, () => {
  const feed = new LargeFeed();
  assertMemoryStays(feed, SWAPS, () => {
    feed.publish();
  });
  feed.publish(',"keys":["k1"]');
  assertDenied(feed.scene.present(feed.scene.fresh()), "token_revoked");
});

it(`memory is the same after ${REFUSED} documents of a feed that were refused`, () => {
  const feed = new LargeFeed();
  feed.publish();
  assertMemoryStays(feed, REFUSED, () => {
    feed.publish(',"certificates":["x"]');
  });
  assert.deepEqual(feed.scene.documents, { fetched: 1, refused: 20 + REFUSED });
  assertAllowed(feed.scene.present(feed.scene.fresh()));
});

it(`memory is the same after a document of a feed has come ${REFUSED} times`, () => {
  const feed = new LargeFeed();
  feed.publish();
  assertMemoryStays(feed, REFUSED, () => {
    feed.repeat();
  });
  assert.deepEqual(feed.scene.documents, { fetched: 1, confirmed: 20 + REFUSED });
});

it("memory is the same after policies with a feed and a status list have come and gone a thousand times", () => {
  const idp = issuer({ statusLists: [statusList()] });
  const policies = [
    feedPolicy({}, { issuers: { idp } }),
    feedPolicy({ path: "/other" }),
    feedPolicy({ unsigned: true }, { issuers: { idp } }),
    feedPolicy({ path: "refused" }, { issuers: { idp } }),
  ].map((policy) => JSON.stringify(policy));
  const scene = new FeedScene();
  const revocations = { version: 1, ids: Array.from({ length: 1_000 }, (_, i) => `id-${i}`) };
  const bodies = {
    signed: feedDocument(revocations),
    unsigned: JSON.stringify(revocations),
    list: listDocument({ status_list: listOf(new Uint8Array(50_000)) }),
  };
  const reload = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const accepted = scene.plugin.configure(policies[i % policies.length] ?? "");
      assert.equal(accepted, i % policies.length !== 3);
      scene.vm.tick();
      for (const call of scene.asked) {
        const isUnsigned = i % policies.length === 2;
        const isList = call.request.cluster === CLUSTER;
        const feed = isUnsigned ? bodies.unsigned : bodies.signed;
        call.respond({ status: 200, body: isList ? bodies.list : feed });
      }
    }
  };
  reload(40);
  const pages = scene.vm.memoryPages;
  reload(4_000);
  assert.equal(scene.vm.memoryPages, pages);
  assert.equal(scene.host.vmFailures, 0);
  assert.equal(scene.documents["refused"], undefined);
});

it("memory is the same after large documents of a feed and three lists have come a hundred times", () => {
  const statusLists = [1, 2, 3].map((n) => statusList({ uri: `urn:${n}`, path: `/${n}` }));
  const scene = new FeedScene(feedPolicy({}, { issuers: { idp: issuer({ statusLists }) } }));
  const feedOf = (version: number): string =>
    feedDocument({ version, iss: "x".repeat(MIB / 2), ids: ["taken"] });
  const listAt = (uri: string, iat: number): string =>
    listDocument({ sub: uri, iat, status_list: listOf(new Uint8Array(MIB)) });
  const answerAll = (round: number): void => {
    scene.pass(10);
    for (const call of [...scene.asked]) {
      const uri = `urn:${call.request.headers.first(":path")?.slice(1) ?? ""}`;
      const isFeed = call.request.cluster === SECURITY;
      call.respond({ status: 200, body: isFeed ? feedOf(round) : listAt(uri, scene.now) });
    }
  };
  for (let round = 1; round <= 5; round++) answerAll(round);
  const pages = scene.vm.memoryPages;
  for (let round = 6; round <= 100; round++) answerAll(round);
  assert.equal(scene.vm.memoryPages, pages);
  assert.deepEqual(scene.documents, { fetched: 400 });
  assertAllowed(scene.present(scene.fresh(statusAt(5, "urn:2"))));
  assertDenied(scene.present(scene.fresh({ jti: "taken" })), "token_revoked");
});
