// Tokens that only the upstream can verify: they become their presenter's once it has taken them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Host, Peer, Plugin, Response, Stream } from "../../cli/host/index.ts";
import { DAY, LEGACY_HEADER, LegacyScene, anybodys, legacyPolicy, workload } from "./support/first-use.ts";
import { assertClosed, assertOpen } from "./support/followed.ts";
import type { Json } from "./support/json.ts";
import { issuer } from "./support/policies.ts";
import { anotherWorker } from "./support/proofs.ts";
import { assertAllowed, assertDenied, assertWouldDeny, bearer } from "./support/scene.ts";
import { WEB, plaintext, thief, web } from "./support/world.ts";

const mismatch = "first_use_mismatch";
const quarantined = "token_quarantined";
const OPAQUE = "2YotnFZFEjr1zCsicMWpAA";
const lost = "holdfast.first_use.lost";

/** Requests of one presenter's that a worker follows until they have an answer, and of all. */
const MAX_OF_ONE = 512;
const MAX_AWAITED = 2048;

const CONNECTION_FAILURE = "upstream_reset_before_response_started{connection_failure}";

/** What can become of a request, by how it is told. */
type Course = (stream: Stream) => void;
const answered =
  (response: Response): Course =>
  (stream) => {
    stream.respond(response);
    stream.end();
  };

function anotherLegacyWorker(host: Host): Plugin {
  return anotherWorker(host, legacyPolicy());
}

function present(worker: Plugin, peer: Peer): Stream {
  const stream = worker.request({ peer, headers: [[LEGACY_HEADER, OPAQUE]] });
  stream.end();
  return stream;
}

function assertNoted(scene: LegacyScene, text = OPAQUE): void {
  assertDenied(scene.use(text, thief), mismatch);
  assertAllowed(scene.use(text));
}

function assertNotNoted(scene: LegacyScene, text = OPAQUE): void {
  assertAllowed(scene.arrive(text, thief));
}

describe("a token that only the upstream can verify", () => {
  it("is anybody's until the upstream has answered, and then its presenter's", () => {
    const scene = new LegacyScene();
    const stream = scene.arrive(OPAQUE);
    assertAllowed(stream);
    for (const peer of [thief, workload("other"), web]) assertAllowed(scene.arrive(OPAQUE, peer));
    answered({ status: 200 })(stream);
    assertNoted(scene);
  });

  it("is its presenter's at all workers", () => {
    const scene = new LegacyScene();
    const other = anotherLegacyWorker(scene.host);
    assertAllowed(scene.use(OPAQUE));
    assertDenied(present(other, thief), mismatch);
    assertAllowed(present(other, web));
    assertDenied(present(anotherLegacyWorker(scene.host), thief), mismatch);
  });

  it("is found in its issuer's header only, and is no JWT", () => {
    const scene = new LegacyScene();
    assertDenied(scene.ask({ headers: [bearer(OPAQUE)] }), "token_absent");
    assertDenied(scene.arrive(anybodys()), "issuer_unknown");
    const bearers = legacyPolicy({}, {}, { issuers: { legacy: { introspection: "upstream" } } });
    const plain = new LegacyScene(bearers);
    const stream = plain.plugin.request({ peer: web, headers: [bearer(OPAQUE)] });
    assertAllowed(stream);
    answered({ status: 200 })(stream);
    assertDenied(plain.ask({ peer: thief, headers: [bearer(OPAQUE)] }), mismatch);
  });

  it("is one with all of its text", () => {
    const scene = new LegacyScene();
    for (const text of ["tenant.a", "tenant.", "tenant", "TENANT.a"]) scene.use(text);
    for (const text of ["tenant.b", "tenant.aa", "tenan", "Tenant.a"])
      assertAllowed(scene.use(text, thief), text);
    assertDenied(scene.use("tenant.a", thief), mismatch);
    assertDenied(scene.use("tenant.b", web), mismatch);
  });

  it("is refused to nobody in particular, and to strangers", () => {
    const scene = new LegacyScene();
    assertDenied(scene.arrive(OPAQUE, plaintext), "peer_absent");
    assertDenied(scene.arrive(OPAQUE, { ...web, uriSan: "" }), "spiffe_id_absent");
    const bounded = { header: LEGACY_HEADER, introspection: "upstream", presenters: [WEB] };
    const strict = new LegacyScene(legacyPolicy({}, {}, { issuers: { legacy: bounded } }));
    assertDenied(strict.use(OPAQUE, thief), "presenter_not_admitted");
    assertAllowed(strict.use(OPAQUE));
  });

  it("has no claims that a binding could look at", () => {
    for (const [binding, reason] of [
      [{ spiffe: { claim: "sub" } }, "spiffe_claim_absent"],
      [{ certificate: {} }, "certificate_unbound"],
      [{ kubernetes: {} }, "claim_absent"],
    ] as const) {
      const scene = new LegacyScene(legacyPolicy({}, { bind: [{ firstUse: {} }, binding] }));
      assertDenied(scene.use(OPAQUE), reason);
    }
    const narrow = legacyPolicy({}, { bind: [{ firstUse: {} }, { network: { minTlsVersion: "TLSv1.3" } }] });
    assertAllowed(new LegacyScene(narrow).use(OPAQUE));
    assertDenied(
      new LegacyScene(narrow).use(OPAQUE, { ...web, tlsVersion: "TLSv1.2" }),
      "tls_version_too_low",
    );
  });

  it("stands beside tokens that are verified, each kind in its header", () => {
    const issuers = { idp: issuer(), legacy: { header: LEGACY_HEADER, introspection: "upstream" } };
    const scene = new LegacyScene(legacyPolicy({}, {}, { issuers }));
    const jwt = anybodys();
    assertAllowed(scene.present(jwt));
    assertDenied(scene.present(jwt, { peer: thief }), mismatch);
    assertAllowed(scene.use(OPAQUE));
    assertNoted(scene);
  });
});

