// Opaque tokens: the introspection server is asked, its answer is kept for a while, and everything else is judged as ever.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HttpCall, Peer, Stream } from "../../cli/host/index.ts";
import { makeKey } from "./support/keys.ts";
import type { Json } from "./support/json.ts";
import { issuer, policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied, assertWouldDeny, bearer } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import { AUDIENCE, ISSUER, NOW, THIEF, WEB, WEB_THUMBPRINT, thief, web } from "./support/world.ts";

const OPAQUE = "2YotnFZFEjr1zCsicMWpAA";
const ACTIVE = { active: true, sub: WEB, aud: AUDIENCE, exp: NOW + 3600 };
const SECRET = "pa:ss wörd";
const CREDENTIALS = { clientId: "hold fast", secretFrom: "HOLDFAST_SECRET" };

function opaque(introspection: Json = {}, members: Json = {}): Json {
  return {
    audiences: [AUDIENCE],
    introspection: { cluster: "as", path: "/introspect", ...introspection },
    ...members,
  };
}

class OpaqueScene extends Scene {
  constructor(issuers: Json = { as: opaque() }, members: Json = {}) {
    const environment = { OTHER: "x", HOLDFAST_SECRET: SECRET, HOLDFAST_TOKEN: "t0ken" };
    super(policy({ issuers, ...members }), { clusters: ["as"], logLevel: "info" }, { environment });
  }

  get asked(): readonly HttpCall[] {
    return this.vm.httpCalls;
  }

  get call(): HttpCall {
    const [call, ...others] = this.asked;
    assert.ok(call !== undefined, "the server was not asked");
    assert.equal(others.length, 0, "the server was asked more than once");
    return call;
  }

  arrive(compact: string = OPAQUE, peer: Peer = web): Stream {
    return this.plugin.request({ peer, headers: [bearer(compact)] });
  }

  /** As `settle`, while other calls wait for an answer that will not come. */
  settleLast(answer: unknown, compact: string): Stream {
    const stream = this.arrive(compact);
    this.asked.at(-1)?.respond({ status: 200, body: JSON.stringify(answer) });
    return stream;
  }

  /** Sends a request and answers for it. */
  settle(answer: unknown, compact: string = OPAQUE, peer: Peer = web): Stream {
    const stream = this.arrive(compact, peer);
    assert.equal(stream.outcome, "pause");
    this.call.respond({ status: 200, body: typeof answer === "string" ? answer : JSON.stringify(answer) });
    return stream;
  }
}

