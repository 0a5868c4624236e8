// What an issuer's status list says of its tokens, and what becomes of requests while nobody can say.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertClosed, assertOpen } from "./support/followed.ts";
import type { Json } from "./support/json.ts";
import { CLUSTER, answerWith } from "./support/key-server.ts";
import { makeKey } from "./support/keys.ts";
import { issuer, policy } from "./support/policies.ts";
import { PolicyDesk } from "./support/refusal.ts";
import { assertAllowed, assertDenied, assertWouldDeny } from "./support/scene.ts";
import {
  ListScene,
  URI,
  listDocument,
  listOf,
  listPolicy,
  packStatuses,
  statusAt,
  statusList,
} from "./support/status-lists.ts";
import { key, token } from "./support/tokens.ts";
import { ISSUER, NOW } from "./support/world.ts";

const BITS = [1, 2, 4, 8] as const;
/** Nothing is taken back; the first token is. */
const ALL_GOOD = new Uint8Array(16);
const FIRST_TAKEN = Uint8Array.of(1, ...new Uint8Array(15));

describe("a token's status", () => {
  for (const bits of BITS) {
    it(`of ${bits} bits is valid as 0, and no other of the ${1 << bits} values is`, () => {
      const values = Array.from({ length: 1 << bits }, (_, value) => value);
      const scene = ListScene.saying(packStatuses([...values, ...values], bits), bits);
      for (const index of [...values, ...values].keys()) {
        const stream = scene.presentAt(index);
        if (index % values.length === 0) assertAllowed(stream, `${index}`);
        else assertDenied(stream, "status_not_valid", `${index}`);
      }
    });

    it(`of ${bits} bits is its own, and not a neighbour's`, () => {
      const perByte = 8 / bits;
      for (let taken = 0; taken < 3 * perByte; taken++) {
        const statuses = Array.from({ length: 3 * perByte }, (_, index) => (index === taken ? 1 : 0));
        const scene = ListScene.saying(packStatuses(statuses, bits), bits);
        for (const index of statuses.keys()) {
          const stream = scene.presentAt(index);
          if (index === taken) assertDenied(stream, "status_not_valid", `${index} of ${taken}`);
          else assertAllowed(stream, `${index} of ${taken}`);
        }
      }
    });

    it(`of ${bits} bits is there up to the list's last, and not beyond`, () => {
      const scene = ListScene.saying(ALL_GOOD, bits);
      const count = (16 * 8) / bits;
      assertAllowed(scene.presentAt(0));
      assertAllowed(scene.presentAt(count - 1));
      for (const index of [count, count + 1, 2 * count, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 35]) {
        assertDenied(scene.presentAt(index), "status_malformed", `${index}`);
      }
    });
  }

  it("is as draft-ietf-oauth-status-list reads its own lists", () => {
    const lists: readonly (readonly [bits: number, lst: string, statuses: readonly number[]])[] = [
      [1, "eNrbuRgAAhcBXQ", [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]],
      [2, "eNo76fITAAPfAgc", [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]],
    ];
    for (const [bits, lst, statuses] of lists) {
      const scene = new ListScene();
      scene.publish({ status_list: { bits, lst } });
      for (const [index, status] of statuses.entries()) {
        const stream = scene.presentAt(index);
        if (status === 0) assertAllowed(stream, `${index}`);
        else assertDenied(stream, "status_not_valid", `${index}`);
      }
    }
  });

  it("is found among a million, as the draft's appendix has them", () => {
    const lst =
      "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAAA7KpLAAAAAAAAAAAAAAAAAAAAAJsLCQAAAAAAAAAAADjelAAAAAAAAAAAKjDMAQAAAACAZC8L2AEb";
    const taken = [0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345];
    const scene = new ListScene();
    scene.publish({ status_list: { bits: 1, lst } });
    for (const index of taken) {
      assertDenied(scene.presentAt(index), "status_not_valid", `${index}`);
      for (const near of [index - 1, index + 1]) {
        if (near >= 0) assertAllowed(scene.presentAt(near), `${near}`);
      }
    }
    assertAllowed(scene.presentAt(2 ** 20 - 1));
    assertDenied(scene.presentAt(2 ** 20), "status_malformed");
  });

  it("may stand beside a member of it that nobody knows", () => {
    const scene = ListScene.saying(FIRST_TAKEN);
    const status = { identifier_list: {}, status_list: { uri: URI, idx: 0, extra: [] } };
    assertDenied(scene.present(scene.fresh({ status })), "status_not_valid");
  });

  const indexes: Readonly<Record<string, unknown>> = {
    "in letters": "0",
    null: null,
    "not there": undefined,
    true: true,
    "a list": [0],
    "an object": {},
    negative: -1,
    "a fraction": 0.5,
    "of 16 digits": 1e15,
    "with an exponent": 1e21,
  };
  for (const [flaw, idx] of Object.entries(indexes)) {
    it(`at an index that is ${flaw} is status_malformed`, () => {
      const scene = ListScene.saying(ALL_GOOD);
      assertDenied(scene.presentAt(idx), "status_malformed");
    });
  }

  const elsewhere: Readonly<Record<string, unknown>> = {
    "with another scheme": "http://idp.example.org/status/1",
    "with a slash more": `${URI}/`,
    "in other letters": "https://IDP.example.org/status/1",
    "with a port": "https://idp.example.org:443/status/1",
    "with a fragment": `${URI}#`,
    "of another list": "https://idp.example.org/status/2",
    "of somebody else": "https://evil.example/status/1",
  };
  for (const [flaw, uri] of Object.entries(elsewhere)) {
    it(`at a URI ${flaw} is status_list_unknown, and nobody is asked`, () => {
      const scene = ListScene.saying(ALL_GOOD);
      const stream = scene.presentAt(0, uri);
      assertDenied(stream, "status_list_unknown");
      assert.equal(stream.reply?.status, 401);
      scene.vm.tick();
      assert.equal(scene.asked.length, 0);
    });
  }

  const shapes: Readonly<Record<string, unknown>> = {
    "at a URI that is empty": { status_list: { idx: 0, uri: "" } },
    "at a URI that is null": { status_list: { idx: 0, uri: null } },
    "at a URI that is a list": { status_list: { idx: 0, uri: [URI] } },
    "at a URI that is an object": { status_list: { idx: 0, uri: { uri: URI } } },
    null: null,
    false: false,
    "a number": 0,
    "a string": "valid",
    "a list": [{ status_list: { uri: URI, idx: 0 } }],
    empty: {},
    "of a list without a URI": { status_list: { idx: 0 } },
    "of another mechanism alone": { identifier_list: { id: "x", uri: URI } },
    "of a list that is a string": { status_list: URI },
    "of a list that is a list": { status_list: [{ uri: URI, idx: 0 }] },
    flat: { uri: URI, idx: 0 },
  };
  for (const [shape, status] of Object.entries(shapes)) {
    it(`that is ${shape} is status_malformed`, () => {
      const scene = ListScene.saying(ALL_GOOD);
      assertDenied(scene.present(scene.fresh({ status })), "status_malformed");
    });
  }

  it("is not asked of a token that has none", () => {
    const scene = ListScene.saying(FIRST_TAKEN);
    assertAllowed(scene.present(scene.fresh()));
    assertDenied(scene.presentAt(0), "status_not_valid");
  });

  it("is looked at after all that the token itself is refused for", () => {
    const scene = ListScene.saying(FIRST_TAKEN);
    const expired = token({ exp: NOW - 100, ...statusAt(0) });
    assertDenied(scene.present(expired), "token_expired");
    assertDenied(scene.present(token(statusAt(0), makeKey("ES256", "k1"))), "signature_invalid");
  });

  it("is looked at on every request, also of a token whose signature is remembered", () => {
    const scene = ListScene.saying(ALL_GOOD);
    const compact = scene.tokenAt(0);
    for (let i = 0; i < 3; i++) assertAllowed(scene.present(compact));
    scene.answerLater({ body: listDocument({ iat: NOW + 1, status_list: listOf(FIRST_TAKEN) }) });
    for (let i = 0; i < 3; i++) assertDenied(scene.present(compact), "status_not_valid");
    scene.answerLater({ body: listDocument({ iat: NOW + 2, status_list: listOf(ALL_GOOD) }) });
    assertAllowed(scene.present(compact));
  });

  it("is nothing where the policy has no lists of the issuer", () => {
    const scene = new ListScene(policy());
    for (const status of [null, "x", { status_list: { uri: URI, idx: 0 } }]) {
      assertAllowed(scene.present(scene.fresh({ status })));
    }
    scene.vm.tick();
    assert.equal(scene.asked.length, 0);
  });
});

