// How a feed is asked, which of its answers are taken, and that no other changes anything.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HttpCallAnswer } from "../../cli/host/index.ts";
import {
  FEED_TYPE,
  FeedScene,
  SECURITY,
  digestOf,
  feedDocument,
  feedKey,
  feedPolicy,
} from "./support/feed.ts";
import type { Json } from "./support/json.ts";
import { without } from "./support/json.ts";
import { ALGORITHMS, makeKey } from "./support/keys.ts";
import { assertAllowed, assertDenied } from "./support/scene.ts";
import { CLAIMS, base64url, token, tokenOf, tokenOfText } from "./support/tokens.ts";
import { NOW, WEB, WEB_THUMBPRINT } from "./support/world.ts";

const taken = token({ jti: "taken", exp: NOW + 3600 });
const MIB = 1024 * 1024;

/** One of the second version, in whose way nothing stands but what the test puts there. */
const next = (members: Json = {}): Json => ({ version: 2, ...members });
const HEADER = { alg: "ES256", kid: feedKey.jwk["kid"], typ: FEED_TYPE };

/** Keeps what it has taken back, whatever the answer. Bad documents give it back wherever they can. */
function assertUnchanged(
  scene: FeedScene,
  given: Partial<HttpCallAnswer>,
  counted: "refused" | "failed",
): void {
  const before = scene.documents[counted] ?? 0;
  scene.answerLater(given);
  assert.deepEqual(scene.documents, { fetched: 1, [counted]: before + 1 });
  assertDenied(scene.present(taken), "token_revoked");
  assertAllowed(scene.present(scene.fresh()));
  assert.equal(scene.host.vmFailures, 0);
}

function assertRefused(body: string | Uint8Array, place: string, expected: RegExp, usual?: Json): void {
  const scene = usual === undefined ? FeedScene.saying({ ids: ["taken"] }) : new FeedScene(usual);
  if (usual !== undefined) scene.answer({ body: JSON.stringify({ version: 1, ids: ["taken"] }) });
  assertUnchanged(scene, { body }, "refused");
  const refusals = scene.host.logs.filter(({ message }) => message.includes(" refused at "));
  assert.equal(refusals.length, 1);
  assert.equal(refusals[0]?.level, "warn");
  const { message } = refusals[0];
  const start = `revocations from cluster ${SECURITY}, path /revocations refused at ${place}: expected `;
  assert.ok(message.startsWith(start), message);
  assert.match(message, expected);
}