describe("the introspection server", () => {
  it("is asked about an opaque token, and the request waits for the answer", () => {
    const scene = new OpaqueScene();
    const stream = scene.arrive("a+b/c~d==");
    assert.equal(stream.outcome, "pause");
    const { cluster, headers, body } = scene.call.request;
    assert.equal(cluster, "as");
    assert.deepEqual(headers.pairs, [
      [":method", "POST"],
      [":path", "/introspect"],
      [":authority", "as"],
      ["accept", "application/json"],
      ["content-type", "application/x-www-form-urlencoded"],
    ]);
    assert.equal(new URLSearchParams(body.toString()).get("token"), "a+b/c~d==");
    assert.equal(new URLSearchParams(body.toString()).get("token_type_hint"), "access_token");
    scene.call.respond({ status: 200, body: JSON.stringify(ACTIVE) });
    assertAllowed(stream);
  });

  it("gets the client's ID and secret from the VM's environment", () => {
    const scene = new OpaqueScene({ as: opaque({ credentials: CREDENTIALS }) });
    scene.arrive();
    const pair = `hold%20fast:${encodeURIComponent(SECRET)}`;
    const expected = `Basic ${Buffer.from(pair).toString("base64")}`;
    assert.equal(scene.call.request.headers.first("authorization"), expected);
  });

  it("gets a bearer token from there", () => {
    const scene = new OpaqueScene({ as: opaque({ credentials: { bearerFrom: "HOLDFAST_TOKEN" } }) });
    scene.arrive();
    assert.equal(scene.call.request.headers.first("authorization"), "Bearer t0ken");
  });

  it("is asked once for many requests with one token, at one time and later", () => {
    const scene = new OpaqueScene();
    const streams = Array.from({ length: 10 }, () => scene.arrive());
    scene.call.respond({ status: 200, body: JSON.stringify(ACTIVE) });
    for (const stream of streams) assertAllowed(stream);
    assertAllowed(scene.arrive());
    assert.equal(scene.asked.length, 0);
    assert.equal(scene.host.counter("holdfast.introspection.asked"), 1);
  });

  it("is asked again at the token's end, whatever cacheFor says", () => {
    const scene = new OpaqueScene({ as: opaque({ cacheFor: "1h" }) });
    assertAllowed(scene.settle({ ...ACTIVE, exp: NOW + 20 }));
    scene.now += 19;
    assertAllowed(scene.arrive());
    scene.now += 1;
    assertDenied(scene.settle({ active: false }), "token_inactive");
  });

  it("is asked again after cacheFor, and a no is kept as long", () => {
    const scene = new OpaqueScene({ as: opaque({ cacheFor: "10s" }) });
    assertAllowed(scene.settle(ACTIVE));
    assertDenied(scene.settle({ active: false }, "revoked"), "token_inactive");
    scene.now += 9;
    assertAllowed(scene.arrive());
    assertDenied(scene.arrive("revoked"), "token_inactive");
    scene.now += 1;
    assertDenied(scene.settle({ active: false }), "token_inactive");
    assertAllowed(scene.settle(ACTIVE, "revoked"));
  });

  it("never sees a JWT, whole, cut or mangled", () => {
    const scene = new OpaqueScene({ as: opaque(), idp: issuer() });
    const jwt = token();
    const [head = "", payload = ""] = jwt.split(".");
    const stranger = token({ iss: "https://other.example" }, makeKey("ES256", "k9"));
    for (const text of [
      jwt,
      stranger,
      `${head}.${payload}`,
      head,
      `${jwt}x`,
      `${jwt}.a.b`,
      "a.b.c",
      `x.${jwt}`,
      "..",
      "ew0K",
    ])
      assert.notEqual(scene.arrive(text).outcome, "pause", text);
    assert.equal(scene.asked.length, 0);
    assertAllowed(scene.arrive(jwt));
    assert.equal(scene.arrive().outcome, "pause");
  });

  it("is not asked for a peer without an identity, nor about a token over 2 KiB", () => {
    const scene = new OpaqueScene();
    assertDenied(scene.arrive(OPAQUE, {}), "peer_absent");
    assertDenied(scene.arrive("x".repeat(2049)), "token_too_large");
    assert.equal(scene.asked.length, 0);
    assertAllowed(scene.settle(ACTIVE, "x".repeat(2048)));
  });

  it("is asked by its own issuer's token only: a rule without it takes no opaque token", () => {
    const scene = new OpaqueScene(
      { as: opaque(), idp: issuer() },
      { rules: [{ name: "jwt", issuers: ["idp"] }] },
    );
    assertDenied(scene.arrive(), "token_malformed");
    assert.equal(scene.asked.length, 0);
  });
});