describe("two issuers with lists", () => {
  const second = makeKey("ES256", "k2");
  const OTHER_ISSUER = "https://second.example.org";
  const OTHER_URI = "https://second.example.org/status/1";
  const issuers = {
    idp: issuer({ statusLists: [statusList()] }),
    second: issuer({
      issuer: OTHER_ISSUER,
      keys: { jwks: { keys: [second.jwk] } },
      statusLists: [statusList({ uri: OTHER_URI, path: "/second" })],
    }),
  };
  const ofSecond = (uri: string) => token({ iss: OTHER_ISSUER, ...statusAt(0, uri) }, second);

  /** @param body by the path that is asked for */
  function start(body: (path: string) => string, members = issuers): ListScene {
    const scene = new ListScene(policy({ issuers: members }));
    scene.vm.tick();
    const { asked } = scene;
    assert.equal(asked.length, 2);
    for (const call of asked) {
      call.respond({ status: 200, body: body(call.request.headers.first(":path") ?? "") });
    }
    return scene;
  }

  it("have each token judged by its own issuer's list, and by no other's", () => {
    const scene = start((path) =>
      path === "/second"
        ? listDocument({ sub: OTHER_URI, status_list: listOf(ALL_GOOD) }, second)
        : listDocument({ status_list: listOf(FIRST_TAKEN) }),
    );
    assertDenied(scene.presentAt(0), "status_not_valid");
    assertAllowed(scene.present(ofSecond(OTHER_URI)));
    assertDenied(scene.presentAt(0, OTHER_URI), "status_list_unknown");
    assertDenied(scene.present(ofSecond(URI)), "status_list_unknown");
  });

  it("cannot sign each other's", () => {
    const scene = start((path) =>
      path === "/second"
        ? listDocument({ sub: OTHER_URI, status_list: listOf(ALL_GOOD) }, key)
        : listDocument({ status_list: listOf(ALL_GOOD) }, second),
    );
    assert.deepEqual(scene.documents, { refused: 2 });
  });

  it("may both have one of the same name at the same place, and each takes what it has signed itself", () => {
    const same = {
      idp: issuer({ statusLists: [statusList()] }),
      second: { ...issuers.second, statusLists: [statusList()] },
    };
    const documents = [
      listDocument({ status_list: listOf(FIRST_TAKEN) }),
      listDocument({ status_list: listOf(ALL_GOOD) }, second),
    ];
    const scene = start(() => documents.shift() ?? "", same);
    assert.deepEqual(scene.documents, { fetched: 2 });
    assertDenied(scene.presentAt(0), "status_not_valid");
    assertAllowed(scene.present(ofSecond(URI)));
  });
});

