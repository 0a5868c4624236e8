// Keys that are fetched: when the filter asks, what it takes, and what becomes of requests meanwhile.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { makeKey } from "./support/keys.ts";
import { policy } from "./support/policies.ts";
import { CLUSTER, FetchingScene, answerWith, fetchingPolicy } from "./support/key-server.ts";
import { assertAllowed, assertDenied, assertWouldDeny, bearer } from "./support/scene.ts";
import { CLAIMS, key, token, tokenOf } from "./support/tokens.ts";
import { thief, web } from "./support/world.ts";

const next = makeKey("ES256", "k2");

function arrive(scene: FetchingScene, compact = token(), peer = web) {
  return scene.plugin.request({ peer, headers: [bearer(compact)] });
}

describe("a request", () => {
  it("that comes before the first keys waits for them, and is then decided", () => {
    const scene = new FetchingScene();
    const good = arrive(scene);
    const stolen = arrive(scene, token(), thief);
    scene.vm.tick();
    assert.deepEqual([good.outcome, stolen.outcome], ["pause", "pause"]);
    scene.publish(key.jwk);
    assertAllowed(good);
    assertDenied(stolen, "spiffe_mismatch");
  });

  it("is told that keys are absent once five seconds have passed without any", () => {
    const scene = new FetchingScene();
    const early = arrive(scene);
    scene.pass(0);
    scene.pass(4);
    assert.equal(early.outcome, "pause");
    scene.pass(1);
    assertDenied(early, "keys_absent");
    assertDenied(scene.present(token()), "keys_absent");
    assert.equal(early.reply?.status, 503);
  });

  it("is not paused in observe mode", () => {
    const scene = new FetchingScene(fetchingPolicy({}, { mode: "observe" }));
    assertWouldDeny(arrive(scene), "answer_pending");
    scene.publish(key.jwk);
    assertAllowed(arrive(scene));
    assertWouldDeny(arrive(scene, token({}, next)), "answer_pending");
    scene.publish(key.jwk);
    assertWouldDeny(arrive(scene, token({}, next)), "key_unknown");
  });

  it("may go away while it waits", () => {
    const scene = new FetchingScene();
    const gone = arrive(scene);
    const waits = arrive(scene);
    gone.end();
    scene.publish(key.jwk);
    assertAllowed(waits);
    assert.equal(gone.outcome, "pause");
    assert.equal(scene.host.vmFailures, 0);
  });

  it("is turned away when 512 of its presenter wait, and another presenter's is not", () => {
    const scene = new FetchingScene();
    const waiting = Array.from({ length: 512 }, () => arrive(scene, token(), thief));
    assertDenied(arrive(scene, token(), thief), "keys_busy");
    const other = arrive(scene);
    assert.equal(other.outcome, "pause");
    scene.publish(key.jwk);
    for (let i = 0; i < 20; i++) scene.vm.tick();
    assertAllowed(other);
    for (const stream of waiting) assertDenied(stream, "spiffe_mismatch");
    for (const stream of waiting) stream.end();
    scene.pass(0);
    assertAllowed(scene.present(token()));
  });
});

describe("a host that fails while requests wait", () => {
  for (const site of [
    "proxy_set_effective_context",
    "proxy_continue_stream",
    "proxy_set_tick_period_milliseconds",
  ]) {
    it(`at ${site} leaves nobody waiting for ever`, () => {
      const scene = new FetchingScene();
      const stream = arrive(scene);
      scene.vm.tick();
      scene.host.calls.inject(site, { status: 10 }, 1);
      scene.publish(key.jwk);
      scene.host.calls.clearFaults();
      for (let i = 0; i < 30; i++) scene.pass(0.25);
      assert.ok(stream.outcome !== "pause" || stream.wasReset);
      assertAllowed(scene.present(token()));
    });
  }

  it("and loses its clock leaves nobody waiting for ever", () => {
    const scene = new FetchingScene();
    const stream = arrive(scene);
    scene.host.calls.inject("proxy_get_current_time_nanoseconds", { status: 10 });
    scene.vm.tick();
    assertDenied(stream, "host_unavailable");
  });
});