describe("what it says", () => {
  it("is judged as a JWT's claims are: the presenter, the audience, the dates, the issuer", () => {
    const cases: readonly (readonly [string, unknown, string])[] = [
      ["another workload", { ...ACTIVE, sub: THIEF }, "spiffe_mismatch"],
      ["another audience", { ...ACTIVE, aud: "other" }, "audience_mismatch"],
      ["no exp", { ...ACTIVE, exp: undefined }, "expiry_absent"],
      ["an exp in the past", { ...ACTIVE, exp: NOW - 100 }, "token_expired"],
      ["an nbf in the future", { ...ACTIVE, nbf: NOW + 100 }, "token_not_yet_valid"],
      ["another certificate", { ...ACTIVE, cnf: { "x5t#S256": "x" } }, "cnf_malformed"],
      ["a key to prove", { ...ACTIVE, cnf: { jkt: "x" } }, "cnf_unsupported"],
      ["a refresh token", { ...ACTIVE, token_use: "refresh_token" }, "claim_forbidden"],
      ["a DPoP token without a key", { ...ACTIVE, token_type: "DPoP" }, "dpop_unbound"],
      ["an ID token's claims", { ...ACTIVE, nonce: "x" }, "id_token"],
    ];
    for (const [what, answer, reason] of cases) {
      const scene = new OpaqueScene();
      const stream = scene.settle(answer);
      assert.equal(stream.filterState("wasm.holdfast.reason"), reason, what);
    }
  });

  it("binds the token to a certificate by its cnf", () => {
    const scene = new OpaqueScene();
    const bound = { ...ACTIVE, cnf: { "x5t#S256": WEB_THUMBPRINT } };
    assertAllowed(scene.settle(bound));
    assertDenied(scene.arrive(OPAQUE, thief), "certificate_mismatch");
  });

  it("has to come from the issuer that the policy names", () => {
    const named = { as: opaque({}, { issuer: ISSUER }) };
    assertAllowed(new OpaqueScene(named).settle({ ...ACTIVE, iss: ISSUER }));
    assertDenied(new OpaqueScene(named).settle(ACTIVE), "issuer_unknown");
    assertDenied(
      new OpaqueScene(named).settle({ ...ACTIVE, iss: "https://other.example" }),
      "issuer_unknown",
    );
  });

  it("is no answer about the same token by another server or to another client", () => {
    const scene = new OpaqueScene();
    assertAllowed(scene.settle(ACTIVE));
    const other = policy({ issuers: { as: opaque({ credentials: CREDENTIALS }) } });
    assert.ok(scene.plugin.configure(JSON.stringify(other)));
    assertDenied(scene.settle({ active: false }), "token_inactive");
    assert.ok(scene.plugin.configure(JSON.stringify(policy({ issuers: { as: opaque() } }))));
    assertAllowed(scene.arrive());
  });

  for (const [flaw, answer] of Object.entries({
    "no JSON": "active",
    "a list": "[true]",
    "no active": "{}",
    "active as a string": '{"active":"true"}',
    "active as a number": '{"active":1}',
    "active twice": '{"active":false,"active":true}',
    "more than fits": JSON.stringify({ ...ACTIVE, pad: "x".repeat(9000) }),
    "more than 64 KiB": JSON.stringify({ ...ACTIVE, pad: "x".repeat(70_000) }),
  })) {
    it(`with ${flaw} is no answer`, () => {
      const scene = new OpaqueScene();
      const stream = scene.settle(answer);
      assertDenied(stream, "introspection_unavailable");
      assert.equal(stream.reply?.status, 503);
      assert.equal(scene.host.counter("holdfast.introspection.failed"), 1);
      assertAllowed(scene.settle(ACTIVE), "it is asked again");
    });
  }

  it("with another status is no answer", () => {
    for (const status of [201, 204, 302, 400, 401, 404, 500, 503, 504]) {
      const scene = new OpaqueScene();
      const stream = scene.arrive();
      scene.call.respond({ status, body: JSON.stringify(ACTIVE) });
      assertDenied(stream, "introspection_unavailable", String(status));
      assert.match(
        scene.plugin.logs.map(({ message }) => message).join("\n"),
        new RegExp(`status ${status}`),
      );
    }
  });

  it("that does not come in five seconds is waited for no longer", () => {
    const scene = new OpaqueScene();
    const stream = scene.arrive();
    scene.now += 4;
    scene.vm.tick();
    assert.equal(stream.outcome, "pause");
    scene.now += 1;
    scene.vm.tick();
    assertDenied(stream, "introspection_unavailable");
  });
});

describe("many new tokens at once", () => {
  it("of one presenter, as behind a gateway, wait for their turn", () => {
    const scene = new OpaqueScene();
    const streams = Array.from({ length: 40 }, (_, i) => scene.arrive(`user-${i}-${"x".repeat(24)}${i}`));
    for (let round = 0; round < 10; round++) {
      for (const call of scene.asked) call.respond({ status: 200, body: JSON.stringify(ACTIVE) });
      scene.vm.tick();
    }
    for (const stream of streams) assertAllowed(stream);
    assert.equal(scene.host.counter("holdfast.introspection.asked"), 40);
  });
});