describe("an upstream has taken a token", () => {
  for (const status of [200, 204, 302, 404, 429, 500]) {
    it(`once it has answered with ${status}`, () => {
      const scene = new LegacyScene();
      assertAllowed(scene.use(OPAQUE, web, status));
      assertNoted(scene);
    });
  }

  it("once its answer has begun, in a tick, while it goes on", () => {
    const scene = new LegacyScene();
    const stream = scene.arrive(OPAQUE);
    scene.vm.tick();
    assertNotNoted(scene);
    stream.respond({ status: 200 });
    assertNotNoted(scene);
    scene.vm.tick();
    assertDenied(scene.use(OPAQUE, thief), mismatch);
    stream.end();
    assertNoted(scene);
    assert.equal(scene.host.counter(lost), 0);
    assert.ok(scene.host.counter("holdfast.allow.token_unverified") > 0);
    assert.equal(scene.counted("reach.uses")["reach.uses.unbound"], undefined);
  });

  it("at a worker that hears of its policy's end before it hears of the answer", () => {
    const scene = new LegacyScene();
    const stream = scene.arrive(OPAQUE);
    assert.ok(scene.plugin.configure(JSON.stringify(legacyPolicy())));
    answered({ status: 200 })(stream);
    assertNoted(scene);
  });

  it("also where its client has left after the answer began", () => {
    const scene = new LegacyScene();
    const stream = scene.arrive(OPAQUE);
    stream.respond({ status: 200 });
    stream.breakOff();
    assertNoted(scene);
  });

  for (const why of ["http2.remote_reset", "upstream_reset_after_response_started{remote_reset}"]) {
    it(`also where its answer was broken off: ${why}`, () => {
      const scene = new LegacyScene();
      const stream = scene.arrive(OPAQUE);
      stream.respond({ status: 200 });
      stream.breakOff(why);
      assertNoted(scene);
    });
  }
});

