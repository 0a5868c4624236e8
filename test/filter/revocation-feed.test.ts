// What a feed takes back, and what becomes of requests while nobody can say what it says.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { Peer, Request } from "../../cli/host/index.ts";
import {
  AUTHORIZATION_SERVER,
  FeedScene,
  SECURITY,
  digestOf,
  feedAt,
  feedDocument,
  feedKey,
  feedPolicy,
} from "./support/feed.ts";
import { assertClosed, assertOpen } from "./support/followed.ts";
import type { Json } from "./support/json.ts";
import { PAYLOAD_HEADER, forwarded, verified } from "./support/jwt-authn.ts";
import { CLUSTER, answerWith } from "./support/key-server.ts";
import { makeKey } from "./support/keys.ts";
import { issuer, policy } from "./support/policies.ts";
import { PolicyDesk } from "./support/refusal.ts";
import { Scene, assertAllowed, assertDenied, assertWouldDeny, bearer } from "./support/scene.ts";
import { key, token } from "./support/tokens.ts";
import { twinOf } from "./support/twin-signature.ts";
import { AUDIENCE, ISSUER, NOW, THIEF, WEB, WEB_THUMBPRINT, thief, web } from "./support/world.ts";

const compact = token({ jti: "t-1", exp: NOW + 3600 });
const other = token({ jti: "t-2", iat: NOW + 1, exp: NOW + 3600 });
const ofThief = token({ sub: THIEF, jti: "t-3", iat: NOW + 1, exp: NOW + 3600 });
const renewed: Peer = { ...web, certSha256: createHash("sha256").update("renewed").digest("hex") };

describe("a feed takes back", () => {
  const ways: readonly (readonly [
    what: string,
    members: Json,
    reason: string,
    kept: Request,
    token?: string,
  ])[] = [
    ["tokens by their ID", { ids: ["t-0", "t-1"] }, "token_revoked", {}],
    ["tokens by their subject", { subjects: [WEB] }, "token_revoked", { peer: thief }, ofThief],
    ["one token by its digest", { tokens: [digestOf(compact)] }, "token_revoked", {}],
    ["an issuer's tokens from before", { issuedBefore: { [ISSUER]: NOW + 1 } }, "token_revoked", {}],
    ["a presenter", { presenters: [WEB] }, "presenter_revoked", { peer: thief }, ofThief],
    ["a certificate", { certificates: [WEB_THUMBPRINT] }, "certificate_revoked", { peer: renewed }],
  ];
  for (const [what, members, reason, kept, good = other] of ways) {
    it(`${what}, and nothing else`, () => {
      const scene = FeedScene.saying({});
      assertAllowed(scene.present(compact));
      scene.answerLater({ body: feedDocument({ version: 2, ...members }) });
      for (let i = 0; i < 3; i++) assertDenied(scene.present(compact), reason);
      assertAllowed(scene.present(good, kept));
    });
  }

  it("tokens by the key that has signed them", () => {
    const second = makeKey("ES256", "k2");
    const keys = { jwks: { keys: [key.jwk, second.jwk] } };
    const scene = FeedScene.saying({ keys: ["k1"] }, feedPolicy({}, { issuers: { idp: issuer({ keys }) } }));
    assertDenied(scene.present(compact), "token_revoked");
    assertAllowed(scene.present(token({}, second)));
  });

  it("one token in the other spelling of its signature, too", () => {
    const scene = FeedScene.saying({ tokens: [digestOf(compact)] });
    assert.notEqual(twinOf(compact), compact);
    assertDenied(scene.present(twinOf(compact)), "token_revoked");
  });

  it("an issuer's tokens that do not say when they were issued, and names the issuer by its iss", () => {
    const long = NOW - 10_000;
    const scene = FeedScene.saying({
      issuedBefore: { idp: NOW + 1, [ISSUER]: long, [`${ISSUER}/`]: NOW + 1 },
    });
    assertAllowed(scene.present(compact));
    assertAllowed(scene.present(token({ iat: long })));
    assertDenied(scene.present(token({ iat: long - 1 })), "token_revoked");
    assertDenied(scene.present(token({ iat: undefined })), "token_revoked");
  });

  it("a presenter before its token's signature is checked", () => {
    const scene = FeedScene.saying({ presenters: [THIEF] });
    scene.host.calls.resetCounts();
    assertDenied(scene.present(ofThief, { peer: thief }), "presenter_revoked");
    assert.equal(scene.host.calls.count("proxy_call_foreign_function"), 0);
    assertAllowed(scene.present(compact));
  });

  it("a certificate, so that one that is not shown is not good enough", () => {
    const scene = FeedScene.saying({ certificates: [WEB_THUMBPRINT] });
    assertDenied(scene.present(compact, { peer: { ...web, certSha256: "" } }), "certificate_digest_absent");
  });

  it("what it says beside what the policy takes back itself", () => {
    const revoked = { ids: ["t-2"], presenters: [THIEF], feed: feedAt() };
    const scene = FeedScene.saying({ ids: ["t-1"] }, policy({ revoked }));
    assertDenied(scene.present(compact), "token_revoked");
    assertDenied(scene.present(other), "token_revoked");
    assertDenied(scene.present(ofThief, { peer: thief }), "presenter_revoked");
    assertAllowed(scene.present(token()));
  });

  it("nothing that only begins or ends like an entry", () => {
    const scene = FeedScene.saying({
      ids: ["t-10", "T-1", "t-", " t-1"],
      subjects: [`${WEB}/x`, THIEF],
      keys: ["k10"],
      tokens: [digestOf(other)],
      presenters: [`${WEB}/x`],
    });
    assertAllowed(scene.present(compact));
  });

  it("each of 50,000, and finds them as soon as one", () => {
    const ids = Array.from({ length: 50_000 }, (_, i) => `id-${i}`);
    const scene = FeedScene.saying({ ids });
    for (const jti of ["id-0", "id-25000", "id-49999"]) {
      assertDenied(scene.present(token({ jti })), "token_revoked");
    }
    assertAllowed(scene.present(token({ jti: "id-50000" })));
  });

  it("what it takes back only for as long as it says so", () => {
    const scene = FeedScene.saying({ ids: ["t-1"], presenters: [THIEF] });
    assertDenied(scene.present(compact), "token_revoked");
    scene.answerLater({ body: feedDocument({ version: 2, ids: ["t-2"] }) });
    assertAllowed(scene.present(compact));
    assertAllowed(scene.present(ofThief, { peer: thief }));
    assertDenied(scene.present(other), "token_revoked");
  });
});