describe("several lists of an issuer", () => {
  it("are told apart by their URI", () => {
    const second = "https://idp.example.org/status/2";
    const statusLists = [statusList(), statusList({ uri: second, path: "/status/2" })];
    const scene = new ListScene(policy({ issuers: { idp: issuer({ statusLists }) } }));
    scene.vm.tick();
    for (const call of [...scene.asked]) {
      const isSecond = call.request.headers.first(":path") === "/status/2";
      const body = isSecond
        ? listDocument({ sub: second, status_list: listOf(FIRST_TAKEN) })
        : listDocument({ status_list: listOf(ALL_GOOD) });
      call.respond({ status: 200, body });
    }
    assertAllowed(scene.presentAt(0));
    assertDenied(scene.presentAt(0, second), "status_not_valid");
  });

  it("are told apart by their URI at one place, too", () => {
    const statusLists = [statusList(), statusList({ uri: "urn:2" })];
    const scene = new ListScene(policy({ issuers: { idp: issuer({ statusLists }) } }));
    scene.vm.tick();
    assert.equal(scene.asked.length, 2);
    for (const call of [...scene.asked]) {
      call.respond({ status: 200, body: listDocument({ status_list: listOf(FIRST_TAKEN) }) });
    }
    assert.deepEqual(scene.documents, { fetched: 1, refused: 1 });
    assertDenied(scene.presentAt(0), "status_not_valid");
    assert.equal(scene.arriveAt(1, "urn:2").outcome, "pause");
  });

  it("are each asked for where they are, and as what they are", () => {
    const scene = new ListScene(listPolicy({ authority: "idp.example.org" }));
    scene.vm.tick();
    assert.equal(scene.call.request.cluster, CLUSTER);
    assert.deepEqual(scene.call.request.headers.pairs, [
      [":method", "GET"],
      [":path", "/status/1"],
      [":authority", "idp.example.org"],
      ["accept", "application/statuslist+jwt"],
    ]);
  });
});