describe("many requests that wait", () => {
  it("are decided 32 in a callback, in short ticks: Envoy would overflow its stack", () => {
    const scene = new FetchingScene();
    const waiting = Array.from({ length: 100 }, () => arrive(scene, token(), thief));
    scene.publish(key.jwk);
    const decided = () => waiting.filter(({ outcome }) => outcome === "replied").length;
    const seen = [decided()];
    while (decided() < 100) {
      assert.ok(scene.plugin.tickPeriodMilliseconds <= 10);
      scene.vm.tick();
      seen.push(decided());
    }
    assert.deepEqual(seen, [32, 64, 96, 100]);
    assert.ok(scene.plugin.tickPeriodMilliseconds >= 100);
  });
});

describe("a key ID that is not known", () => {
  it("has the keys fetched once more, and the request waits for them", () => {
    const scene = new FetchingScene();
    scene.publish(key.jwk);
    const rotated = arrive(scene, token({}, next));
    assert.equal(rotated.outcome, "pause");
    scene.publish(key.jwk, next.jwk);
    assertAllowed(rotated);
  });

  it("is refused when the server does not know it either, and does not make anybody ask again for ten seconds", () => {
    const scene = new FetchingScene();
    scene.publish(key.jwk);
    const forged = tokenOf({ alg: "ES256", kid: "forged" }, CLAIMS);
    const first = arrive(scene, forged);
    scene.publish(key.jwk);
    assertDenied(first, "key_unknown");
    for (let i = 0; i < 200; i++) assertDenied(arrive(scene, forged), "key_unknown");
    scene.pass(9);
    assertDenied(arrive(scene, forged), "key_unknown");
    assert.equal(scene.asked.length, 0);
    scene.pass(1);
    assert.equal(arrive(scene, forged).outcome, "pause");
  });

  it("is not called unknown while the server is out: perhaps it is there by now", () => {
    const scene = new FetchingScene();
    scene.publish(key.jwk);
    const rotated = arrive(scene, token({}, next));
    scene.call.respond({ status: 503 });
    assertDenied(rotated, "key_unconfirmed");
    assert.equal(rotated.reply?.status, 503);
    assertDenied(arrive(scene, token({}, next)), "key_unconfirmed");
    scene.pass(1);
    scene.publish(key.jwk);
    assertDenied(arrive(scene, token({}, next)), "key_unknown");
  });

  it("on an observed route takes nothing from those that are enforced", () => {
    const rules = [{ name: "trial", when: { pathPrefix: "/trial" }, mode: "observe" }, { name: "rest" }];
    const scene = new FetchingScene(fetchingPolicy({}, { rules }));
    scene.publish(key.jwk);
    const forged = tokenOf({ alg: "ES256", kid: "forged" }, CLAIMS);
    scene.plugin.request({ peer: web, path: "/trial", headers: [bearer(forged)] });
    scene.publish(key.jwk);
    const honest = arrive(scene, token({}, next));
    assert.equal(honest.outcome, "pause");
    scene.publish(key.jwk, next.jwk);
    assertAllowed(honest);
  });

  it("of one presenter takes nothing from what another may ask for", () => {
    const scene = new FetchingScene();
    scene.publish(key.jwk);
    const forged = arrive(scene, tokenOf({ alg: "ES256", kid: "forged" }, CLAIMS), thief);
    scene.publish(key.jwk);
    assertDenied(forged, "key_unknown");
    const honest = arrive(scene, token({}, next));
    assert.deepEqual([honest.outcome, scene.asked.length], ["pause", 0], "it waits for the next turn");
    scene.pass(1);
    scene.publish(next.jwk);
    assertAllowed(honest);
  });
});