describe("at a start, a request", () => {
  it("waits for the first answer, and is decided by it", () => {
    const scene = new FeedScene();
    const [bad, good] = [scene.arrive(compact), scene.arrive(other)];
    scene.vm.tick();
    assert.deepEqual([bad.outcome, good.outcome], ["pause", "pause"]);
    scene.publish({ version: 1, ids: ["t-1"] });
    assertDenied(bad, "token_revoked");
    assertAllowed(good);
  });

  it("is told after five seconds without an answer that there is none: 503", () => {
    const scene = new FeedScene();
    const early = scene.arrive();
    scene.pass(0);
    scene.pass(4);
    assert.equal(early.outcome, "pause");
    scene.pass(1);
    assertDenied(early, "revocations_absent");
    assert.equal(early.reply?.status, 503);
    assertDenied(scene.present(scene.fresh()), "revocations_absent");
    scene.publish({ version: 1, ids: ["t-1"] });
    assertAllowed(scene.present(scene.fresh()));
    assertDenied(scene.present(compact), "token_revoked");
  });

  it("is not decided by an answer that is none, and waits for the next", () => {
    const scene = new FeedScene();
    const stream = scene.arrive(compact);
    scene.answer({ status: 503 });
    assert.equal(stream.outcome, "pause");
    scene.pass(1);
    scene.answer({ body: "{}" });
    assert.equal(stream.outcome, "pause");
    scene.pass(1);
    scene.publish({ version: 1, ids: ["t-1"] });
    assertDenied(stream, "token_revoked");
  });

  it("waits as long where what is stale may pass, and then passes, and is counted", () => {
    const scene = new FeedScene(feedPolicy({ onStale: "warn" }));
    const stream = scene.arrive();
    scene.pass(0);
    scene.pass(4);
    assert.equal(stream.outcome, "pause");
    assert.equal(scene.host.counter("holdfast.revocations.stale"), 0);
    scene.pass(1);
    assertAllowed(stream);
    assertAllowed(scene.present(scene.fresh()));
    assert.equal(scene.host.counter("holdfast.revocations.stale"), 2);
  });

  it("does not wait when it is refused without the feed, or needs no token", () => {
    const rules = [{ name: "health", when: { path: "/healthz" }, token: "none" }, { name: "rest" }];
    const scene = new FeedScene(policy({ rules, revoked: { ids: ["t-1"], feed: feedAt() } }));
    assertAllowed(scene.ask({ path: "/healthz" }));
    assertDenied(scene.ask(), "token_absent");
    assertDenied(scene.present(token({ exp: NOW - 100 })), "token_expired");
    assertDenied(scene.present(token({ aud: "billing" })), "audience_mismatch");
    assertDenied(scene.present(compact), "token_revoked");
  });

  it("waits for keys and for the feed, whichever comes first", () => {
    const keys = { cluster: CLUSTER, path: "/jwks" };
    for (const first of [CLUSTER, SECURITY]) {
      const scene = new FeedScene(feedPolicy({}, { issuers: { idp: issuer({ keys }) } }));
      const stream = scene.arrive(compact);
      scene.vm.tick();
      const calls = [...scene.asked].sort((call) => (call.request.cluster === first ? -1 : 1));
      assert.equal(calls.length, 2);
      for (const call of calls) {
        assert.equal(stream.outcome, "pause", first);
        const isFeed = call.request.cluster === SECURITY;
        call.respond(isFeed ? { status: 200, body: feedDocument({ version: 1 }) } : answerWith(key.jwk));
      }
      assertAllowed(stream, first);
    }
  });

  it("is turned away when 512 of its presenter wait, and another presenter's is not", () => {
    const scene = new FeedScene();
    for (let i = 0; i < 512; i++) scene.arrive(ofThief, thief);
    assertDenied(scene.arrive(ofThief, thief), "revocations_absent");
    const waits = scene.arrive(compact);
    assert.equal(waits.outcome, "pause");
    scene.publish({ version: 1 });
    for (let i = 0; i < 20; i++) scene.vm.tick();
    assertAllowed(waits);
  });

  it("is not paused in observe mode", () => {
    const scene = new FeedScene(feedPolicy({}, { mode: "observe" }));
    assertWouldDeny(scene.arrive(compact), "answer_pending");
    scene.pass(0);
    scene.pass(5);
    assertWouldDeny(scene.arrive(compact), "revocations_absent");
    scene.publish({ version: 1, ids: ["t-1"] });
    assertWouldDeny(scene.arrive(compact), "token_revoked");
    assertAllowed(scene.arrive());
    scene.pass(100);
    scene.answer({ status: 503 });
    assertWouldDeny(scene.arrive(scene.fresh()), "revocations_stale");
  });
});