describe("a feed's server", () => {
  it("is asked on the first tick, and told what is understood", () => {
    const scene = new FeedScene();
    assert.equal(scene.asked.length, 0);
    scene.vm.tick();
    assert.equal(scene.call.request.cluster, SECURITY);
    assert.deepEqual(scene.call.request.headers.pairs, [
      [":method", "GET"],
      [":path", "/revocations"],
      [":authority", SECURITY],
      ["accept", "application/jwt, application/jose, application/json"],
    ]);
    assert.equal(scene.call.request.timeoutMilliseconds, 5000);
  });

  it("is asked under the name that the policy gives it", () => {
    const scene = new FeedScene(feedPolicy({ authority: "security.example:8443" }));
    scene.vm.tick();
    assert.equal(scene.call.request.headers.first(":authority"), "security.example:8443");
  });

  it("is asked again after refresh, at most a tenth sooner", () => {
    const scene = new FeedScene(feedPolicy({ refresh: "100s", staleFor: "100s" }));
    scene.publish({ version: 1 });
    scene.pass(89);
    assert.equal(scene.asked.length, 0);
    scene.pass(11);
    assert.equal(scene.asked.length, 1);
  });

  it("is asked sooner when it says max-age, and not later", () => {
    for (const [seconds, expected] of [
      [5, 1],
      [3600, 0],
    ] as const) {
      const scene = new FeedScene(feedPolicy({ refresh: "100s", staleFor: "100s" }));
      scene.answer({
        body: feedDocument({ version: 1 }),
        headers: [["cache-control", `max-age=${seconds}`]],
      });
      scene.pass(5);
      assert.equal(scene.asked.length, expected);
    }
  });

  it("is asked with the ETag that it gave, and its 304 confirms what is there", () => {
    const scene = new FeedScene();
    scene.answer({ body: feedDocument({ version: 1, ids: ["taken"] }), headers: [["etag", '"v1"']] });
    for (let i = 1; i <= 6; i++) {
      scene.pass(10);
      assert.equal(scene.call.request.headers.first("if-none-match"), '"v1"');
      scene.answer({ status: 304 });
      assert.deepEqual(scene.documents, { fetched: 1, confirmed: i });
      assertAllowed(scene.present(scene.fresh()));
      assertDenied(scene.present(taken), "token_revoked");
    }
  });

  it("is not believed when it says 304 to a question that named no ETag", () => {
    assertUnchanged(FeedScene.saying({ ids: ["taken"] }), { status: 304 }, "failed");
  });

  for (const status of [204, 301, 400, 401, 404, 500, 503, 504]) {
    it(`that answers ${status} leaves what was there, and is counted as failed`, () => {
      const body = feedDocument(next());
      assertUnchanged(FeedScene.saying({ ids: ["taken"] }), { status, body }, "failed");
    });
  }

  it("that breaks off leaves what was there, and the log says where to look", () => {
    const scene = FeedScene.saying({ ids: ["taken"] });
    scene.pass(10);
    scene.call.fail();
    assert.deepEqual(scene.documents, { fetched: 1, failed: 1 });
    assertDenied(scene.present(taken), "token_revoked");
    scene.pass(1);
    scene.answer({ status: 500 });
    assert.equal(
      scene.lastLine(),
      "revocations from cluster security, path /revocations not fetched: status 500; those in force stay, and it is asked again",
    );
  });

  it("that never answers is asked again after ten seconds", () => {
    const scene = FeedScene.saying({ ids: ["taken"] });
    scene.pass(10);
    scene.pass(9);
    assert.equal(scene.asked.length, 1);
    scene.pass(2);
    assert.equal(scene.asked.length, 2);
    assertDenied(scene.present(taken), "token_revoked");
  });

  it("that is out is asked again soon, then ever less often", () => {
    const scene = FeedScene.saying({}, feedPolicy({ staleFor: "1h" }));
    let asked = 0;
    for (let second = 0; second < 120; second++) {
      scene.pass(1);
      for (const call of scene.asked) {
        asked++;
        call.respond({ status: 503 });
      }
    }
    assert.ok(asked >= 5 && asked <= 12, `asked ${asked} times in two minutes`);
  });

  it("whose cluster Envoy does not know is tried again, and the log says where to look", () => {
    const scene = new FeedScene(feedPolicy({ cluster: "nowhere" }));
    scene.vm.tick();
    assert.deepEqual(scene.documents, { failed: 1 });
    assert.match(scene.lastLine(), /^revocations from cluster nowhere, .*is there a cluster of that name/);
    scene.pass(1);
    assert.deepEqual(scene.documents, { failed: 2 });
  });

  it("is named in the log with its first document, and with no later one", () => {
    const scene = new FeedScene();
    scene.publish({ version: 42 });
    assert.equal(
      scene.lastLine(),
      "revocations from cluster security, path /revocations in force: version 42",
    );
    const lines = scene.host.logs.length;
    scene.answerLater({ body: feedDocument({ version: 43 }) });
    assert.equal(scene.host.logs.length, lines);
  });
});