describe("the key server", () => {
  it("is asked on the first tick, with the cluster's name as authority", () => {
    const scene = new FetchingScene();
    assert.equal(scene.asked.length, 0);
    assert.ok(scene.plugin.tickPeriodMilliseconds <= 20);
    scene.vm.tick();
    assert.equal(scene.call.request.cluster, CLUSTER);
    assert.deepEqual(scene.call.request.headers.pairs, [
      [":method", "GET"],
      [":path", "/jwks"],
      [":authority", CLUSTER],
      ["accept", "application/jwk-set+json, application/json"],
    ]);
    assert.equal(scene.call.request.timeoutMilliseconds, 5000);
    assert.ok(scene.plugin.tickPeriodMilliseconds <= 1000);
  });

  it("is asked again after `refresh`, at most a tenth sooner", () => {
    const scene = new FetchingScene(fetchingPolicy({ refresh: "100s" }));
    scene.publish(key.jwk);
    scene.pass(89);
    assert.equal(scene.asked.length, 0);
    scene.pass(11);
    assert.equal(scene.asked.length, 1);
  });

  for (const [value, from, to] of [
    ["max-age=50", 44, 50],
    ["public, max-age=50 , must-revalidate", 44, 50],
    ["max-age=9000", 89, 100],
    ["no-store", 89, 100],
    ["max-age=0, no-cache", 89, 100],
    ["max-age=1", 0, 1],
    ["max-age=x", 89, 100],
    ["max-age=9000, max-age=50", 44, 50],
  ] as const) {
    it(`that says cache-control: ${value} is asked again between ${from} and ${to} s`, () => {
      const scene = new FetchingScene(fetchingPolicy({ refresh: "100s" }));
      scene.vm.tick();
      scene.call.respond({ ...answerWith(key.jwk), headers: [["cache-control", value]] });
      scene.pass(from);
      assert.equal(scene.asked.length, 0);
      scene.pass(to - from);
      assert.equal(scene.asked.length, 1);
    });
  }

  it("that says how old its answer is already is asked that much sooner, and an answer past its time says nothing", () => {
    for (const [age, from, to] of [
      ["20", 26, 30],
      ["50", 89, 100],
      ["x", 44, 50],
    ] as const) {
      const scene = new FetchingScene(fetchingPolicy({ refresh: "100s" }));
      scene.vm.tick();
      const headers: [string, string][] = [
        ["cache-control", "max-age=50"],
        ["age", age],
      ];
      scene.call.respond({ ...answerWith(key.jwk), headers });
      scene.pass(from);
      assert.equal(scene.asked.length, 0, age);
      scene.pass(to - from);
      assert.equal(scene.asked.length, 1, age);
    }
  });

  it("is not believed when it says 304 to a question that named no ETag", () => {
    const scene = new FetchingScene(fetchingPolicy({ refresh: "10s", staleFor: "15s" }));
    scene.publish(key.jwk);
    scene.pass(10);
    scene.call.respond({ status: 304 });
    assert.equal(scene.host.counter("holdfast.keys.failed"), 1);
  });

  it("is asked with the ETag that it gave, and its 304 confirms the keys", () => {
    const scene = new FetchingScene(fetchingPolicy({ refresh: "100s", staleFor: "150s" }));
    scene.vm.tick();
    scene.call.respond({ ...answerWith(key.jwk), headers: [["etag", '"v1"']] });
    for (let i = 0; i < 3; i++) {
      scene.pass(100);
      assert.equal(scene.call.request.headers.first("if-none-match"), '"v1"');
      scene.call.respond({ status: 304 });
    }
    assert.equal(scene.host.counter("holdfast.keys.confirmed"), 3);
    assertAllowed(scene.present(token({ exp: scene.now + 60 })));
  });

  it("that is out is asked again soon, then ever less often, and its keys serve until staleFor", () => {
    const scene = new FetchingScene(fetchingPolicy({ refresh: "10s", staleFor: "60s" }));
    scene.publish(key.jwk);
    const fresh = () => token({ exp: scene.now + 60 });
    let asked = 0;
    for (let second = 1; second <= 60; second++) {
      scene.pass(1);
      for (const call of scene.asked) {
        asked++;
        call.respond({ status: 503, body: "upstream connect error" });
      }
      assertAllowed(scene.present(fresh()), `after ${second} s`);
    }
    assert.ok(asked >= 4 && asked <= 10, `asked ${asked} times`);
    scene.pass(1);
    assertDenied(scene.present(fresh()), "keys_stale");
    scene.pass(30);
    scene.publish(key.jwk);
    assertAllowed(scene.present(fresh()));
  });

  for (const [flaw, body] of Object.entries({
    "no JSON": "<html>",
    nothing: "",
    "no keys": '{"keys":[]}',
    "no key that can be used": JSON.stringify({ keys: [{ ...key.jwk, use: "enc" }] }),
    "a private key": JSON.stringify({ keys: [key.jwk, { ...next.jwk, d: "AA" }] }),
    "a key ID twice": JSON.stringify({ keys: [key.jwk, { ...next.jwk, kid: "k1" }] }),
    "more than 1 MiB": JSON.stringify({ keys: [key.jwk], pad: "x".repeat(1 << 20) }),
    "a name twice": '{"keys":[],"keys":[]}',
  })) {
    it(`that answers with ${flaw} leaves the old keys in force, and counts`, () => {
      const scene = new FetchingScene(fetchingPolicy({ refresh: "10s" }));
      scene.publish(key.jwk);
      scene.pass(10);
      scene.call.respond({ status: 200, body });
      assertAllowed(scene.present(token({ exp: scene.now + 60 })));
      assert.equal(scene.host.counter("holdfast.keys.refused"), 1);
      assert.match(
        scene.plugin.logs.at(-1)?.message ?? "",
        /^keys from cluster idp, path \/jwks refused at /,
      );
    });
  }

  it("may take its time while its keys come to the end of staleFor", () => {
    const scene = new FetchingScene(fetchingPolicy({ refresh: "10s", staleFor: "10s" }));
    scene.publish(key.jwk);
    scene.pass(11);
    assertAllowed(scene.present(token()));
    scene.call.respond({ status: 503 });
    assertDenied(scene.present(token()), "keys_stale");
  });

  for (const status of [204, 301, 404, 500, 503, 504]) {
    it(`that answers ${status} leaves the old keys in force, and counts`, () => {
      const scene = new FetchingScene(fetchingPolicy({ refresh: "10s" }));
      scene.publish(key.jwk);
      scene.pass(10);
      scene.call.respond({ status, body: JSON.stringify({ keys: [next.jwk] }) });
      assertAllowed(scene.present(token({ exp: scene.now + 60 })));
      assert.equal(scene.host.counter("holdfast.keys.failed"), 1);
    });
  }

  it("that never answers, though Envoy took the call, is asked again", () => {
    const scene = new FetchingScene();
    scene.vm.tick();
    scene.pass(9);
    assert.equal(scene.asked.length, 1);
    scene.pass(2);
    assert.equal(scene.asked.length, 2);
  });

  it("is not asked all the time when the clock was set back and it is out", () => {
    const scene = new FetchingScene();
    scene.publish(key.jwk);
    scene.now -= 10_000;
    let asked = 0;
    for (let i = 0; i < 240; i++) {
      scene.pass(0.25);
      for (const call of scene.asked) {
        asked++;
        call.respond({ status: 503 });
      }
    }
    assert.ok(asked <= 12, `asked ${asked} times in a minute`);
  });

  it("takes keys back by leaving them out", () => {
    const scene = new FetchingScene(fetchingPolicy({ refresh: "10s" }));
    scene.publish(key.jwk, next.jwk);
    assertAllowed(scene.present(token()));
    scene.pass(10);
    scene.publish(next.jwk);
    const withdrawn = arrive(scene, token());
    scene.publish(next.jwk);
    assertDenied(withdrawn, "key_unknown");
  });

  it("whose cluster Envoy does not know is tried again, and the log says where to look", () => {
    const scene = new FetchingScene(fetchingPolicy({ cluster: "nowhere" }));
    scene.vm.tick();
    assert.equal(scene.host.counter("holdfast.keys.failed"), 1);
    assert.match(
      scene.lastLine(),
      /cluster nowhere, path \/jwks not fetched: .*is there a cluster of that name/,
    );
    scene.pass(0.4);
    scene.pass(0.6);
    assert.equal(scene.host.counter("holdfast.keys.failed"), 2);
  });
});