describe("a feed that is not confirmed any more", () => {
  it("is good until staleFor, then 503, and good again with the next answer", () => {
    const scene = FeedScene.saying({ ids: ["t-1"] });
    scene.fail(30);
    assertAllowed(scene.present(scene.fresh()));
    assertDenied(scene.present(compact), "token_revoked");
    scene.fail(1);
    const late = scene.present(scene.fresh());
    assertDenied(late, "revocations_stale");
    assert.equal(late.reply?.status, 503);
    scene.pass(30);
    scene.publish({ version: 1, ids: ["t-1"] });
    assertAllowed(scene.present(scene.fresh()));
    assertDenied(scene.present(compact), "token_revoked");
  });

  it("lets requests pass where the policy says so, but not what it took back before", () => {
    const scene = FeedScene.saying(
      { ids: ["t-1"], presenters: [THIEF] },
      feedPolicy({ onStale: "warn", staleFor: "20s" }),
    );
    scene.fail(20);
    assertAllowed(scene.present(scene.fresh()));
    assert.equal(scene.host.counter("holdfast.revocations.stale"), 0);
    scene.fail(60);
    assertAllowed(scene.present(scene.fresh()));
    assert.equal(scene.host.counter("holdfast.revocations.stale"), 1);
    assertDenied(scene.present(compact), "token_revoked");
    assertDenied(scene.present(ofThief, { peer: thief }), "presenter_revoked");
  });

  it("is stale when its own exp has passed, however often the server says that nothing has changed", () => {
    const scene = new FeedScene();
    scene.answer({
      body: feedDocument({ version: 1, exp: NOW + 15 }),
      headers: [["etag", '"v1"']],
    });
    scene.answerLater({ status: 304 });
    scene.pass(4);
    assertAllowed(scene.present(scene.fresh()));
    scene.pass(1);
    assertDenied(scene.present(scene.fresh()), "revocations_stale");
    scene.pass(5);
    scene.answer({ status: 304 });
    assertDenied(scene.present(scene.fresh()), "revocations_stale");
    scene.answerLater({ body: feedDocument({ version: 2, exp: NOW + 3600 }) });
    assertAllowed(scene.present(scene.fresh()));
  });

  it("may take its time to answer at the end of staleFor", () => {
    const scene = FeedScene.saying({}, feedPolicy({ staleFor: "10s" }));
    scene.pass(11);
    assertAllowed(scene.present(scene.fresh()));
    scene.answer({ status: 503 });
    assertDenied(scene.present(scene.fresh()), "revocations_stale");
  });

  it("denies nothing that needs no token, and hides no better reason", () => {
    const rules = [{ name: "health", when: { path: "/healthz" }, token: "none" }, { name: "rest" }];
    const scene = FeedScene.saying({}, policy({ rules, revoked: { ids: ["t-1"], feed: feedAt() } }));
    scene.fail(60);
    assertAllowed(scene.ask({ path: "/healthz" }));
    assertDenied(scene.present(compact), "token_revoked");
    assertDenied(scene.present(token({ exp: NOW - 100 })), "token_expired");
  });

  it("leaves requests that go on alone until their token ends", () => {
    const rules = [{ name: "all", revalidate: { every: "1s" } }];
    const scene = FeedScene.saying({}, feedPolicy({}, { rules }));
    const stream = scene.arrive();
    scene.fail(60);
    assertDenied(scene.present(scene.fresh()), "revocations_stale");
    assertOpen(stream);
    scene.fail(300);
    assertClosed(stream, "token_expired");
  });
});