describe("a feed's version", () => {
  it("may rise by any number, and each is in force at once", () => {
    const scene = FeedScene.saying({});
    for (const [version, ids] of [
      [2, ["taken"]],
      [7, ["x"]],
      [999_999_999_999_999, ["taken"]],
    ] as const) {
      scene.answerLater({ body: feedDocument({ version, ids }) });
      const stream = scene.present(taken);
      if (ids[0] === "taken") assertDenied(stream, "token_revoked");
      else assertAllowed(stream);
    }
    assert.deepEqual(scene.documents, { fetched: 4 });
  });

  it("that is there already confirms what is there, and is not read again", () => {
    const scene = FeedScene.saying({ ids: ["taken"] });
    for (let i = 1; i <= 6; i++) {
      scene.answerLater({ body: feedDocument({ version: 1, ids: ["other"] }) });
      assert.deepEqual(scene.documents, { fetched: 1, confirmed: i });
      assertDenied(scene.present(taken), "token_revoked");
      assertAllowed(scene.present(scene.fresh({ jti: "other" })));
    }
  });

  it("stays while nothing changes, and a later exp of it counts", () => {
    const scene = new FeedScene();
    scene.publish({ version: 1, ids: ["taken"], exp: NOW + 15 });
    scene.answerLater({ body: feedDocument({ version: 1, ids: ["taken"], exp: NOW + 3600 }) });
    scene.answerLater({ body: feedDocument({ version: 1, ids: ["taken"], exp: NOW + 3600 }) });
    assertAllowed(scene.present(scene.fresh()));
    assertDenied(scene.present(taken), "token_revoked");
  });

  it("is not used up by a document that is refused", () => {
    const scene = FeedScene.saying({});
    scene.answerLater({ body: feedDocument({ version: 9, ids: "taken" }) });
    scene.answerLater({ body: feedDocument({ version: 2, ids: ["taken"] }) });
    assertDenied(scene.present(taken), "token_revoked");
  });
});

describe("a feed's document that is not signed as it has to be", () => {
  const stranger = makeKey("ES256", "feed-1");
  const nameless = makeKey("ES256", "feed-9");
  const whole = feedDocument(next());
  const [head = "", payload = "", signature = ""] = whole.split(".");
  const flaws: Readonly<Record<string, string>> = {
    "signed by another key of that name": feedDocument(next(), stranger),
    "signed by a key that nobody knows": feedDocument(next(), nameless),
    "with the signature of another document": `${head}.${payload}.${feedDocument(next({ ids: ["x"] })).split(".")[2] ?? ""}`,
    "with a payload of somebody else's": `${head}.${base64url(JSON.stringify(next()))}x.${signature}`,
    "without a signature": `${head}.${payload}.`,
    "of alg none": tokenOf({ ...HEADER, alg: "none" }, next()),
    "of alg none without a signature": `${base64url(JSON.stringify({ ...HEADER, alg: "none" }))}.${payload}.`,
    "of another algorithm than its key's": feedDocument(next(), feedKey, { alg: "RS256" }),
    "of a symmetric algorithm": feedDocument(next(), feedKey, { alg: "HS256" }),
    "without typ": feedDocument(next(), feedKey, { typ: undefined }),
    "of typ JWT": feedDocument(next(), feedKey, { typ: "JWT" }),
    "of an access token's typ": feedDocument(next(), feedKey, { typ: "at+jwt" }),
    "of a status list's typ": feedDocument(next(), feedKey, { typ: "statuslist+jwt" }),
    "of typ in other letters": feedDocument(next(), feedKey, { typ: "Revocations+JWT" }),
    "of a typ that is a list": feedDocument(next(), feedKey, { typ: [FEED_TYPE] }),
    "that is an access token by the feed's key": feedDocument({ ...CLAIMS, version: 2 }, feedKey, {
      typ: "at+jwt",
    }),
    "with a key of its own": feedDocument(next(), stranger, { jwk: stranger.jwk }),
    "with the place of a key": feedDocument(next(), feedKey, { jku: "https://evil.example/jwks" }),
    "with a critical extension": feedDocument(next(), feedKey, { crit: ["b64"], b64: false }),
    "with a name twice in its header": tokenOfText(
      `{"alg":"ES256","alg":"ES256","typ":"${FEED_TYPE}"}`,
      JSON.stringify(next()),
      feedKey,
    ),
    "in two parts": `${head}.${payload}`,
    "in four parts": `${whole}.x`,
    "cut short": whole.slice(0, -1),
    "with a byte after it": `${whole}\n`,
    "with a byte before it": ` ${whole}`,
    "in padded base64url": `${head}.${payload}=.${signature}`,
    "as JSON": JSON.stringify(next()),
    "as JWS JSON": JSON.stringify({ protected: head, payload, signature }),
    "as HTML": "<html></html>",
  };
  for (const [flaw, body] of Object.entries(flaws)) {
    it(`${flaw} is refused`, () => {
      assertRefused(
        body,
        "byte 0",
        /a JWS with "typ": "revocations\+jwt", signed with one of the feed's keys/,
      );
    });
  }

  for (const algorithm of ALGORITHMS) {
    it(`is refused, and one that is signed by ${algorithm} is taken`, () => {
      const [mine, theirs] = [makeKey(algorithm, "feed-1"), makeKey(algorithm, "feed-1")];
      const scene = new FeedScene(feedPolicy({ keys: { jwks: { keys: [mine.jwk] } } }));
      scene.answer({ body: feedDocument({ version: 1 }, theirs) });
      assert.deepEqual(scene.documents, { refused: 1 });
      scene.pass(1);
      scene.answer({ body: feedDocument({ version: 1, ids: ["taken"] }, mine) });
      assertDenied(scene.present(taken), "token_revoked");
    });
  }

  it("is no access token, whoever has signed it", () => {
    const scene = FeedScene.saying(
      {},
      feedPolicy({ keys: { jwks: { keys: [makeKey("ES256").jwk, feedKey.jwk] } } }),
    );
    const claims = { ...CLAIMS, version: 2 };
    assertDenied(
      scene.present(tokenOf({ alg: "ES256", kid: "k1", typ: FEED_TYPE }, claims)),
      "token_type_unsupported",
    );
  });
});