describe("answers to hundreds of questions", () => {
  it("are never lost to those who wait for them, though they do not all fit in the table", () => {
    const scene = new OpaqueScene();
    const streams = Array.from({ length: 400 }, (_, i) => scene.arrive(`user-${i}-${"x".repeat(24)}${i}`));
    for (let round = 0; round < 200; round++) {
      for (const call of scene.asked) call.respond({ status: 200, body: JSON.stringify(ACTIVE) });
      scene.vm.tick();
    }
    for (const stream of streams) assertAllowed(stream);
  });

  it("that failed are not asked again by those who have waited for them", () => {
    const scene = new OpaqueScene();
    const stream = scene.arrive();
    scene.call.respond({ status: 500 });
    assertDenied(stream, "introspection_unavailable");
    assert.equal(scene.asked.length, 0);
  });

  it("that nobody will get, because their root context ended, are asked anew", () => {
    const scene = new OpaqueScene();
    const old = scene.arrive();
    const rules = [{ name: "all" }];
    assert.ok(scene.plugin.configure(JSON.stringify(policy({ issuers: { as: opaque() }, rules }))));
    const young = scene.arrive();
    assert.equal(scene.asked.length, 1);
    old.end();
    scene.vm.tick();
    scene.call.respond({ status: 200, body: JSON.stringify(ACTIVE) });
    assertAllowed(young);
  });
});

describe("one slow answer", () => {
  it("holds up nobody but who waits for it", () => {
    const scene = new OpaqueScene();
    const streams = Array.from({ length: 60 }, (_, i) => scene.arrive(`user-${i}-${"x".repeat(24)}${i}`));
    const [slow] = scene.asked;
    for (let round = 0; round < 12; round++) {
      for (const call of scene.asked)
        if (call !== slow) call.respond({ status: 200, body: JSON.stringify(ACTIVE) });
      scene.vm.tick();
      scene.vm.tick();
    }
    assert.equal(streams.filter(({ outcome }) => outcome === "continue").length, 59);
  });
});

describe("tokens that somebody makes up", () => {
  it("are asked about sixteen at a time, and leave others their share", () => {
    const scene = new OpaqueScene();
    const made = Array.from({ length: 40 }, (_, i) =>
      scene.arrive(`made-up-${i}-${"x".repeat(30)}${i}`, thief),
    );
    assert.equal(scene.asked.length, 16);
    for (const stream of made) assert.equal(stream.outcome, "pause");
    const honest = scene.arrive();
    assert.equal(honest.outcome, "pause");
    scene.asked.at(-1)?.respond({ status: 200, body: JSON.stringify(ACTIVE) });
    assertAllowed(honest);
  });

  it("do not drive out what is known about others' tokens", () => {
    const scene = new OpaqueScene();
    assertAllowed(scene.settle(ACTIVE));
    for (let i = 0; i < 2_000; i++) {
      scene.arrive(`made-up-${i}`, thief);
      for (const call of scene.asked) call.respond({ status: 200, body: '{"active":false}' });
    }
    assertAllowed(scene.arrive());
    assert.equal(scene.asked.length, 0);
  });
});

describe("the table of answers", () => {
  const workload = (i: number): Peer => ({ ...web, uriSan: `spiffe://example.org/ns/shop/sa/w${i}` });
  const claimsOf = (i: number) => ({
    ...ACTIVE,
    sub: `spiffe://example.org/ns/shop/sa/w${i}`,
    exp: NOW + 1_000_000,
  });

  it("has a place for everybody's new token, hour after hour, when nothing is under way", () => {
    const scene = new OpaqueScene();
    for (let hour = 0; hour < 4; hour++) {
      scene.now = NOW + hour * 3600;
      for (let i = 0; i < 400; i++)
        assertAllowed(scene.settle(claimsOf(i), `token-${hour}-${i}`, workload(i)));
    }
  });

  it("keeps an answer as long as the reader's policy says, not the asker's", () => {
    const scene = new OpaqueScene({ as: opaque({ cacheFor: "1h" }) });
    assertAllowed(scene.settle(ACTIVE));
    const strict = policy({ issuers: { as: opaque({ cacheFor: "1s" }) } });
    assert.ok(scene.plugin.configure(JSON.stringify(strict)));
    assertAllowed(scene.arrive());
    scene.now += 60;
    assertDenied(scene.settle({ active: false }), "token_inactive");
  });

  it("keeps no answer from the future, when a clock was set back", () => {
    const scene = new OpaqueScene();
    assertAllowed(scene.settle(ACTIVE));
    scene.now -= 600;
    assert.equal(scene.arrive().outcome, "pause");
  });

  it("takes back a place whose answer never came, though Envoy took the question", () => {
    const scene = new OpaqueScene();
    const stuck = Array.from({ length: 16 }, (_, i) => scene.arrive(`stuck-${i}-${"x".repeat(24)}${i}`));
    const waits = scene.arrive("one-more");
    assert.equal(scene.asked.length, 16);
    scene.now += 11;
    scene.vm.tick();
    for (const stream of stuck) assertDenied(stream, "introspection_unavailable");
    assertDenied(waits, "introspection_unavailable");
    assertAllowed(scene.settleLast(ACTIVE, "one-more"));
  });
});