describe("a request that goes on", () => {
  const rules = [{ name: "all", revalidate: { every: "1h" } }];
  const followed = feedPolicy({}, { rules });

  it("is closed within a tick of the answer that takes it back, and no other is", () => {
    const scene = FeedScene.saying({}, followed);
    const streams = [compact, other].map((text) => scene.arrive(text));
    const [bad, good] = streams;
    assert.ok(bad && good);
    scene.answerLater({ body: feedDocument({ version: 2, ids: ["t-1"] }) });
    scene.vm.tick();
    assertClosed(bad, "token_revoked");
    assertOpen(good);
    assert.equal(scene.host.counter("holdfast.close.token_revoked"), 1);
  });

  it("is closed when its presenter is taken back", () => {
    const scene = FeedScene.saying({}, followed);
    const [mine, his] = [scene.arrive(), scene.arrive(ofThief, thief)];
    scene.answerLater({ body: feedDocument({ version: 2, presenters: [THIEF] }) });
    scene.vm.tick();
    assertClosed(his, "presenter_revoked");
    assertOpen(mine);
  });

  it("is not closed by what is refused, or comes again", () => {
    const scene = FeedScene.saying({}, followed);
    const stream = scene.arrive(compact);
    for (const body of [
      feedDocument({ version: 2, ids: ["t-1"], unknown: 1 }),
      feedDocument({ version: 1, ids: ["t-1"] }),
    ]) {
      scene.answerLater({ body });
      scene.vm.tick();
      assertOpen(stream);
    }
  });

  it("is closed in one draining root context as in the newest", () => {
    const scene = FeedScene.saying({}, followed);
    const old = scene.arrive(compact);
    assert.ok(scene.plugin.configureListener(JSON.stringify(feedPolicy({ staleFor: "60s" }, { rules }))));
    const young = scene.arrive(compact);
    scene.answerLater({ body: feedDocument({ version: 2, ids: ["t-1"] }) });
    scene.vm.tick();
    assertClosed(old, "token_revoked");
    assertClosed(young, "token_revoked");
  });

  it("is closed by a policy that brings a feed, when the feed has said so", () => {
    const scene = new FeedScene(policy({ rules }));
    const stream = scene.arrive(compact);
    assert.ok(scene.plugin.configure(JSON.stringify(followed)));
    scene.vm.tick();
    assertOpen(stream);
    scene.publish({ version: 1, ids: ["t-1"] });
    scene.vm.tick();
    assertClosed(stream, "token_revoked");
  });
});