/** What signed documents and those without a signature are refused for alike: the place, what is there instead, and why. */
const flawedMembers: readonly (readonly [flaw: string, place: string, members: Json, expected: RegExp])[] = [
  ["without a version", '""', { version: undefined }, /"version": a number that rises/],
  ["of version 0", '"/version"', { version: 0 }, /"version"/],
  ["of a negative version", '"/version"', { version: -2 }, /"version"/],
  ["of version 2.5", '"/version"', { version: 2.5 }, /"version"/],
  ["of a version in letters", '"/version"', { version: "2" }, /"version"/],
  ["of version null", '"/version"', { version: null }, /"version"/],
  ["of a version past 15 digits", '"/version"', { version: 1e15 }, /"version"/],
  ["with a member that nobody knows", '"/scopes"', { scopes: ["x"] }, /a known member, found "scopes"/],
  ["with a member of the policy's", '"/feed"', { feed: {} }, /a known member, found "feed"/],
  ["with nbf", '"/nbf"', { nbf: NOW + 1 }, /a known member, found "nbf"/],
  ["whose ids are a string", '"/ids"', { ids: "x" }, /a list/],
  ["whose ids are an object", '"/ids"', { ids: { x: 1 } }, /a list/],
  ["whose ids are null", '"/ids"', { ids: null }, /a list/],
  ["with an ID that is a number", '"/ids/1"', { ids: ["x", 1] }, /a string/],
  ["with an ID that is empty", '"/ids/0"', { ids: [""] }, /a string that is not empty/],
  ["with an ID of 2,049 bytes", '"/ids/0"', { ids: ["x".repeat(2049)] }, /not too long/],
  ["with NUL in an ID", '"/ids/0"', { ids: ["x\0"] }, /a string/],
  ["with a subject that is null", '"/subjects/0"', { subjects: [null] }, /a string/],
  ["with a key that is a list", '"/keys/0"', { keys: [["k1"]] }, /a string/],
  ["with a presenter that is a pattern", '"/presenters/0"', { presenters: [`${WEB}/*`] }, /SPIFFE ID/],
  ["with a presenter that is a trust domain", '"/presenters/0"', { presenters: ["spiffe://x"] }, /SPIFFE ID/],
  ["with a token itself", '"/tokens/0"', { tokens: [taken] }, /a SHA-256 in base64url, 43 characters/],
  ["with a digest in hex", '"/tokens/0"', { tokens: ["ab".repeat(32)] }, /a SHA-256/],
  [
    "with a digest that is padded",
    '"/tokens/1"',
    { tokens: [digestOf("x"), `${digestOf("x")}=`] },
    /SHA-256/,
  ],
  [
    "with a certificate's digest cut short",
    '"/certificates/0"',
    { certificates: [WEB_THUMBPRINT.slice(1)] },
    /SHA-256/,
  ],
  ["with issuedBefore as a number", '"/issuedBefore"', { issuedBefore: NOW }, /\{ "<issuer>": 1700000000 \}/],
  [
    "with issuedBefore as a date",
    '"/issuedBefore/x"',
    { issuedBefore: { x: "2027-01-15" } },
    /seconds since 1970/,
  ],
  ["with issuedBefore of 0", '"/issuedBefore/x"', { issuedBefore: { x: 0 } }, /seconds since 1970/],
  [
    "with issuedBefore of 257 issuers",
    '"/issuedBefore"',
    { issuedBefore: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`urn:${i}`, NOW])) },
    /at most 256 issuers/,
  ],
  [
    "with 50,001 entries of all kinds",
    '""',
    {
      ids: Array.from({ length: 25_000 }, (_, i) => `${i}`),
      keys: Array.from({ length: 25_000 }, (_, i) => `${i}`),
      issuedBefore: { x: 1 },
    },
    /at most 50,000 entries/,
  ],
];