describe("a request whose token has a status", () => {
  it("waits at a start for the list, and is decided by it; one without does not", () => {
    const scene = new ListScene();
    const [bad, good] = [scene.arriveAt(0), scene.arriveAt(1)];
    assertAllowed(scene.arrive());
    assert.deepEqual([bad.outcome, good.outcome], ["pause", "pause"]);
    scene.publish({ status_list: listOf(FIRST_TAKEN) });
    assertDenied(bad, "status_not_valid");
    assertAllowed(good);
  });

  it("is told after five seconds that there is no list: 503", () => {
    const scene = new ListScene();
    const stream = scene.arriveAt(1);
    scene.pass(0);
    scene.pass(5);
    assertDenied(stream, "revocations_absent");
    assert.equal(stream.reply?.status, 503);
    assertAllowed(scene.present(scene.fresh()));
  });

  it("passes without a list where the policy says so, and is counted", () => {
    const scene = new ListScene(listPolicy({ onStale: "warn" }));
    scene.pass(0);
    scene.pass(5);
    assertAllowed(scene.presentAt(0));
    assert.equal(scene.host.counter("holdfast.revocations.stale"), 1);
    assertDenied(scene.presentAt(0, `${URI}/`), "status_list_unknown");
    scene.publish({ status_list: listOf(FIRST_TAKEN) });
    assertDenied(scene.presentAt(0), "status_not_valid");
  });

  it("is not paused in observe mode", () => {
    const scene = new ListScene(listPolicy({}, { mode: "observe" }));
    assertWouldDeny(scene.arriveAt(0), "answer_pending");
    scene.publish({ status_list: listOf(FIRST_TAKEN) });
    assertWouldDeny(scene.arriveAt(0), "status_not_valid");
    assertWouldDeny(scene.arriveAt(1000), "status_malformed");
    assertWouldDeny(scene.arriveAt(0, "x"), "status_list_unknown");
    assertAllowed(scene.arriveAt(1));
  });

  it("is good until staleFor, then 503, and good again with the next list", () => {
    const scene = ListScene.saying(FIRST_TAKEN);
    scene.fail(30);
    assertAllowed(scene.presentAt(1));
    assertDenied(scene.presentAt(0), "status_not_valid");
    scene.fail(1);
    assertDenied(scene.presentAt(1), "revocations_stale");
    assertAllowed(scene.present(scene.fresh()));
    scene.pass(30);
    scene.publish({ status_list: listOf(FIRST_TAKEN) });
    assertAllowed(scene.presentAt(1));
  });

  it("passes by a stale list where the policy says so, but not what it took back", () => {
    const scene = ListScene.saying(FIRST_TAKEN, 1, listPolicy({ onStale: "warn" }));
    scene.fail(60);
    assertAllowed(scene.presentAt(1));
    assert.equal(scene.host.counter("holdfast.revocations.stale"), 1);
    assertDenied(scene.presentAt(0), "status_not_valid");
    assertDenied(scene.presentAt(1000), "status_malformed");
  });

  it("is not good by a list whose exp has passed", () => {
    const scene = new ListScene();
    scene.publish({ exp: NOW + 15, status_list: listOf(ALL_GOOD) });
    scene.answerLater({ status: 500 });
    scene.pass(4);
    assertAllowed(scene.presentAt(1));
    scene.pass(1);
    assertDenied(scene.presentAt(1), "revocations_stale");
  });

  it("that goes on is closed within a tick of the list that takes it back, and no other is", () => {
    const rules = [{ name: "all", revalidate: { every: "1h" } }];
    const scene = ListScene.saying(ALL_GOOD, 1, listPolicy({}, { rules }));
    const [bad, good] = [scene.arriveAt(0), scene.arriveAt(1)];
    const without = scene.arrive();
    scene.answerLater({ body: listDocument({ iat: NOW + 1, status_list: listOf(FIRST_TAKEN) }) });
    scene.vm.tick();
    assertClosed(bad, "status_not_valid");
    assertOpen(good);
    assertOpen(without);
  });

  it("that goes on is closed by a list that has become too short for it", () => {
    const rules = [{ name: "all", revalidate: { every: "1h" } }];
    const scene = ListScene.saying(ALL_GOOD, 1, listPolicy({}, { rules }));
    const stream = scene.arriveAt(127);
    scene.answerLater({ body: listDocument({ iat: NOW + 1, status_list: listOf(ALL_GOOD.subarray(1)) }) });
    scene.vm.tick();
    assertClosed(stream, "status_malformed");
  });
});