describe("a new policy", () => {
  it("with the same feed begins with what is there, and with the version that is there", () => {
    const scene = FeedScene.saying({ version: 5, ids: ["t-1"] });
    assert.ok(scene.plugin.configure(JSON.stringify(feedPolicy({ staleFor: "60s", onStale: "warn" }))));
    assertDenied(scene.present(compact), "token_revoked");
    assertAllowed(scene.present(other));
    scene.answerLater({ body: feedDocument({ version: 4 }) });
    assert.deepEqual(scene.documents, { fetched: 1, refused: 1 });
    assertDenied(scene.present(compact), "token_revoked");
  });

  it("that asks the same feed less often, or more often, begins with what is there", () => {
    for (const [refresh, seconds] of [
      ["20s", 20],
      ["2s", 2],
    ] as const) {
      const scene = FeedScene.saying({ ids: ["t-1"] });
      assert.ok(scene.plugin.configure(JSON.stringify(feedPolicy({ refresh }))));
      assertDenied(scene.present(compact), "token_revoked");
      assertAllowed(scene.present(other));
      scene.pass(10);
      for (const call of scene.asked) call.respond({ status: 200, body: feedDocument({ version: 2 }) });
      scene.pass(seconds * 0.8);
      assert.equal(scene.asked.length, 0, refresh);
      scene.pass(seconds * 0.2);
      assert.equal(scene.asked.length, 1, refresh);
    }
  });

  it("with other keys takes nothing over", () => {
    const second = makeKey("ES256", "feed-2");
    const scene = FeedScene.saying({ version: 5, ids: ["t-1"] });
    const next = feedPolicy({ keys: { jwks: { keys: [second.jwk] } } });
    assert.ok(scene.plugin.configure(JSON.stringify(next)));
    const waits = scene.arrive(compact);
    assert.equal(waits.outcome, "pause");
    scene.publish({ version: 6 });
    assert.equal(waits.outcome, "pause", "the old key's word counts no more");
    scene.pass(1);
    scene.answer({ body: feedDocument({ version: 1 }, second) });
    assertAllowed(waits);
  });

  for (const [name, members] of Object.entries<Json>({
    "another path": { path: "/other" },
    "another authority": { authority: "security.example" },
    "one key more": { keys: { jwks: { keys: [feedKey.jwk, makeKey("ES256", "feed-2").jwk] } } },
    "no signature": { unsigned: true },
  })) {
    it(`with ${name} fetches anew`, () => {
      const scene = FeedScene.saying({ version: 5 });
      assert.ok(scene.plugin.configure(JSON.stringify(feedPolicy(members))));
      assert.equal(scene.arrive().outcome, "pause");
    });
  }

  it("without the feed knows nothing of it any more", () => {
    const scene = FeedScene.saying({ ids: ["t-1"] });
    assert.ok(scene.plugin.configure(JSON.stringify(policy())));
    assertAllowed(scene.present(compact));
    scene.pass(60);
    assert.equal(scene.asked.length, 0);
  });

  it("takes over the asking from the one before, and the requests that wait", () => {
    const scene = new FeedScene();
    const old = scene.arrive(compact);
    scene.vm.tick();
    assert.ok(scene.plugin.configure(JSON.stringify(feedPolicy({ staleFor: "60s" }))));
    const young = scene.arrive(compact);
    scene.publish({ version: 1, ids: ["t-1"] });
    assertDenied(old, "token_revoked");
    assertDenied(young, "token_revoked");
  });

  it("that is refused leaves the feed in force", () => {
    const scene = FeedScene.saying({ ids: ["t-1"] });
    assert.equal(scene.plugin.configure(JSON.stringify(feedPolicy({ path: "other" }))), false);
    assertDenied(scene.present(compact), "token_revoked");
  });
});