describe("a SPIFFE bundle", () => {
  const bundle = (members: object, ...keys: readonly object[]) => ({
    status: 200,
    body: JSON.stringify({ keys: keys.map((jwk) => ({ ...jwk, use: "jwt-svid" })), ...members }),
  });
  const svids = () =>
    new FetchingScene(
      policy({
        issuers: {
          svids: {
            kind: "jwt-svid",
            trustDomain: "example.org",
            audiences: ["orders"],
            keys: { cluster: CLUSTER, path: "/bundle", refresh: "100s" },
          },
        },
      }),
    );
  const svid = (by = key) => token({ iss: undefined }, by);

  it("never goes back: one with a lower sequence, or with none any more, is refused", () => {
    const scene = svids();
    scene.vm.tick();
    scene.call.respond(bundle({ spiffe_sequence: 7 }, key.jwk));
    for (const older of [{ spiffe_sequence: 6 }, {}]) {
      scene.pass(100);
      scene.call.respond(bundle(older, next.jwk));
      assertAllowed(scene.present(svid()), JSON.stringify(older));
      assert.match(
        scene.lastLine(),
        /keys from cluster idp, path \/bundle refused at "(\/spiffe_sequence)?": expected a sequence/,
      );
    }
    for (const newer of [{ spiffe_sequence: 7 }, { spiffe_sequence: 8 }]) {
      scene.pass(100);
      scene.call.respond(bundle(newer, next.jwk));
      assertAllowed(scene.present(token({ iss: undefined, exp: scene.now + 60 }, next)));
    }
  });

  it("says when it wants to be fetched again, and that is heeded", () => {
    const scene = svids();
    scene.vm.tick();
    scene.call.respond(bundle({ spiffe_refresh_hint: 40 }, key.jwk));
    scene.pass(35);
    assert.equal(scene.asked.length, 0);
    scene.pass(5);
    assert.equal(scene.asked.length, 1);
  });
});