describe("an issuer's keys that are fetched, too", () => {
  const keys = { cluster: CLUSTER, path: "/jwks", refresh: "10s" };
  const fetching = policy({ issuers: { idp: issuer({ keys, statusLists: [statusList()] }) } });
  const next = makeKey("ES256", "k2");

  /** Answers what is asked: keys, and a list. */
  function answer(scene: ListScene, jwks: readonly (typeof key)[], list: string): void {
    for (const call of [...scene.asked]) {
      const isKeys = call.request.headers.first(":path") === "/jwks";
      call.respond(isKeys ? answerWith(...jwks.map(({ jwk }) => jwk)) : { status: 200, body: list });
    }
  }

  it("may come after the list, which is then asked for once more, and requests wait for both", () => {
    const scene = new ListScene(fetching);
    const stream = scene.arriveAt(0);
    scene.vm.tick();
    const list = listDocument({ status_list: listOf(FIRST_TAKEN) });
    const calls = [...scene.asked].sort((call) => (call.request.headers.first(":path") === "/jwks" ? 1 : -1));
    const [first, second] = calls;
    first?.respond({ status: 200, body: list });
    assert.equal(stream.outcome, "pause");
    second?.respond(answerWith(key.jwk));
    assert.equal(stream.outcome, "pause");
    scene.pass(1);
    answer(scene, [key], list);
    assertDenied(stream, "status_not_valid");
  });

  it("sign no list any more once they are withdrawn", () => {
    const scene = new ListScene(fetching);
    scene.vm.tick();
    answer(scene, [key, next], listDocument({ status_list: listOf(ALL_GOOD) }));
    scene.pass(1);
    answer(scene, [key, next], listDocument({ status_list: listOf(ALL_GOOD) }));
    assertAllowed(scene.present(token(statusAt(0), next)));

    scene.pass(10);
    answer(scene, [next], listDocument({ iat: NOW + 1, status_list: listOf(FIRST_TAKEN) }, next));
    scene.pass(10);
    answer(scene, [next], listDocument({ iat: NOW + 2, status_list: listOf(ALL_GOOD) }));
    assert.match(scene.lastLine(), /^status list from cluster idp, path \/status\/1 refused at /);
    assertDenied(scene.present(token(statusAt(0), next)), "status_not_valid");
  });
});

describe("a new policy", () => {
  it("with the same list begins with what is there, and with how old it may be", () => {
    const scene = ListScene.saying(FIRST_TAKEN);
    assert.ok(scene.plugin.configure(JSON.stringify(listPolicy({ onStale: "warn", staleFor: "60s" }))));
    assertDenied(scene.presentAt(0), "status_not_valid");
    scene.answerLater({ body: listDocument({ iat: NOW - 1, status_list: listOf(ALL_GOOD) }) });
    assert.deepEqual(scene.documents, { fetched: 1, refused: 1 });
    assertDenied(scene.presentAt(0), "status_not_valid");
  });

  it("with other keys of the issuer's asks anew", () => {
    const scene = ListScene.saying(FIRST_TAKEN);
    const other = makeKey("ES256", "k2");
    const keys = { jwks: { keys: [other.jwk] } };
    const changed = policy({ issuers: { idp: issuer({ keys, statusLists: [statusList()] }) } });
    assert.ok(scene.plugin.configure(JSON.stringify(changed)));
    const stream = scene.arrive(token(statusAt(1), other));
    assert.equal(stream.outcome, "pause");
    scene.answer({ body: listDocument({ status_list: listOf(ALL_GOOD) }, other) });
    assertAllowed(stream);
  });
});