describe("two root contexts", () => {
  it("with the same feed ask once, and both know what it says", () => {
    const scene = new FeedScene(feedPolicy({}, { name: "a" }));
    const second = scene.vm.configure({
      configuration: JSON.stringify(feedPolicy({ onStale: "warn" }, { name: "b" })),
    });
    assert.ok(second.accepted);
    const here = scene.arrive(compact);
    const there = second.request({ peer: web, headers: [bearer(compact)] });
    scene.publish({ version: 1, ids: ["t-1"] });
    scene.vm.tick();
    assertDenied(here, "token_revoked");
    assertDenied(there, "token_revoked");
    assert.deepEqual(scene.documents, { fetched: 1 });
  });

  it("with the same server and other keys have nothing in common", () => {
    const second = makeKey("ES256", "feed-2");
    const scene = FeedScene.saying({ ids: ["t-1"] }, feedPolicy({}, { name: "a" }));
    const plugin = scene.vm.configure({
      configuration: JSON.stringify(feedPolicy({ keys: { jwks: { keys: [second.jwk] } } }, { name: "b" })),
    });
    const there = () => plugin.request({ peer: web, headers: [bearer(compact)] });
    assert.equal(there().outcome, "pause");
    scene.vm.tick();
    scene.call.respond({ status: 200, body: feedDocument({ version: 1 }, second) });
    assertAllowed(there());
    assertDenied(scene.present(compact), "token_revoked");
  });

  it("are each as patient as their own policy", () => {
    const scene = FeedScene.saying({}, feedPolicy({ staleFor: "10s" }, { name: "a" }));
    const patient = scene.vm.configure({
      configuration: JSON.stringify(feedPolicy({ staleFor: "1h" }, { name: "b" })),
    });
    scene.pass(20);
    scene.answer({ status: 503 });
    assertDenied(scene.present(scene.fresh()), "revocations_stale");
    assertAllowed(patient.request({ peer: web, headers: [bearer(scene.fresh())] }));
  });
});

describe("tokens that somebody else has judged", () => {
  const taken: readonly Json[] = [
    { ids: ["t-1"] },
    { subjects: [WEB] },
    { issuedBefore: { [ISSUER]: NOW + 1 } },
  ];

  for (const members of taken) {
    it(`jwt_authn's are taken back by ${Object.keys(members).join()}`, () => {
      const jwtAuthn = feedPolicy({}, { issuers: { idp: issuer({ keys: "jwt_authn" }) } });
      const scene = FeedScene.saying({}, jwtAuthn);
      const request: Request = { metadata: verified({ jti: "t-1" }) };
      assertAllowed(scene.ask(request));
      scene.answerLater({ body: feedDocument({ version: 2, ...members }) });
      assertDenied(scene.ask(request), "token_revoked");
    });

    it(`a server's are taken back by ${Object.keys(members).join()}`, () => {
      const scene = FeedScene.saying({}, introspecting());
      const active = { active: true, iss: ISSUER, sub: WEB, aud: AUDIENCE, iat: NOW, exp: NOW + 3600 };
      const stream = scene.arrive("opaque");
      scene.call.respond({ status: 200, body: JSON.stringify({ ...active, jti: "t-1" }) });
      assertAllowed(stream);
      scene.answerLater({ body: feedDocument({ version: 2, ...members }) });
      assertDenied(scene.present("opaque"), "token_revoked");
    });
  }

  it("jwt_authn's are taken back by their digest where they are left in the request", () => {
    const keys = { jwt_authn: { payloadHeader: PAYLOAD_HEADER } };
    const jwtAuthn = feedPolicy({}, { issuers: { idp: issuer({ keys }) } });
    const scene = FeedScene.saying({ tokens: [digestOf(compact)] }, jwtAuthn);
    assertDenied(scene.ask({ headers: forwarded(compact), metadata: verified() }), "token_revoked");
    assertAllowed(scene.ask({ headers: forwarded(other), metadata: verified() }));
  });

  it("an opaque one is taken back by the digest of all of it, dots and all", () => {
    const scene = FeedScene.saying({ tokens: [digestOf("tenant.taken")] }, introspecting());
    const active = JSON.stringify({ active: true, sub: WEB, aud: AUDIENCE, exp: NOW + 3600 });
    for (const text of ["tenant.taken", "tenant.good"]) {
      const stream = scene.arrive(text);
      scene.call.respond({ status: 200, body: active });
      if (text === "tenant.good") assertAllowed(stream);
      else assertDenied(stream, "token_revoked");
    }
  });

  function introspecting(): Json {
    const as = {
      audiences: [AUDIENCE],
      introspection: { cluster: AUTHORIZATION_SERVER, path: "/introspect", cacheFor: "1h" },
    };
    return feedPolicy({}, { issuers: { as } });
  }
});