/** The same of when a document is good. */
const flawedTimes: readonly (readonly [string, string, Json])[] = [
  ["made more than a minute from now", '"/iat"', { iat: NOW + 10 + 61 }],
  ["made before 1970", '"/iat"', { iat: -1 }],
  ["made at a time in letters", '"/iat"', { iat: String(NOW) }],
  ["that ends now", '"/exp"', { exp: NOW + 10 }],
  ["that has ended", '"/exp"', { exp: NOW }],
  ["that ends at a time in letters", '"/exp"', { exp: "tomorrow" }],
  ["that ends at a fraction", '"/exp"', { exp: NOW + 3600.5 }],
  ["that never ends, by null", '"/exp"', { exp: null }],
];

describe("a signed document", () => {
  for (const [flaw, place, members, expected] of flawedMembers) {
    it(`${flaw} is refused at ${place}, and changes nothing`, () => {
      assertRefused(feedDocument(next(members)), place, expected);
    });
  }

  for (const [flaw, place, members] of flawedTimes) {
    it(`${flaw} is refused at ${place}`, () => {
      assertRefused(feedDocument(next(members)), place, /seconds since 1970/);
    });
  }

  it("may be made up to a minute from now, and say who has made it", () => {
    const scene = new FeedScene();
    scene.publish({
      version: 1,
      ids: ["taken"],
      iat: NOW + 60,
      exp: NOW + 1,
      iss: "https://security.example",
    });
    assertDenied(scene.present(taken), "token_revoked");
  });

  for (const older of [1, 4]) {
    it(`of version ${older} is refused after version 5, since it would give back what was taken`, () => {
      const scene = FeedScene.saying({ version: 5, ids: ["taken"] });
      assertUnchanged(scene, { body: feedDocument({ version: older }) }, "refused");
      const line = scene.host.logs.find(({ message }) => message.includes("refused"))?.message ?? "";
      assert.match(line, /refused at "\/version": expected .* not below that of what is in force/);
    });
  }

  const unreadable: Readonly<Record<string, string>> = {
    "no JSON": "{",
    "a list": "[]",
    "a string": '"version"',
    "two documents": '{"version":2}{"version":2}',
    "a name twice": '{"version":2,"version":2}',
    "a name twice, once escaped": '{"version":2,"ids":[],"\\u0069ds":[]}',
    "lists 33 deep": `{"version":2,"ids":${"[".repeat(33)}${"]".repeat(33)}}`,
    "a comma too many": '{"version":2,}',
    "an escaped lone surrogate": '{"version":2,"ids":["\\ud800"]}',
    "a byte order mark": '\ufeff{"version":2}',
  };
  for (const [flaw, payload] of Object.entries(unreadable)) {
    it(`with ${flaw} for a payload is refused`, () => {
      const body = tokenOfText(JSON.stringify(HEADER), payload, feedKey);
      assertUnchanged(FeedScene.saying({ ids: ["taken"] }), { body }, "refused");
    });
  }

  it("of more than 1 MiB is refused", () => {
    const body = feedDocument(next({ iss: "x".repeat(MIB) }));
    assertRefused(body, "byte 0", /a document of at most 1 MiB/);
  });

  it("of nothing is refused", () => {
    assertUnchanged(FeedScene.saying({ ids: ["taken"] }), { body: "" }, "refused");
  });
});