describe("an opaque token", () => {
  it("may begin with any letters that no JWT begins with", () => {
    const scene = new OpaqueScene();
    for (const start of ["e0", "e4", "e9", "eyM", "ez", "e30", "ewz"])
      assertAllowed(scene.settle(ACTIVE, `${start}f47ac10b-58cc-4372-a567`), start);
  });
});

describe("in observe mode", () => {
  it("nothing waits; the server is asked, and its answer counts for the next request", () => {
    const scene = new OpaqueScene({ as: opaque() }, { mode: "observe" });
    assertWouldDeny(scene.arrive(), "answer_pending");
    assertWouldDeny(scene.arrive(), "answer_pending");
    scene.call.respond({ status: 200, body: JSON.stringify(ACTIVE) });
    assertAllowed(scene.arrive());
    assertWouldDeny(scene.arrive(OPAQUE, thief), "spiffe_mismatch");
  });

  it("what is asked takes nothing from rules that are enforced", () => {
    const rules = [{ name: "trial", when: { pathPrefix: "/trial" }, mode: "observe" }, { name: "rest" }];
    const scene = new OpaqueScene({ as: opaque() }, { rules });
    for (let i = 0; i < 40; i++)
      scene.plugin.request({
        peer: web,
        path: "/trial",
        headers: [bearer(`token-${i}-${"x".repeat(30)}${i}`)],
      });
    assert.equal(scene.asked.length, 16);
    assert.equal(scene.arrive().outcome, "pause");
    assert.equal(scene.asked.length, 17);
  });
});

describe("a policy with introspection", () => {
  for (const [flaw, members, place] of [
    ["a secret in it", { credentials: { clientId: "c", secret: "s" } }, "/introspection/credentials/secret"],
    ["no secret", { credentials: { clientId: "c" } }, "/introspection/credentials"],
    [
      "both kinds of credentials",
      { credentials: { ...CREDENTIALS, bearerFrom: "X" } },
      "/introspection/credentials",
    ],
    [
      "a variable that is not there",
      { credentials: { clientId: "c", secretFrom: "NONE" } },
      "/introspection/credentials/secretFrom",
    ],
    ["no path", { path: undefined }, "/introspection"],
    ["a cacheFor of nothing", { cacheFor: "0s" }, "/introspection/cacheFor"],
  ] as const) {
    it(`with ${flaw} is refused`, () => {
      assert.throws(
        () => new OpaqueScene({ as: opaque(members) }),
        new RegExp(`refused at "/issuers/as${place}"`),
      );
    });
  }

  it("asks for one server for each header of a rule", () => {
    assert.throws(
      () => new OpaqueScene({ a: opaque(), b: opaque({ path: "/b" }) }),
      /at most one issuer with introspection/,
    );
    assert.doesNotThrow(() => new OpaqueScene({ a: opaque(), b: opaque({}, { header: "x-other" }) }));
  });

  it("has no keys and no kind", () => {
    assert.throws(
      () => new OpaqueScene({ as: { ...opaque(), keys: "jwt_authn" } }),
      /refused at "\/issuers\/as\/keys"/,
    );
    assert.throws(
      () => new OpaqueScene({ as: { ...opaque(), kind: "jwt-svid" } }),
      /refused at "\/issuers\/as\/kind"/,
    );
  });

  it("never shows its secret in a log", () => {
    const scene = new OpaqueScene({ as: opaque({ credentials: CREDENTIALS }) });
    const stream = scene.arrive();
    scene.call.respond({ status: 401 });
    assertDenied(stream, "introspection_unavailable");
    const log = scene.host.logs.map(({ message }) => message).join("\n");
    for (const secret of [SECRET, Buffer.from(SECRET).toString("base64"), OPAQUE])
      assert.ok(!log.includes(secret));
  });
});