describe("a policy with a feed", () => {
  const desk = new PolicyDesk();
  const jwks = { jwks: { keys: [feedKey.jwk] } };
  const refused: readonly (readonly [pointer: string, feed: unknown, expected: RegExp])[] = [
    ["", null, /an object/],
    ["", [], /an object/],
    ["", {}, /"cluster": the name/],
    ["", { cluster: SECURITY, path: "/r" }, /"keys": .* or "unsigned": true/],
    ["", { cluster: SECURITY, path: "/r", unsigned: false }, /"keys": .* or "unsigned": true/],
    ["/unsigned", { cluster: SECURITY, path: "/r", unsigned: "true" }, /true or false/],
    ["", { cluster: SECURITY, path: "/r", unsigned: true, keys: jwks }, /"keys": .* or "unsigned": true/],
    ["/url", feedAt({ url: "https://x" }), /a known member, found "url"/],
    ["/stale", feedAt({ stale: "1m" }), /a known member, found "stale"/],
    ["/cluster", feedAt({ cluster: "" }), /the name of an Envoy cluster/],
    ["/path", feedAt({ path: "revocations" }), /a path on that server/],
    ["/authority", feedAt({ authority: "a/b" }), /the server's name/],
    ["/refresh", feedAt({ refresh: "0s" }), /"1s" to "24h"/],
    ["/refresh", feedAt({ refresh: "25h", staleFor: "168h" }), /"1s" to "24h"/],
    ["/refresh", feedAt({ refresh: 10 }), /"1s" to "24h"/],
    ["/staleFor", feedAt({ staleFor: "9s" }), /not below "refresh"/],
    ["/staleFor", feedAt({ staleFor: "169h" }), /up to "168h"/],
    ["/onStale", feedAt({ onStale: "allow" }), /"deny" or "warn"/],
    ["/onStale", feedAt({ onStale: true }), /"deny" or "warn"/],
    ["/keys", feedAt({ keys: null }), /an object/],
    ["/keys/cluster", feedAt({ keys: { cluster: "idp", path: "/jwks" } }), /a known member/],
    ["/keys/jwks", feedAt({ keys: { jwks: {} } }), /a JWK set/],
    ["/keys/jwks/keys", feedAt({ keys: { jwks: { keys: [] } } }), /a public key/],
    [
      "/keys/jwks/keys/0",
      feedAt({ keys: { jwks: { keys: [{ ...feedKey.jwk, d: "AA" }] } } }),
      /a public key: this one is private/,
    ],
  ];
  for (const [pointer, feed, expected] of refused) {
    it(`is refused at /revoked/feed${pointer} for ${JSON.stringify(feed).slice(0, 60)}: ${String(expected)}`, () => {
      desk.assertRefused(policy({ revoked: { feed } }), `/revoked/feed${pointer}`, expected);
    });
  }

  it("may say no more than where it is and who signs it", () => {
    desk.assertAccepted(policy({ revoked: { feed: { cluster: SECURITY, path: "/r", keys: jwks } } }));
    desk.assertAccepted(policy({ revoked: { feed: { cluster: SECURITY, path: "/r", unsigned: true } } }));
  });

  it("asks it every 30 seconds, and trusts it for five minutes, where it says nothing else", () => {
    const feed = { cluster: SECURITY, path: "/r", keys: jwks };
    const scene = FeedScene.saying({}, policy({ revoked: { feed } }));
    scene.pass(26);
    assert.equal(scene.asked.length, 0);
    scene.pass(4);
    scene.answer({ status: 503 });
    scene.now = NOW + 300;
    assertAllowed(scene.present(scene.fresh()));
    scene.now += 1;
    assertDenied(scene.present(scene.fresh()), "revocations_stale");
  });

  it("costs nothing where there is none", () => {
    const scene = new Scene();
    scene.vm.tick();
    assert.equal(scene.vm.httpCalls.length, 0);
  });
});