describe("a document without a signature", () => {
  const unsigned = feedPolicy({ unsigned: true });

  it("is taken as it is where the policy says so", () => {
    const scene = new FeedScene(unsigned);
    scene.answer({ body: ` ${JSON.stringify({ version: 1, ids: ["taken"] })}\n` });
    assertDenied(scene.present(taken), "token_revoked");
    assertAllowed(scene.present(scene.fresh()));
  });

  it("is no JWS there, even a good one", () => {
    assertRefused(feedDocument(next()), "byte 0", /strict JSON/, unsigned);
  });

  for (const [flaw, place, members, expected] of flawedMembers) {
    it(`${flaw} is refused at ${place}, and changes nothing`, () => {
      assertRefused(JSON.stringify(next(members)), place, expected, unsigned);
    });
  }

  for (const [flaw, place, members] of flawedTimes) {
    it(`${flaw} is refused at ${place}`, () => {
      assertRefused(JSON.stringify(next(members)), place, /seconds since 1970/, unsigned);
    });
  }

  it("is stale past its own exp", () => {
    const scene = new FeedScene(unsigned);
    scene.answer({ body: JSON.stringify({ version: 1, exp: NOW + 15 }) });
    scene.pass(14);
    assertAllowed(scene.present(scene.fresh()));
    scene.pass(1);
    assertDenied(scene.present(scene.fresh()), "revocations_stale");
  });

  const unreadable: Readonly<Record<string, readonly [body: string | Buffer, place: string]>> = {
    HTML: ["<html>", "byte 0"],
    "half a document": ['{"version":2,"ids":["x"', "byte 23"],
    "two documents": ['{"version":2}{"version":2}', "byte 13"],
    "a name twice": ['{"version":2,"version":2}', "byte 22"],
    "lists 33 deep": [`{"version":2,"ids":${"[".repeat(33)}${"]".repeat(33)}}`, "byte 50"],
    "no UTF-8": [Buffer.from('{"version":2,"ids":["\xff"]}', "latin1"), "byte 21"],
    "150,000 values": [JSON.stringify({ version: 2, ids: Array<string>(150_000).fill("x") }), "byte 0"],
  };
  for (const [flaw, [body, place]] of Object.entries(unreadable)) {
    it(`that is ${flaw} is refused at ${place}`, () => {
      assertRefused(body, place, /strict JSON/, unsigned);
    });
  }

  it("that is a list is refused", () => {
    assertRefused("[]", '""', /an object/, unsigned);
  });

  it("may have exactly 1 MiB, and no byte more", () => {
    const padded = (size: number) => JSON.stringify(next({ ids: ["taken"] })).padEnd(size);
    assertRefused(padded(MIB + 1), "byte 0", /at most 1 MiB/, unsigned);
    const scene = new FeedScene(unsigned);
    scene.answer({ body: padded(MIB) });
    assertDenied(scene.present(taken), "token_revoked");
  });

  it("never goes back either", () => {
    const scene = new FeedScene(unsigned);
    scene.answer({ body: JSON.stringify({ version: 5, ids: ["taken"] }) });
    assertUnchanged(scene, { body: JSON.stringify({ version: 4 }) }, "refused");
  });
});

describe("a flood of bad documents", () => {
  it("leaves what was there, and is asked for ever less often", () => {
    const scene = FeedScene.saying({ ids: ["taken"] }, feedPolicy({ staleFor: "1h" }));
    let asked = 0;
    for (let second = 0; second < 120; second++) {
      scene.pass(1);
      for (const call of scene.asked) {
        asked++;
        call.respond({ status: 200, body: feedDocument(without(next(), "version")) });
      }
    }
    assert.ok(asked >= 5 && asked <= 12, `asked ${asked} times in two minutes`);
    assert.deepEqual(scene.documents, { fetched: 1, refused: asked });
    assertDenied(scene.present(taken), "token_revoked");
  });
});