describe("a new policy", () => {
  it("with the same key server begins with the keys that are there", () => {
    const scene = new FetchingScene();
    scene.publish(key.jwk);
    assert.ok(scene.plugin.configure(JSON.stringify(fetchingPolicy({}, { rules: [{ name: "all" }] }))));
    assertAllowed(scene.present(token()));
  });

  it("takes over the asking from the one before", () => {
    const scene = new FetchingScene();
    scene.vm.tick();
    assert.ok(scene.plugin.configure(JSON.stringify(fetchingPolicy({}, { rules: [{ name: "all" }] }))));
    scene.publish(key.jwk);
    assertAllowed(scene.present(token()));
  });

  it("finds requests that wait under the old one: each is decided", () => {
    const scene = new FetchingScene();
    const old = arrive(scene);
    assert.ok(scene.plugin.configure(JSON.stringify(fetchingPolicy({}, { rules: [{ name: "all" }] }))));
    const young = arrive(scene);
    scene.publish(key.jwk);
    assertAllowed(young);
    assertAllowed(old);
    old.end();
    young.end();
    assertAllowed(scene.present(token()));
  });

  it("with another path fetches anew", () => {
    const scene = new FetchingScene();
    scene.publish(key.jwk);
    assert.ok(scene.plugin.configure(JSON.stringify(fetchingPolicy({ path: "/other" }))));
    const waits = arrive(scene);
    assert.equal(waits.outcome, "pause");
    scene.publish(key.jwk);
    assertAllowed(waits);
  });
});
