import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Status } from "../../cli/host/index.ts";
import type { HeaderPair, Request } from "../../cli/host/index.ts";
import { readPairs } from "../../cli/host/pairs.ts";
import { OUT, UNTOUCHED, probe, returned } from "./support/probe.ts";

const REQUEST_HEADERS = 0;
const RESPONSE_HEADERS = 2;
const request: Request = {
  method: "POST",
  authority: "a",
  path: "/p",
  headers: [
    ["Authorization", "one"],
    ["authorization", "two"],
    ["x-empty", ""],
    ["x-byte", "\xff"],
  ],
};
const pseudo: readonly HeaderPair[] = [
  [":authority", "a"],
  [":path", "/p"],
  [":method", "POST"],
  [":scheme", "https"],
];

describe("header pairs", () => {
  it("are count, sizes, then NUL-terminated names and values; duplicates and order are kept", () => {
    const small: Request = { authority: "", path: "", method: "", scheme: "", headers: [["a", "\xff"]] };
    const result = probe({
      call: "proxy_get_header_map_pairs",
      args: [REQUEST_HEADERS, OUT, OUT + 4],
      request: small,
    });
    const expected = Buffer.concat([
      words(5, 10, 0, 5, 0, 7, 0, 7, 0, 1, 1),
      Buffer.from(":authority\0\0:path\0\0:method\0\0:scheme\0\0a\0\xff\0", "latin1"),
    ]);
    assert.deepEqual(returned(result), expected);
  });

  it("keep both of two headers with one name, lower case", () => {
    const result = probe({
      call: "proxy_get_header_map_pairs",
      args: [REQUEST_HEADERS, OUT, OUT + 4],
      request,
    });
    assert.deepEqual(readPairs(returned(result)), [
      ...pseudo,
      ["authorization", "one"],
      ["authorization", "two"],
      ["x-empty", ""],
      ["x-byte", "\xff"],
    ]);
  });

  it("of a map that is not there are pointer 0 and size 0 with Ok", () => {
    const result = probe({ call: "proxy_get_header_map_pairs", args: [RESPONSE_HEADERS, OUT, OUT + 4] });
    assert.equal(result.status, Status.Ok);
    assert.deepEqual(result.words.slice(0, 2), [0, 0]);
  });
});

describe("a single header value", () => {
  const read = (name: string, type = REQUEST_HEADERS) =>
    probe({ call: "proxy_get_header_map_value", args: [type, name, OUT, OUT + 4], request });

  it("is the first of several", () => {
    assert.equal(returned(read("authorization")).toString(), "one");
  });

  it("is found by a name in any case", () => {
    assert.equal(returned(read("AUTHORIZATION")).toString(), "one");
  });

  it("keeps bytes above 0x7f", () => {
    assert.deepEqual(returned(read("x-byte")), Buffer.from([0xff]));
  });

  it("that is empty is Ok with pointer 0", () => {
    const result = read("x-empty");
    assert.equal(result.status, Status.Ok);
    assert.deepEqual(result.words.slice(0, 2), [0, 0]);
  });

  it("that is absent is NotFound, writing nothing", () => {
    const result = read("cookie");
    assert.equal(result.status, Status.NotFound);
    assert.deepEqual(result.words.slice(0, 2), [UNTOUCHED, UNTOUCHED]);
  });

  it("of a map that is not there is BadArgument, as is a map number that does not exist", () => {
    assert.equal(read("a", RESPONSE_HEADERS).status, Status.BadArgument);
    assert.equal(read("a", 8).status, Status.BadArgument);
    assert.equal(read("a", -1).status, Status.BadArgument);
  });
});

describe("changes to the request's headers", () => {
  const after = (call: string, ...args: (number | string)[]) => {
    const result = probe({ call, args: [REQUEST_HEADERS, ...args], request });
    assert.equal(result.status, Status.Ok);
    return result.stream.requestHeaders.slice(pseudo.length);
  };

  it("add keeps what is there", () => {
    assert.deepEqual(after("proxy_add_header_map_value", "X-New", "v").at(-1), ["x-new", "v"]);
  });

  it("replace leaves one value where there were two, at the end", () => {
    assert.deepEqual(after("proxy_replace_header_map_value", "authorization", "new"), [
      ["x-empty", ""],
      ["x-byte", "\xff"],
      ["authorization", "new"],
    ]);
  });

  it("replace adds what is absent", () => {
    assert.deepEqual(after("proxy_replace_header_map_value", "x-new", "v").at(-1), ["x-new", "v"]);
  });

  it("remove takes every value of the name", () => {
    assert.deepEqual(
      after("proxy_remove_header_map_value", "Authorization").map(([name]) => name),
      ["x-empty", "x-byte"],
    );
  });

  it("set replaces the whole map", () => {
    const pairs = Buffer.concat([words(1, 1, 1), Buffer.from("a\0b\0")]);
    const result = probe({ call: "proxy_set_header_map_pairs", args: [REQUEST_HEADERS, pairs], request });
    assert.deepEqual(result.stream.requestHeaders, [["a", "b"]]);
  });

  it("size is the bytes of names and values", () => {
    const tiny: Request = { authority: "", path: "/", method: "GET", scheme: "", headers: [["ab", "c"]] };
    const result = probe({ call: "proxy_get_header_map_size", args: [REQUEST_HEADERS, OUT], request: tiny });
    assert.equal(result.words[0], ":authority:path/:methodGET:schemeabc".length);
  });
});

describe("a pair list from the guest", () => {
  const good = Buffer.concat([words(2, 1, 2, 0, 0), Buffer.from("a\0bc\0\0\0")]);

  it("reads as its pairs", () => {
    assert.deepEqual(readPairs(good), [
      ["a", "bc"],
      ["", ""],
    ]);
  });

  const malformed: readonly (readonly [string, Buffer])[] = [
    ["shorter than its count", good.subarray(0, 3)],
    ["cut at any later byte", good.subarray(0, good.length - 1)],
    ["with a byte too many", Buffer.concat([good, Buffer.alloc(1)])],
    ["with no NUL after a name", Buffer.concat([words(1, 1, 1), Buffer.from("axb\0")])],
    ["with no NUL after a value", Buffer.concat([words(1, 1, 1), Buffer.from("a\0bx")])],
    ["with a size that runs past the end", Buffer.concat([words(1, 0xffff_ffff, 0), Buffer.from("\0\0")])],
    ["with a count that its bytes cannot hold", words(0x2000_0001)],
    ["of more than 1,024 pairs", Buffer.concat([words(1025), Buffer.alloc(1025 * 10)])],
    ["of more than 1 MiB", oneLongPair(1024 * 1024)],
  ];
  for (const [what, bytes] of malformed) {
    it(`${what} reads as empty`, () => {
      assert.deepEqual(readPairs(bytes), []);
    });
  }

  it("of 1,024 pairs and of 1 MiB still reads", () => {
    assert.equal(readPairs(Buffer.concat([words(1024), Buffer.alloc(1024 * 10)])).length, 1024);
    assert.equal(readPairs(oneLongPair(1024 * 1024 - 14)).length, 1);
  });
});

function oneLongPair(valueBytes: number): Buffer {
  return Buffer.concat([
    words(1, 0, valueBytes),
    Buffer.alloc(1),
    Buffer.alloc(valueBytes, "v"),
    Buffer.alloc(1),
  ]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value, index * 4));
  return bytes;
}
