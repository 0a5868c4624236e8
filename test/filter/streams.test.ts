// Requests that go on: they are judged again, and closed as soon as what admitted them does not hold any more.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Request, Stream } from "../../cli/host/index.ts";
import { issuer, policy, policyWithRule } from "./support/policies.ts";
import { assertClosed, assertOpen } from "./support/followed.ts";
import { makeKey } from "./support/keys.ts";
import { FetchingScene, fetchingPolicy } from "./support/key-server.ts";
import {
  LATER,
  ProofScene,
  boundToken,
  proof,
  proofPolicy,
  proven as proofHeaders,
} from "./support/proofs.ts";
import { boundTo, certified, rotating } from "./support/rotation.ts";
import { Scene, assertAllowed, assertDenied, bearer } from "./support/scene.ts";
import { key, token } from "./support/tokens.ts";
import { NOW, THIEF, thief, web } from "./support/world.ts";

const revalidated = policyWithRule({ revalidate: { every: "30s" } });

/** A request that goes on until somebody ends it. */
function open(scene: Scene, request: Request = {}): Stream {
  const stream = scene.plugin.request({ peer: web, headers: [bearer(token())], ...request });
  assertAllowed(stream);
  return stream;
}

describe("a request that goes on", () => {
  it("is closed when its token ends, with the clocks' difference, and not before", () => {
    const scene = new Scene(revalidated);
    const stream = open(scene);
    scene.now = NOW + 359;
    scene.vm.tick();
    assertOpen(stream);
    scene.now = NOW + 360;
    scene.vm.tick();
    assertClosed(stream, "token_expired");
    assert.equal(scene.host.counter("holdfast.close.token_expired"), 1);
  });

  it("goes on under a rule that does not ask for more", () => {
    const scene = new Scene();
    const stream = open(scene);
    scene.now = NOW + 10_000;
    scene.vm.tick();
    assertOpen(stream);
  });

  it("is closed when a policy comes that it does not hold under", () => {
    const scene = new Scene(revalidated);
    const [mine, his] = [open(scene), open(scene)];
    assert.ok(
      scene.plugin.configure(JSON.stringify(policy({ issuers: { idp: issuer({ audiences: ["x"] }) } }))),
    );
    scene.vm.tick();
    assertClosed(mine, "audience_mismatch");
    assertClosed(his, "audience_mismatch");
  });

  it("is closed on the beat when the live certificate is another workload's, which a connection never changes to", () => {
    const scene = new Scene(policyWithRule({ revalidate: { every: "1s" } }));
    const peer = { ...web };
    const stream = open(scene, { peer });
    Object.assign(peer, { uriSan: THIEF });
    scene.now = NOW + 1;
    scene.vm.tick();
    assertClosed(stream, "spiffe_mismatch");
  });

  it("is judged by the newest policy of its plugin and name, where its own root context only drains", () => {
    const scene = new Scene(revalidated);
    const stream = open(scene);
    const heir = scene.vm.configure({
      configuration: JSON.stringify(policy({ rules: [{ name: "none", when: { path: "/x" } }] })),
    });
    assert.ok(heir.accepted);
    scene.vm.tick();
    assertClosed(stream, "no_rule");
  });

  it("is none of a policy's with another name", () => {
    const scene = new Scene({ ...revalidated, name: "a" });
    const stream = open(scene);
    const other = policy({ name: "b", rules: [{ name: "none", when: { path: "/x" } }] });
    assert.ok(scene.vm.configure({ configuration: JSON.stringify(other) }).accepted);
    scene.vm.tick();
    assertOpen(stream);
  });

  it("goes on while nothing can be known, and is closed when its token ends all the same", () => {
    const rules = [{ name: "all", revalidate: { every: "1s" } }];
    const scene = new FetchingScene(fetchingPolicy({ refresh: "1s", staleFor: "10s" }, { rules }));
    scene.vm.tick();
    for (const call of scene.asked) call.respond({ status: 200, body: JSON.stringify({ keys: [key.jwk] }) });
    const stream = open(scene);
    scene.now = NOW + 100;
    scene.vm.tick();
    assertOpen(stream);
    scene.now = NOW + 360;
    scene.vm.tick();
    assertClosed(stream, "token_expired");
  });

  it("is closed when the issuer withdraws the key", () => {
    const rules = [{ name: "all", revalidate: { every: "1h" } }];
    const scene = new FetchingScene(fetchingPolicy({ refresh: "1s" }, { rules }));
    scene.vm.tick();
    scene.asked.at(-1)?.respond({ status: 200, body: JSON.stringify({ keys: [key.jwk] }) });
    const stream = open(scene);
    scene.now = NOW + 5;
    scene.vm.tick();
    const other = makeKey("ES256", "k2");
    scene.asked.at(-1)?.respond({ status: 200, body: JSON.stringify({ keys: [other.jwk] }) });
    scene.vm.tick();
    scene.vm.tick();
    assertClosed(stream, "key_unknown");
  });

  it("is not mixed up with a proof that another request has spent in between", () => {
    const scene = new ProofScene(proofPolicy({}, { rules: [{ name: "all", revalidate: { every: "1s" } }] }));
    const live = { iat: LATER, exp: LATER + 300 };
    const bearers = open(scene, { path: "/orders", headers: [bearer(token(live))] });
    const bound = boundToken(live);
    const proven = scene.plugin.request({
      peer: web,
      path: "/orders",
      headers: proofHeaders(bound, proof(bound)),
    });
    assertAllowed(proven);
    for (let second = 1; second <= 3; second++) {
      scene.now = LATER + second;
      scene.vm.tick();
      assertOpen(bearers);
      assertOpen(proven);
    }
    scene.now = LATER + 360;
    scene.vm.tick();
    assertClosed(proven, "token_expired");
  });

  it("ends when its own policy says so, though the newest one looks at it less often, or only observes", () => {
    for (const members of [{ mode: "observe" }, { rules: [{ name: "all", token: "none" }] }]) {
      const scene = new Scene(revalidated);
      const stream = open(scene);
      assert.ok(scene.vm.configure({ configuration: JSON.stringify(policy(members)) }).accepted);
      scene.vm.tick();
      assertOpen(stream);
      scene.now = NOW + 360;
      scene.vm.tick();
      assertClosed(stream, "token_expired");
    }
  });

  it("ends when its own policy says so, though a newer one lets clocks differ by more", () => {
    const scene = new Scene(revalidated);
    const stream = open(scene);
    const lenient = { ...revalidated, issuers: { idp: issuer({ clockSkew: "5m" }) } };
    assert.ok(scene.plugin.configure(JSON.stringify(lenient)));
    scene.now = NOW + 359;
    scene.vm.tick();
    assertOpen(stream);
    scene.now = NOW + 360;
    scene.vm.tick();
    assertClosed(stream, "token_expired");
  });

  it("that has passed by rotation is counted once, however often it is looked at", () => {
    const rules = [{ name: "all", bind: [rotating()], revalidate: { every: "1s" } }];
    const scene = new Scene(policy({ rules }));
    const compact = boundTo("old");
    scene.present(compact, { peer: certified("old") });
    const stream = open(scene, { peer: certified("new"), headers: [bearer(compact)] });
    scene.now = NOW + 5;
    scene.vm.tick();
    assertOpen(stream);
    assert.equal(scene.host.counter("holdfast.rotation.seen"), 1);
  });

  it("is never closed in observe mode", () => {
    const scene = new Scene({ ...revalidated, mode: "observe" });
    const stream = scene.plugin.request({ peer: web, headers: [bearer(token())] });
    scene.now = NOW + 10_000;
    scene.vm.tick();
    assert.deepEqual([stream.reply, stream.ended], [undefined, false]);
  });

  it("is forgotten when it ends", () => {
    const scene = new Scene(revalidated);
    open(scene).end();
    scene.now = NOW + 10_000;
    scene.vm.tick();
    assert.equal(scene.host.counter("holdfast.close.token_expired"), 0);
  });
});

describe("streams that are followed", () => {
  it("are at most 1,300 of one presenter: more are streams_full, and others still have room", () => {
    const scene = new Scene(revalidated);
    const streams = Array.from({ length: 1300 }, () => open(scene));
    assertDenied(scene.present(token()), "streams_full");
    open(scene, { peer: thief, headers: [bearer(token({ sub: THIEF }))] });
    streams.pop()?.end();
    open(scene);
  });

  it("are closed 32 in a callback, and the rest in the ticks that follow", () => {
    const scene = new Scene(revalidated);
    const streams = Array.from({ length: 100 }, () => open(scene));
    scene.now = NOW + 360;
    const closed = () => streams.filter((stream) => stream.reply !== undefined).length;
    const counts = [1, 2, 3, 4].map(() => {
      scene.vm.tick();
      return closed();
    });
    assert.deepEqual(counts, [32, 64, 96, 100]);
  });

  it("are not those with more headers of account than 24 KiB", () => {
    const scene = new Scene(revalidated);
    assertDenied(scene.present(token(), { path: `/${"a".repeat(30_000)}` }), "streams_full");
    assertAllowed(scene.present(token(), { headers: [["cookie", "c".repeat(30_000)]] }));
  });
});