describe("nobody has taken a token", () => {
  const courses: Readonly<Record<string, Course>> = {
    "that the upstream refused with 401": answered({ status: 401 }),
    "that the upstream refused with 403": answered({ status: 403 }),
    "of which the upstream never heard": answered({ status: 503, details: CONNECTION_FAILURE }),
    "for which Envoy found no route": answered({ status: 404, details: "route_not_found" }),
    "that a filter behind refused": answered({ status: 429, details: "request_rate_limited" }),
    "that took the upstream too long": answered({ status: 504, details: "response_timeout" }),
    "of an answer that does not say where it comes from": answered({ status: 200, details: "" }),
    "whose client left before any answer": (stream) => {
      stream.breakOff();
    },
    "whose request ended without an answer": (stream) => {
      stream.end();
    },
    "whose client left after a refusal": (stream) => {
      stream.respond({ status: 401 });
      stream.breakOff();
    },
  };
  for (const [what, course] of Object.entries(courses)) {
    it(what, () => {
      const scene = new LegacyScene();
      course(scene.arrive(OPAQUE));
      assertNotNoted(scene);
      assert.equal(scene.host.counter(lost), 0);
    });
  }

  it("that the upstream refused, also where its answer goes on", () => {
    const scene = new LegacyScene();
    scene.arrive(OPAQUE).respond({ status: 401 });
    scene.vm.tick();
    assertNotNoted(scene);
  });

  it("of a request that this filter has denied", () => {
    const scene = new LegacyScene(legacyPolicy({}, { revalidate: { every: "1s" } }));
    const stream = scene.arrive(OPAQUE, web, { path: `/${"a".repeat(30_000)}` });
    assertDenied(stream, "streams_full");
    stream.end();
    assertNotNoted(scene);
  });

  it("by a status that is none", () => {
    const scene = new LegacyScene();
    for (const code of [0n, 1n << 32n, Uint8Array.of(200, 0, 0, 0), ""]) {
      const properties = { "response.code": code, "response.code_details": "via_upstream" };
      scene.arrive(OPAQUE, web, { properties }).end();
      assertNotNoted(scene);
    }
  });

  it("while a clock cannot be read", () => {
    const scene = new LegacyScene();
    const stream = scene.arrive(OPAQUE);
    scene.host.calls.resetCounts();
    scene.host.calls.inject("proxy_get_current_time_nanoseconds", { status: 10 });
    answered({ status: 200 })(stream);
    scene.host.calls.clearFaults();
    assert.equal(scene.host.calls.count("proxy_set_shared_data"), 0);
    assertNotNoted(scene);
  });
});

describe("such a token is its presenter's", () => {
  it("until 24 hours after its last use, and a minute later anybody's", () => {
    for (const [seconds, isHis] of [
      [DAY - 1, true],
      [DAY + 60, false],
    ] as const) {
      const scene = new LegacyScene();
      scene.use(OPAQUE);
      scene.now += seconds;
      if (isHis) assertDenied(scene.use(OPAQUE, thief), mismatch);
      else assertAllowed(scene.use(OPAQUE, thief));
    }
  });

  it("for as long as he uses it every day", () => {
    const scene = new LegacyScene();
    for (let day = 0; day < 30; day++) {
      assertAllowed(scene.use(OPAQUE));
      scene.now += DAY - 1;
      assertDenied(scene.use(OPAQUE, thief), mismatch, `day ${day}`);
    }
  });

  it("from each use on, however close they are", () => {
    const scene = new LegacyScene();
    for (let use = 0; use < 3; use++) {
      assertAllowed(scene.use(OPAQUE));
      scene.now += 3600;
    }
    scene.now += DAY - 3601;
    assertDenied(scene.use(OPAQUE, thief), mismatch);
  });

  it("whatever the upstream says of it later", () => {
    const scene = new LegacyScene();
    scene.use(OPAQUE);
    assertAllowed(scene.use(OPAQUE, web, 401));
    assertNoted(scene);
  });

  it("and his uses write to the table once in a while only", () => {
    const scene = new LegacyScene();
    scene.use(OPAQUE);
    scene.host.calls.resetCounts();
    for (let i = 0; i < 100; i++) {
      scene.now += 0.5;
      assertAllowed(scene.use(OPAQUE));
    }
    assert.equal(scene.host.calls.count("proxy_set_shared_data"), 0);
    scene.now += 61;
    assertAllowed(scene.use(OPAQUE));
    assert.equal(scene.host.calls.count("proxy_set_shared_data"), 1);
  });
});