describe("a policy with status lists", () => {
  const desk = new PolicyDesk();
  const withLists = (statusLists: unknown, members: Json = {}) =>
    policy({ issuers: { idp: issuer({ statusLists, ...members }) } });
  const numbered = (count: number) =>
    Array.from({ length: count }, (_, i) => statusList({ uri: `urn:${i}` }));

  const refused: readonly (readonly [pointer: string, statusLists: unknown, expected: RegExp])[] = [
    ["", null, /a list such as/],
    ["", {}, /a list such as/],
    ["", [], /a list such as/],
    ["", numbered(17), /at most 16 status lists/],
    ["/0", [null], /an object/],
    ["/0", [URI], /an object/],
    ["/0", [statusList({ uri: undefined })], /"uri"/],
    ["/0/uri", [statusList({ uri: "" })], /"uri"/],
    ["/0/uri", [statusList({ uri: 1 })], /"uri"/],
    ["/1/uri", [statusList(), statusList({ path: "/other" })], /each once/],
    ["/0", [statusList({ cluster: undefined })], /the name of an Envoy cluster/],
    ["/0/path", [statusList({ path: "status" })], /a path on that server/],
    ["/1/urI", [statusList(), { ...statusList({ uri: "urn:2" }), urI: "x" }], /did you mean "uri"/],
    ["/0/keys", [statusList({ keys: { jwks: { keys: [key.jwk] } } })], /a known member/],
    ["/0/unsigned", [statusList({ unsigned: true })], /a known member/],
    ["/0/refresh", [statusList({ refresh: "0s" })], /"1s" to "24h"/],
    ["/0/refresh", [statusList({ refresh: "1d" })], /"1s" to "24h"/],
    ["/0/staleFor", [statusList({ staleFor: "5s" })], /not below "refresh"/],
    ["/0/staleFor", [statusList({ staleFor: "169h" })], /up to "168h"/],
    ["/0/onStale", [statusList({ onStale: "pass" })], /"deny" or "warn"/],
  ];
  for (const [pointer, statusLists, expected] of refused) {
    const place = `/issuers/idp/statusLists${pointer}`;
    it(`is refused at ${place} for ${JSON.stringify(statusLists).slice(0, 70)}: ${String(expected)}`, () => {
      desk.assertRefused(withLists(statusLists), place, expected);
    });
  }

  it("is refused for an issuer whose tokens somebody else judges", () => {
    for (const keys of ["jwt_authn", { jwt_authn: {} }, { jwt_authn: { payloadHeader: "x-p" } }]) {
      desk.assertRefused(
        withLists([statusList()], { keys }),
        "/issuers/idp/statusLists",
        /nothing here without "keys"/,
      );
    }
    for (const introspection of ["upstream", { cluster: "as", path: "/introspect" }]) {
      const idp = { issuer: ISSUER, introspection, statusLists: [statusList()] };
      desk.assertRefused(policy({ issuers: { idp } }), "/issuers/idp/statusLists", /a known member/);
    }
  });

  it("may have 16, and say no more than where they are", () => {
    desk.assertAccepted(withLists(numbered(16)));
    desk.assertAccepted(withLists([{ uri: URI, cluster: CLUSTER, path: "/s" }]));
  });

  it("has them asked for every five minutes, and trusts them for fifteen, where it says nothing else", () => {
    const scene = ListScene.saying(ALL_GOOD, 1, withLists([{ uri: URI, cluster: CLUSTER, path: "/s" }]));
    scene.pass(269);
    assert.equal(scene.asked.length, 0);
    scene.pass(31);
    scene.answer({ status: 503 });
    scene.now = NOW + 900;
    assertAllowed(scene.presentAt(0));
    scene.now += 1;
    assertDenied(scene.presentAt(0), "revocations_stale");
  });
});
