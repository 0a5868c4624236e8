// Which status lists are taken, and that no other changes anything.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { ZlibOptions } from "node:zlib";
import fc from "fast-check";
import type { HttpCallAnswer } from "../../cli/host/index.ts";
import type { Json } from "./support/json.ts";
import { makeKey } from "./support/keys.ts";
import { issuer, policy } from "./support/policies.ts";
import { assertAllowed, assertDenied, verdictOf } from "./support/scene.ts";
import {
  LIST_TYPE,
  ListScene,
  URI,
  listDocument,
  listOf,
  listPolicy,
  packStatuses,
  statusList,
} from "./support/status-lists.ts";
import { CLAIMS, base64url, key, tokenOf, tokenOfText } from "./support/tokens.ts";
import { NOW } from "./support/world.ts";

const MIB = 1024 * 1024;
const { Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;
const FIRST_TAKEN = Uint8Array.of(1, ...new Uint8Array(15));
/** In every flawed list: it would give back the first token. */
const GIVEN_BACK = listOf(new Uint8Array(16));
const HEADER = { alg: "ES256", kid: "k1", typ: LIST_TYPE };

/** Keeps what is taken back, whatever the answer. */
function assertUnchanged(
  scene: ListScene,
  given: Partial<HttpCallAnswer>,
  counted: "refused" | "failed",
): void {
  const before = scene.documents[counted] ?? 0;
  scene.answerLater(given);
  assert.deepEqual(scene.documents, { fetched: 1, [counted]: before + 1 });
  assertDenied(scene.presentAt(0), "status_not_valid");
  assertAllowed(scene.presentAt(1));
  assert.equal(scene.host.vmFailures, 0);
}

function assertRefused(body: string | Uint8Array, place: string, expected: RegExp): void {
  const scene = ListScene.saying(FIRST_TAKEN);
  assertUnchanged(scene, { body }, "refused");
  const refusals = scene.host.logs.filter(({ message }) => message.includes(" refused at "));
  assert.deepEqual(
    refusals.map(({ level }) => level),
    ["warn"],
  );
  const message = refusals[0]?.message ?? "";
  const start = `status list from cluster idp, path /status/1 refused at ${place}: expected `;
  assert.ok(message.startsWith(start), message);
  assert.match(message, expected);
}

/** Made later than what is in force. */
function later(members: Json, header: Json = {}): string {
  return listDocument({ iat: NOW + 1, status_list: GIVEN_BACK, ...members }, key, header);
}

describe("a status list that is not signed as it has to be", () => {
  const stranger = makeKey("ES256", "k1");
  const payload = { sub: URI, iat: NOW + 1, status_list: GIVEN_BACK };
  const whole = later({});
  const [head = "", body = "", signature = ""] = whole.split(".");
  const flaws: Readonly<Record<string, string>> = {
    "by another key of that name": listDocument(payload, stranger),
    "by a key that nobody knows": listDocument(payload, makeKey("ES256", "k9")),
    "of alg none": tokenOf({ ...HEADER, alg: "none" }, payload),
    "without a signature": `${head}.${body}.`,
    "with somebody else's payload": `${head}.${base64url(JSON.stringify({ ...payload, x: 1 }))}.${signature}`,
    "without typ": later({}, { typ: undefined }),
    "of typ JWT": later({}, { typ: "JWT" }),
    "of typ statuslist+cwt": later({}, { typ: "statuslist+cwt" }),
    "of an access token's typ": later({}, { typ: "at+jwt" }),
    "of a feed's typ": later({}, { typ: "revocations+jwt" }),
    "that is an access token with a list": tokenOf({ alg: "ES256", kid: "k1" }, { ...CLAIMS, ...payload }),
    "with a key of its own": listDocument(payload, stranger, { jwk: stranger.jwk }),
    "with a name twice": tokenOfText(
      JSON.stringify(HEADER),
      `{"sub":"x",${JSON.stringify(payload).slice(1)}`,
      key,
    ),
    "as JSON": JSON.stringify(payload),
    "cut short": whole.slice(0, -1),
    "with a line's end": `${whole}\n`,
  };
  for (const [flaw, document] of Object.entries(flaws)) {
    it(`${flaw} is refused`, () => {
      assertRefused(
        document,
        "byte 0",
        /a JWS with "typ": "statuslist\+jwt", signed with one of the issuer's keys/,
      );
    });
  }

  it("may be signed by any of the issuer's keys", () => {
    const second = makeKey("RS256", "k2");
    const keys = { jwks: { keys: [key.jwk, second.jwk] } };
    const scene = new ListScene(policy({ issuers: { idp: issuer({ keys, statusLists: [statusList()] }) } }));
    scene.answer({ body: listDocument({ status_list: listOf(FIRST_TAKEN) }, second) });
    assertDenied(scene.presentAt(0), "status_not_valid");
  });
});

describe("a status list", () => {
  const flaws: readonly (readonly [flaw: string, place: string, members: Json, expected: RegExp])[] = [
    ["of another sub", '""', { sub: `${URI}/` }, /the "uri" of the policy as its "sub"/],
    ["without a sub", '""', { sub: undefined }, /"sub"/],
    ["whose sub is a list", '""', { sub: [URI] }, /"sub"/],
    ["without iat", '""', { iat: undefined }, /"iat"/],
    ["made before what is in force", '"/iat"', { iat: NOW - 1 }, /not below that of what is in force/],
    ["made at a time in letters", '"/iat"', { iat: String(NOW) }, /seconds since 1970/],
    ["made at a fraction", '"/iat"', { iat: NOW + 0.5 }, /seconds since 1970/],
    ["made at null", '"/iat"', { iat: null }, /seconds since 1970/],
    ["made more than a minute from now", '"/iat"', { iat: NOW + 10 + 61 }, /not ahead/],
    ["that has ended", '"/exp"', { exp: NOW + 10 }, /ahead/],
    ["that ends at a time in letters", '"/exp"', { exp: "never" }, /ahead/],
    ["with a ttl of 0", '"/ttl"', { ttl: 0 }, /a number of seconds/],
    ["with a negative ttl", '"/ttl"', { ttl: -5 }, /a number of seconds/],
    ["with a ttl in letters", '"/ttl"', { ttl: "5m" }, /a number of seconds/],
    ["without a list", '""', { status_list: undefined }, /"status_list"/],
    ["whose list is null", '""', { status_list: null }, /"status_list"/],
    ["whose list is the lst itself", '""', { status_list: GIVEN_BACK["lst"] }, /"status_list"/],
    ["whose list is in a list", '""', { status_list: [GIVEN_BACK] }, /"status_list"/],
    ["without lst", '""', { status_list: { bits: 1 } }, /zlib in base64url/],
  ];
  for (const [flaw, place, members, expected] of flaws) {
    it(`${flaw} is refused at ${place}, and changes nothing`, () => {
      assertRefused(later(members), place, expected);
    });
  }

  for (const bits of [undefined, null, 0, -1, 3, 5, 16, 1.5, "1", [1], true]) {
    it(`of ${bits === undefined ? "no" : JSON.stringify(bits)} bits is refused, and changes nothing`, () => {
      assertRefused(
        later({ status_list: { ...GIVEN_BACK, bits } }),
        '"/status_list"',
        /"bits" of 1, 2, 4 or 8/,
      );
    });
  }

  it("may have been made up to a minute from now, and say more than it has to", () => {
    const scene = new ListScene();
    scene.publish({
      iat: NOW + 60,
      exp: NOW + 3600,
      ttl: 43_200,
      iss: "x",
      status_list: { ...listOf(FIRST_TAKEN), aggregation_uri: "https://x" },
    });
    assertDenied(scene.presentAt(0), "status_not_valid");
  });

  it("of the same second is read: it may take back what the first one did not", () => {
    const scene = ListScene.saying(Uint8Array.of(0, 0));
    scene.answerLater({ body: listDocument({ status_list: listOf(Uint8Array.of(1, 0)) }) });
    assertDenied(scene.presentAt(0), "status_not_valid");
    assertAllowed(scene.presentAt(1));
    for (let i = 0; i < 6; i++) {
      scene.answerLater({ body: listDocument({ status_list: listOf(Uint8Array.of(1, 0)) }) });
      assertAllowed(scene.presentAt(1));
    }
  });

  it("is confirmed by 304, with the ETag that came with it", () => {
    const scene = new ListScene();
    scene.answer({ body: listDocument({ status_list: listOf(FIRST_TAKEN) }), headers: [["etag", '"1"']] });
    for (let i = 0; i < 6; i++) {
      scene.pass(10);
      assert.equal(scene.call.request.headers.first("if-none-match"), '"1"');
      scene.answer({ status: 304 });
      assertAllowed(scene.presentAt(1));
    }
    assert.deepEqual(scene.documents, { fetched: 1, confirmed: 6 });
  });

  it("has itself asked for after its ttl, but not later than the policy says, and no sooner than after a second", () => {
    for (const [ttl, from, to] of [
      [1, 0, 1],
      [40, 35, 40],
      [3600, 89, 100],
    ] as const) {
      const scene = new ListScene(listPolicy({ refresh: "100s", staleFor: "100s" }));
      scene.publish({ ttl, status_list: listOf(FIRST_TAKEN) });
      scene.pass(from);
      assert.equal(scene.asked.length, 0, `${ttl}`);
      scene.pass(to - from);
      assert.equal(scene.asked.length, 1, `${ttl}`);
    }
  });

  for (const status of [204, 302, 404, 500, 503]) {
    it(`that does not come, with status ${status}, leaves what was there`, () => {
      assertUnchanged(ListScene.saying(FIRST_TAKEN), { status, body: later({}) }, "failed");
    });
  }

  it("in a document of more than 1 MiB is refused", () => {
    assertRefused(later({ x: "x".repeat(MIB) }), "byte 0", /at most 1 MiB/);
  });
});

describe("a list's compressed bytes", () => {
  const content = new Uint8Array(16);
  const zlib = deflateSync(content);
  const changed = (at: number, value: number): Buffer => {
    const copy = Buffer.from(zlib);
    copy[at < 0 ? copy.length + at : at] = value;
    return copy;
  };
  const flaws: Readonly<Record<string, string | number | null | readonly string[]>> = {
    "a number": 5,
    null: null,
    "a list": [zlib.toString("base64url")],
    empty: "",
    "in padded base64": deflateSync(Buffer.from("12")).toString("base64"),
    "in base64 with other letters": "+/+/",
    "in base64url with blanks": ` ${zlib.toString("base64url")}`,
    "in hex": zlib.toString("hex"),
    "not compressed": Buffer.from(content).toString("base64url"),
    "in gzip's form": gzipSync(content).toString("base64url"),
    "deflated alone": deflateRawSync(content).toString("base64url"),
    "with a wrong checksum": changed(-1, 0xff).toString("base64url"),
    "with a checksum that is missing": zlib.subarray(0, -4).toString("base64url"),
    "with something behind": Buffer.concat([zlib, Buffer.of(0)]).toString("base64url"),
    "with something before the checksum": Buffer.concat([
      zlib.subarray(0, -4),
      Buffer.of(0),
      zlib.subarray(-4),
    ]).toString("base64url"),
    "with a header that is no multiple of 31": changed(1, 0x9d).toString("base64url"),
    "of another method": changed(0, 0x77).toString("base64url"),
    "with a dictionary": deflateSync(content, { dictionary: Buffer.from("0000") }).toString("base64url"),
    "of nothing": deflateSync(Buffer.alloc(0)).toString("base64url"),
    "of 1 MiB and a byte": deflateSync(Buffer.alloc(MIB + 1)).toString("base64url"),
    "of 64 MiB": deflateSync(Buffer.alloc(64 * MIB)).toString("base64url"),
  };
  for (const [flaw, lst] of Object.entries(flaws)) {
    it(`that are ${flaw} are refused, and change nothing`, () => {
      assertRefused(
        later({ status_list: { bits: 1, lst } }),
        '""',
        /"lst" that is zlib in base64url, of at most 1 MiB/,
      );
    });
  }

  it("are refused however much of their end is missing", () => {
    for (let length = 0; length < zlib.length; length++) {
      const lst = zlib.subarray(0, length).toString("base64url");
      const scene = ListScene.saying(FIRST_TAKEN);
      assertUnchanged(scene, { body: later({ status_list: { bits: 1, lst } }) }, "refused");
    }
  });

  const ways: Readonly<Record<string, ZlibOptions>> = {
    stored: { level: 0 },
    "at level 1": { level: 1 },
    "at level 9": { level: 9 },
    "with fixed codes": { strategy: Z_FIXED },
    "with codes only": { strategy: Z_HUFFMAN_ONLY },
    "with runs only": { strategy: Z_RLE },
    "with a window of 512 bytes": { windowBits: 9 },
  };
  for (const [way, options] of Object.entries(ways)) {
    it(`may be compressed ${way}`, () => {
      const statuses = Array.from({ length: 4_000 }, (_, index) => ((index * index) % 7 === 1 ? 1 : 0));
      const scene = new ListScene();
      scene.publish({ status_list: listOf(packStatuses(statuses, 1), 1, options) });
      for (let index = 0; index < statuses.length; index += 37) {
        const isTaken = statuses[index] === 1;
        const stream = scene.presentAt(index);
        if (isTaken) assertDenied(stream, "status_not_valid", `${index}`);
        else assertAllowed(stream, `${index}`);
      }
    });
  }

  it("may be exactly 1 MiB: eight million tokens of one bit", () => {
    const bytes = new Uint8Array(MIB);
    bytes[MIB - 1] = 0x80;
    const scene = ListScene.saying(bytes);
    assertDenied(scene.presentAt(8 * MIB - 1), "status_not_valid");
    assertAllowed(scene.presentAt(8 * MIB - 2));
    assertDenied(scene.presentAt(8 * MIB), "status_malformed");
  });

  it("that are a bomb leave memory as it is", () => {
    const scene = ListScene.saying(new Uint8Array(MIB));
    const bomb = later({ status_list: listOf(Buffer.alloc(64 * MIB)) });
    const refuse = (): void => {
      scene.pass(60);
      scene.answer({ body: bomb });
    };
    refuse();
    const pages = scene.vm.memoryPages;
    for (let i = 0; i < 50; i++) refuse();
    assert.equal(scene.vm.memoryPages, pages);
    assert.deepEqual(scene.documents, { fetched: 1, refused: 51 });
  });

  it("at random, each status is what was written", () => {
    const lists = fc
      .constantFrom(1, 2, 4, 8)
      .chain((bits) =>
        fc.tuple(
          fc.constant(bits),
          fc.array(fc.nat((1 << bits) - 1), { minLength: 1, maxLength: 500 }),
          fc.array(fc.nat(600), { minLength: 3, maxLength: 6 }),
          fc.integer({ min: 0, max: 9 }),
        ),
      );
    fc.assert(
      fc.property(lists, ([bits, statuses, indexes, level]) => {
        const scene = new ListScene();
        const bytes = packStatuses(statuses, bits);
        scene.publish({ status_list: listOf(bytes, bits, { level }) });
        for (const index of indexes) {
          const stream = scene.presentAt(index);
          if (index >= (bytes.length * 8) / bits) assertDenied(stream, "status_malformed");
          else if ((statuses[index] ?? 0) === 0) assertAllowed(stream);
          else assertDenied(stream, "status_not_valid");
        }
      }),
      { seed: 21, numRuns: 300 },
    );
  });

  it("at random, and good ones with random changes, never trap, and give no token back", () => {
    const scene = ListScene.saying(Uint8Array.of(0xff, 0xff), 1, listPolicy({ staleFor: "168h" }));
    const good = deflateSync(Uint8Array.of(0xff, 0xff, 0xff));
    const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    const mangled = changes.map((list) => {
      const copy = Buffer.from(good);
      for (const [at, value] of list) copy[at] = value;
      return copy;
    });
    const random = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes));
    const content = fc.oneof(mangled, random);
    fc.assert(
      fc.property(content, fc.constantFrom(1, 2, 4, 8), (bytes, bits) => {
        scene.pass(31);
        const lst = bytes.toString("base64url");
        scene.answer({ body: listDocument({ iat: scene.now, status_list: { bits, lst } }) });
        assertDenied(scene.presentAt(0), "status_not_valid");
      }),
      { seed: 22, numRuns: 500 },
    );
    assert.equal(scene.host.vmFailures, 0);
    assert.ok((scene.documents["refused"] ?? 0) > 400);
  });
});

describe("random claims of a status", () => {
  it("never trap, and never let a token pass that has no place in the list", () => {
    const scene = ListScene.saying(new Uint8Array(4));
    const idx = fc.oneof(fc.jsonValue(), fc.double(), fc.integer());
    const uri = fc.oneof(
      { weight: 3, arbitrary: fc.constant<unknown>(URI) },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
    const status = fc.oneof(
      { weight: 4, arbitrary: fc.record({ status_list: fc.record({ idx, uri }) }) },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
    let allowed = 0;
    fc.assert(
      fc.property(status, (value) => {
        const stream = scene.present(scene.fresh({ status: value }));
        assert.notEqual(stream.outcome, "trapped");
        if (verdictOf(stream) !== "allow") return;
        allowed++;
        const written = JSON.parse(JSON.stringify(value)) as { status_list: { idx: number; uri: string } };
        const { idx: place, uri: list } = written.status_list;
        assert.ok(Number.isInteger(place) && place >= 0 && place < 32 && list === URI, JSON.stringify(value));
      }),
      { seed: 23, numRuns: 1000 },
    );
    assert.ok(allowed > 10, `only ${allowed} were allowed at all`);
  });
});