describe("two who show such a token before anybody has it", () => {
  it("both pass, and it is his who was answered first; the other one is counted", () => {
    const scene = new LegacyScene();
    const [mine, his] = [scene.arrive(OPAQUE), scene.arrive(OPAQUE, thief)];
    for (const stream of [mine, his]) assertAllowed(stream);
    answered({ status: 200 })(his);
    answered({ status: 200 })(mine);
    assertDenied(scene.use(OPAQUE), mismatch);
    assertAllowed(scene.use(OPAQUE, thief));
    assert.equal(scene.host.counter(lost), 1);
  });

  it("are one and the same, and nothing is lost", () => {
    const scene = new LegacyScene();
    const streams = [scene.arrive(OPAQUE), scene.arrive(OPAQUE)];
    for (const stream of streams) answered({ status: 200 })(stream);
    assertNoted(scene);
    assert.equal(scene.host.counter(lost), 0);
  });

  it("both lose it where it is quarantined", () => {
    const scene = new LegacyScene(legacyPolicy({ quarantine: true }));
    const streams = [scene.arrive(OPAQUE), scene.arrive(OPAQUE, thief)];
    for (const stream of streams) answered({ status: 200 })(stream);
    for (const peer of [web, thief]) assertDenied(scene.use(OPAQUE, peer), quarantined);
    assert.equal(scene.host.counter(lost), 1);
  });

  it("are closed by the next beat where it was the other's", () => {
    const scene = new LegacyScene(legacyPolicy({}, { revalidate: { every: "1s" } }));
    const [mine, his] = [scene.arrive(OPAQUE), scene.arrive(OPAQUE, thief)];
    for (const stream of [his, mine]) stream.respond({ status: 200 });
    his.end();
    scene.now += 1;
    scene.vm.tick();
    assertClosed(mine, mismatch);
  });
});

describe("quarantine of such a token", () => {
  it("takes it from both, once it is somebody's", () => {
    const scene = new LegacyScene(legacyPolicy({ quarantine: true }));
    assertAllowed(scene.arrive(OPAQUE, thief));
    assertAllowed(scene.use(OPAQUE));
    assertDenied(scene.use(OPAQUE, thief), mismatch);
    for (const peer of [web, thief]) assertDenied(scene.use(OPAQUE, peer), quarantined);
  });

  it("closes a request that goes on", () => {
    const scene = new LegacyScene(legacyPolicy({ quarantine: true }, { revalidate: { every: "1s" } }));
    const stream = scene.arrive(OPAQUE);
    stream.respond({ status: 200 });
    scene.now += 1;
    scene.vm.tick();
    assertOpen(stream);
    assertDenied(scene.use(OPAQUE, thief), mismatch);
    scene.now += 1;
    scene.vm.tick();
    assertClosed(stream, quarantined);
  });
});

describe("a request that goes on with such a token", () => {
  it("keeps it its presenter's for as long as it is judged again", () => {
    const scene = new LegacyScene(legacyPolicy({}, { revalidate: { every: "1h" } }));
    const stream = scene.arrive(OPAQUE);
    stream.respond({ status: 200 });
    for (let hour = 0; hour < 48; hour++) {
      scene.vm.tick();
      scene.now += 3600;
    }
    scene.vm.tick();
    assertOpen(stream);
    assertDenied(scene.use(OPAQUE, thief), mismatch);
  });

  it("takes one place while it has no answer, however often it is judged again", () => {
    const scene = new LegacyScene(legacyPolicy({}, { revalidate: { every: "1s" } }));
    const stream = scene.arrive(OPAQUE);
    for (let beat = 0; beat < MAX_OF_ONE + 10; beat++) {
      scene.now += 1;
      scene.vm.tick();
    }
    assertOpen(stream);
    assertAllowed(scene.arrive("another"));
  });
});

