// Feeds, status lists and their servers, as they were once wrong: none of it comes back.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FeedScene, feedAt, feedDocument, feedPolicy } from "./support/feed.ts";
import { PAYLOAD_HEADER, forwarded, verified } from "./support/jwt-authn.ts";
import { answerWith } from "./support/key-server.ts";
import { makeKey } from "./support/keys.ts";
import { issuer, policy } from "./support/policies.ts";
import { PolicyDesk } from "./support/refusal.ts";
import { assertAllowed, assertDenied } from "./support/scene.ts";
import { ListScene, listDocument, listOf, statusAt, statusList } from "./support/status-lists.ts";
import { key, token } from "./support/tokens.ts";
import { NOW } from "./support/world.ts";

const unsigned = feedPolicy({ unsigned: true });

describe("a document without a signature", () => {
  it("is stale past its exp", () => {
    const scene = new FeedScene(unsigned);
    scene.answer({ body: JSON.stringify({ version: 1, exp: NOW + 15 }) });
    scene.pass(16);
    assertDenied(scene.present(scene.fresh()), "revocations_stale");
  });
  for (const members of [{ exp: NOW }, { iat: NOW + 3600 }, { exp: "never" }, { iat: -1 }]) {
    it(`is refused with ${JSON.stringify(members)}, as a signed one is`, () => {
      const scene = new FeedScene(unsigned);
      scene.answer({ body: JSON.stringify({ version: 1, ...members }) });
      assert.deepEqual(scene.documents, { refused: 1 });
    });
  }
});

it("a feed that is signed again, with nothing new and a later exp, is good until then", () => {
  const scene = new FeedScene();
  scene.publish({ version: 1, exp: NOW + 15 });
  scene.answerLater({ body: feedDocument({ version: 1, exp: NOW + 3600 }) });
  scene.pass(10);
  scene.answer({ body: feedDocument({ version: 1, exp: NOW + 3600 }) });
  assertAllowed(scene.present(scene.fresh()));
});

it("a status list of the same second that takes another token back is read", () => {
  const scene = ListScene.saying(Uint8Array.of(0, 0));
  scene.answerLater({ body: listDocument({ status_list: listOf(Uint8Array.of(1, 0)) }) });
  assertDenied(scene.presentAt(0), "status_not_valid");
});

it("a status list by a key that was withdrawn is not confirmed for ever", () => {
  const keys = { cluster: "idp", path: "/jwks", refresh: "10s" };
  const next = makeKey("ES256", "k2");
  const scene = new ListScene(policy({ issuers: { idp: issuer({ keys, statusLists: [statusList()] }) } }));
  const answer = (
    jwks: readonly (typeof key)[],
    list: { status: number; body?: string; headers?: [string, string][] },
  ) => {
    for (const call of [...scene.asked]) {
      const isKeys = call.request.headers.first(":path") === "/jwks";
      call.respond(isKeys ? answerWith(...jwks.map(({ jwk }) => jwk)) : list);
    }
  };
  scene.vm.tick();
  answer([key, next], { status: 503 });
  scene.pass(1);
  answer([key, next], {
    status: 200,
    body: listDocument({ status_list: listOf(new Uint8Array(4)) }),
    headers: [["etag", '"1"']],
  });
  for (let i = 0; i < 20; i++) {
    scene.pass(10);
    answer([next], { status: 304 });
  }
  assert.equal(scene.present(token({ exp: scene.now + 100, ...statusAt(0) }, next)).outcome, "replied");
});

describe("a policy with a feed", () => {
  const desk = new PolicyDesk();
  it("is refused at its place with keys that are empty", () => {
    desk.assertRefused(feedPolicy({ keys: {} }), "/revoked/feed/keys");
  });
  for (const value of ["true", 1, null, {}]) {
    it(`is refused with "unsigned": ${JSON.stringify(value)} beside keys`, () => {
      const feed = { ...feedAt(), unsigned: value };
      assert.equal(desk.offer(policy({ revoked: { feed } })).accepted, false);
    });
  }
  it("that names the same feed with the same keys, and asks it less often, begins with what is there", () => {
    const scene = FeedScene.saying({ ids: ["taken"] });
    assert.ok(scene.plugin.configure(JSON.stringify(feedPolicy({ refresh: "20s" }))));
    assertAllowed(scene.arrive());
  });
});

it("a token that jwt_authn has judged is not taken back by its header's kid", () => {
  const keys = { jwt_authn: { payloadHeader: PAYLOAD_HEADER } };
  const scene = FeedScene.saying({ keys: ["k1"] }, feedPolicy({}, { issuers: { idp: issuer({ keys }) } }));
  assertAllowed(scene.ask({ headers: forwarded(token()), metadata: verified() }));
});

it("a status that names no list is status_malformed, as docs/reasons.md says", () => {
  const scene = ListScene.saying(new Uint8Array(4));
  for (const status of [null, {}, "valid", { status_list: { idx: 0 } }]) {
    assertDenied(scene.present(scene.fresh({ status })), "status_malformed");
  }
});

describe("compressed bytes that zlib refuses", () => {
  const flaws = {
    "a single distance of five bits": "780105e081080030000030cc9f7a2700020001",
    "an end of block alone, of seven bits": "780104e081080200000000f85b1f600c0000010001",
  };
  for (const [flaw, digits] of Object.entries(flaws)) {
    it(`with ${flaw} are refused`, () => {
      const scene = new ListScene();
      scene.publish({ status_list: { bits: 1, lst: Buffer.from(digits, "hex").toString("base64url") } });
      assert.deepEqual(scene.documents, { refused: 1 });
    });
  }
});

it("a policy has its feed asked as often as it says, when a newer one that asked it less often has gone", () => {
  const scene = FeedScene.saying({}, feedPolicy({}, { name: "a" }));
  const second = scene.vm.configure({
    configuration: JSON.stringify(feedPolicy({ refresh: "100s", staleFor: "1h" }, { name: "b" })),
  });
  assert.ok(second.accepted);
  assert.ok(second.configure(JSON.stringify(policy({ name: "b" }))));
  let answered = 0;
  for (let second = 0; second < 60; second++) {
    scene.pass(1);
    for (const call of scene.asked) {
      answered++;
      call.respond({ status: 200, body: feedDocument({ version: 1 }) });
    }
    assertAllowed(scene.present(scene.fresh()), `after ${second + 1} s, answered ${answered} times`);
  }
});