describe("in observe mode", () => {
  const both = (observed: Json = {}): Json =>
    legacyPolicy(
      {},
      {},
      {
        rules: [
          { name: "trial", when: { pathPrefix: "/trial" }, mode: "observe", bind: [{ firstUse: observed }] },
          { name: "rest", bind: [{ firstUse: {} }] },
        ],
      },
    );
  const trial = (scene: LegacyScene, text = OPAQUE, peer: Peer = web): Stream =>
    scene.arrive(text, peer, { path: "/trial" });

  it("such a token would be its presenter's, for those who are observed only", () => {
    const scene = new LegacyScene(both());
    answered({ status: 200 })(trial(scene));
    assertWouldDeny(trial(scene, OPAQUE, thief), mismatch);
    assertNotNoted(scene);
    assertAllowed(scene.use(OPAQUE, thief));
    assertDenied(scene.use(OPAQUE), mismatch);
    assertAllowed(trial(scene));
  });

  it("many requests without an answer deny nobody", () => {
    const scene = new LegacyScene(both());
    for (let i = 0; i < MAX_OF_ONE; i++) assertAllowed(trial(scene, `observed-${i}`));
    assertWouldDeny(trial(scene, "one-more"), "first_use_full");
  });

  it("many requests without an answer take nothing from those who are enforced", () => {
    const scene = new LegacyScene(both());
    for (let i = 0; i < MAX_OF_ONE; i++) assertAllowed(trial(scene, `observed-${i}`));
    assertAllowed(scene.arrive(OPAQUE));
  });
});

describe("requests that have no answer yet", () => {
  const open = (scene: LegacyScene, peer: Peer, count: number): Stream[] =>
    Array.from({ length: count }, (_, i) => {
      const stream = scene.arrive(`${peer.uriSan ?? ""} ${i}`.replaceAll(/[^a-z0-9]/g, "-"), peer);
      assertAllowed(stream);
      return stream;
    });

  const tokenIn = (stream: Stream): string =>
    stream.requestHeaders.find(([name]) => name === LEGACY_HEADER)?.[1] ?? "";

  it(`are followed: ${MAX_OF_ONE} of one presenter; one more is first_use_full, and others go on`, () => {
    const scene = new LegacyScene();
    open(scene, thief, MAX_OF_ONE);
    const stream = scene.arrive("one-more", thief);
    assertDenied(stream, "first_use_full");
    assert.deepEqual([stream.reply?.status, stream.reply?.grpcStatus, stream.reply?.headers], [503, 14, []]);
    for (let i = 0; i < 50; i++) assertAllowed(scene.arrive(`mine-${i}`));
  });

  it("give their place back with their answers, or with their ends", () => {
    const scene = new LegacyScene();
    const streams = open(scene, web, MAX_OF_ONE);
    assertDenied(scene.arrive("one-more"), "first_use_full");
    streams[0]?.end();
    streams[1]?.breakOff();
    for (let i = 0; i < 2; i++) assertAllowed(scene.arrive(`freed-${i}`));
    assertDenied(scene.arrive("one-more"), "first_use_full");
    streams[2]?.respond({ status: 200 });
    streams[3]?.respond({ status: 401 });
    assertDenied(scene.arrive("one-more"), "first_use_full", "no tick has seen them");
    scene.vm.tick();
    for (let i = 2; i < 4; i++) assertAllowed(scene.arrive(`freed-${i}`));
    assertDenied(scene.arrive("one-more"), "first_use_full");
  });

  it("take no place when their token is known to be somebody's", () => {
    const scene = new LegacyScene();
    scene.use(OPAQUE);
    for (let i = 0; i < 2 * MAX_OF_ONE; i++) assertAllowed(scene.arrive(OPAQUE));
    assertAllowed(scene.arrive("another"));
  });

  it(`are ${MAX_AWAITED} of all presenters together, in a worker`, () => {
    const scene = new LegacyScene();
    const names = ["a", "b", "c", "d"];
    for (const name of names) open(scene, workload(name), MAX_AWAITED / names.length);
    assertDenied(scene.arrive(OPAQUE), "first_use_full");
    assertAllowed(present(anotherLegacyWorker(scene.host), web), "the other worker has room of its own");
  });

  it("are told from each other, in whatever order they end", () => {
    const scene = new LegacyScene();
    const owners = ["a", "b", "c", "d", "e"].map((name) => workload(name));
    const streams = owners.map((peer, i) => scene.arrive(`token-${i}`, peer));
    for (const i of [2, 0, 4, 1, 3]) {
      const stream = streams[i];
      assert.ok(stream);
      answered({ status: i === 1 ? 401 : 200 })(stream);
    }
    for (const [i, peer] of owners.entries()) {
      const stranger = scene.arrive(`token-${i}`, thief);
      if (i === 1) assertAllowed(stranger);
      else assertDenied(stranger, mismatch, String(i));
      assertAllowed(scene.arrive(`token-${i}`, peer));
    }
  });

  it("are noted all, when they were answered between two ticks", () => {
    const scene = new LegacyScene(legacyPolicy(), { logLevel: "error" });
    const owners = ["a", "b", "c", "d"].map((name) => workload(name));
    const streams = owners.flatMap((peer) => open(scene, peer, MAX_OF_ONE));
    for (const stream of streams) stream.respond({ status: 200 });
    for (let i = 0; i < 3; i++) scene.vm.tick();
    assert.equal(scene.host.counter(lost), 0);
    for (const stream of streams) assertDenied(scene.arrive(tokenIn(stream), thief), mismatch);
  });

  it("are noted all, when they end together", () => {
    const scene = new LegacyScene(legacyPolicy(), { logLevel: "error" });
    const owners = ["a", "b", "c", "d"].map((name) => workload(name));
    const streams = owners.flatMap((peer) => open(scene, peer, MAX_OF_ONE));
    for (const stream of streams) stream.respond({ status: 200 });
    for (const stream of streams) stream.end();
    for (const stream of streams) assertDenied(scene.arrive(tokenIn(stream), thief), mismatch);
    assert.equal(scene.host.counter(lost), 0);
  });

  it("are counted to their own presenters, in whatever order they end", () => {
    const scene = new LegacyScene();
    const [first] = open(scene, web, MAX_OF_ONE);
    const last = scene.arrive(OPAQUE, thief);
    for (const stream of [first, last]) stream?.end();
    assertAllowed(scene.arrive("freed"));
    assertDenied(scene.arrive("one-more"), "first_use_full");
  });

  it("are held to their own rules, in whatever order they end", () => {
    const bind = (quarantine: boolean) => [{ firstUse: { quarantine } }];
    const rules = [
      { name: "strict", when: { pathPrefix: "/strict" }, bind: bind(true) },
      { name: "trial", when: { pathPrefix: "/trial" }, mode: "observe", bind: bind(false) },
      { name: "rest", bind: bind(false) },
    ];
    const scene = new LegacyScene(legacyPolicy({}, {}, { rules }));
    const waits = (text: string, peer: Peer, path: string) => scene.arrive(text, peer, { path });
    const [his, mine] = [waits(OPAQUE, thief, "/"), waits(OPAQUE, web, "/strict")];
    for (const stream of [his, mine]) answered({ status: 200 })(stream);
    assertDenied(scene.use(OPAQUE, thief), quarantined);
    const [enforced, observed] = [waits("another", web, "/"), waits("observed", web, "/trial")];
    for (const stream of [enforced, observed]) answered({ status: 200 })(stream);
    assertWouldDeny(waits("observed", thief, "/trial"), mismatch);
    assertAllowed(waits("observed", thief, "/"));
  });

  it("belong to whichever plugin of the worker they came to", () => {
    const scene = new LegacyScene();
    const sharedBy = ["spiffe://example.org/ns/batch/*/*"];
    const other = scene.vm.configure({ configuration: JSON.stringify(legacyPolicy({ sharedBy })) });
    const streams = [scene.plugin, other].map((plugin) =>
      plugin.request({ peer: web, headers: [[LEGACY_HEADER, OPAQUE]] }),
    );
    for (const stream of streams) stream.respond({ status: 200 });
    scene.vm.tick();
    for (const plugin of [scene.plugin, other]) {
      assertDenied(present(plugin, thief), mismatch);
      assertAllowed(present(plugin, web));
    }
  });
});
