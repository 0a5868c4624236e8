import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Status } from "../../cli/host/index.ts";
import type { EnvoyVersion, Peer, Request } from "../../cli/host/index.ts";
import { readPairs } from "../../cli/host/pairs.ts";
import { OUT, UNTOUCHED, probe, returned } from "./support/probe.ts";

const NOW = 1_700_000_000.25;

/** @param path parts joined by "/" */
function read(path: string, request: Request = {}, envoy: EnvoyVersion = "1.40") {
  const args = [path.replaceAll("/", "\0"), OUT, OUT + 4];
  const result = probe({ call: "proxy_get_property", args, request, hostOptions: { envoy, now: () => NOW } });
  return {
    status: result.status,
    words: result.words,
    bytes: result.status === 0 ? returned(result) : undefined,
  };
}

const peer: Peer = {
  mtls: true,
  validated: true,
  uriSan: "spiffe://example.org/ü",
  certSha256: "ab".repeat(32),
  certPem: "-----BEGIN CERTIFICATE-----",
  sni: "orders.example.org",
  address: "192.0.2.7:4711",
  localUriSan: "spiffe://example.org/me",
};

describe("properties of an mTLS connection", () => {
  const expected: readonly (readonly [string, Buffer])[] = [
    ["connection/mtls", Buffer.from([1])],
    ["connection/peer_certificate_valid", Buffer.from([1])],
    ["connection/peer_certificate", Buffer.from("-----BEGIN CERTIFICATE-----")],
    ["connection/uri_san_peer_certificate", Buffer.from("spiffe://example.org/ü", "utf8")],
    ["connection/uri_san_local_certificate", Buffer.from("spiffe://example.org/me")],
    ["connection/sha256_peer_certificate_digest", Buffer.from("ab".repeat(32))],
    ["connection/tls_version", Buffer.from("TLSv1.3")],
    ["connection/requested_server_name", Buffer.from("orders.example.org")],
    ["connection/id", littleEndian(1n)],
    ["source/address", Buffer.from("192.0.2.7:4711")],
    ["source/port", littleEndian(4711n)],
    ["request/time", littleEndian(1_700_000_000_250_000_000n)],
  ];
  for (const [path, bytes] of expected) {
    it(path, () => {
      assert.deepEqual(read(path, { peer }).bytes, bytes);
    });
  }

  it("peer_certificate and its validity are absent on Envoy 1.37", () => {
    for (const part of ["peer_certificate", "peer_certificate_valid"]) {
      assert.equal(read(`connection/${part}`, { peer }, "1.37").status, Status.NotFound);
    }
  });

  it("a certificate that nobody validated is 0 even so", () => {
    const { bytes } = read("connection/peer_certificate_valid", { peer: { mtls: true } });
    assert.deepEqual(bytes, Buffer.from([0]));
  });
});

describe("properties of a plaintext connection", () => {
  it("mtls is one byte of 0", () => {
    assert.deepEqual(read("connection/mtls").bytes, Buffer.from([0]));
  });

  it("peer_certificate_valid is one byte of 0, where this Envoy has it", () => {
    assert.deepEqual(read("connection/peer_certificate_valid").bytes, Buffer.from([0]));
    assert.equal(read("connection/peer_certificate_valid", {}, "1.37").status, Status.NotFound);
  });

  for (const part of [
    "tls_version",
    "uri_san_peer_certificate",
    "uri_san_local_certificate",
    "sha256_peer_certificate_digest",
    "peer_certificate",
  ]) {
    it(`${part} is NotFound`, () => {
      const { status, words } = read(`connection/${part}`);
      assert.equal(status, Status.NotFound);
      assert.deepEqual(words.slice(0, 2), [UNTOUCHED, UNTOUCHED]);
    });
  }
});

describe("properties of the request", () => {
  const request: Request = {
    method: "PUT",
    authority: "orders.example.org",
    path: "/a/b?c=1",
    headers: [
      ["authorization", "one"],
      ["Authorization", "two"],
      ["user-agent", "curl"],
    ],
  };
  const expected: readonly (readonly [string, string])[] = [
    ["request/method", "PUT"],
    ["request/host", "orders.example.org"],
    ["request/scheme", "https"],
    ["request/path", "/a/b?c=1"],
    ["request/url_path", "/a/b"],
    ["request/query", "c=1"],
    ["request/protocol", "HTTP/2"],
    ["request/useragent", "curl"],
    ["request/headers/Authorization", "one,two"],
  ];
  for (const [path, text] of expected) {
    it(`${path} is ${text}`, () => {
      assert.equal(read(path, request).bytes?.toString(), text);
    });
  }

  it("an absent header is NotFound", () => {
    assert.equal(read("request/headers/cookie", request).status, Status.NotFound);
    assert.equal(read("request/referer", request).status, Status.NotFound);
  });
});

describe("dynamic metadata", () => {
  const metadata = {
    "envoy.filters.http.jwt_authn": {
      payload: {
        sub: "spiffe://example.org/a",
        empty: "",
        exp: 1.5,
        admin: true,
        guest: false,
        nothing: null,
        aud: ["orders", "billing"],
        cnf: { "x5t#S256": "abc", jkt: "" },
        holed: { a: null },
        ünï: "key",
      },
    },
  };
  const leaf = (path: string) =>
    read(`metadata/filter_metadata/envoy.filters.http.jwt_authn/payload/${path}`, { metadata });

  it("a string is raw", () => {
    assert.equal(leaf("sub").bytes?.toString(), "spiffe://example.org/a");
    assert.deepEqual(leaf("empty").words.slice(0, 2), [0, 0]);
  });

  it("a number is an 8-byte double, whole ones too", () => {
    assert.equal(leaf("exp").bytes?.readDoubleLE(), 1.5);
    assert.equal(leaf("exp").bytes?.length, 8);
  });

  it("a boolean is one byte", () => {
    assert.deepEqual(leaf("admin").bytes, Buffer.from([1]));
    assert.deepEqual(leaf("guest").bytes, Buffer.from([0]));
  });

  it("null, and a map with a null in it, cannot be serialised", () => {
    assert.equal(leaf("nothing").status, Status.SerializationFailure);
    assert.equal(leaf("holed").status, Status.SerializationFailure);
  });

  it("a map is a pair list", () => {
    assert.deepEqual(readPairs(leaf("cnf").bytes ?? Buffer.alloc(0)), [
      ["x5t#S256", "abc"],
      ["jkt", ""],
    ]);
  });

  it("a list is a pair list of its elements with empty second halves", () => {
    assert.deepEqual(readPairs(leaf("aud").bytes ?? Buffer.alloc(0)), [
      ["orders", ""],
      ["billing", ""],
    ]);
  });

  it("an element is reached by its decimal index", () => {
    assert.equal(leaf("aud/1").bytes?.toString(), "billing");
    for (const index of ["2", "-1", "x", "1.0"]) assert.equal(leaf(`aud/${index}`).status, Status.NotFound);
  });

  it("a key may be any UTF-8", () => {
    assert.equal(leaf("ünï").bytes?.toString(), "key");
  });

  it("what is not there is NotFound, a name of Object.prototype included", () => {
    for (const path of ["iss", "sub/x", "cnf/jwk", "constructor", "cnf/toString"]) {
      assert.equal(leaf(path).status, Status.NotFound, path);
    }
    assert.equal(read("metadata/filter_metadata/other/payload").status, Status.NotFound);
  });
});

describe("filter state", () => {
  it("holds what the guest sets, as wasm.<name>", () => {
    const result = probe({ call: "proxy_set_property", args: ["holdfast.verdict", "deny"] });
    assert.equal(result.status, Status.Ok);
    assert.equal(result.stream.filterState("wasm.holdfast.verdict"), "deny");
    assert.equal(result.stream.filterState("holdfast.verdict"), undefined);
  });

  it("of other filters is read by its full name as one part", () => {
    const request: Request = { filterState: { "io.istio.peer_principal": "spiffe://example.org/a" } };
    assert.equal(
      read("filter_state/io.istio.peer_principal", request).bytes?.toString(),
      "spiffe://example.org/a",
    );
  });

  it("of this guest is read by its short name too", () => {
    assert.equal(read("mark", { filterState: { "wasm.mark": "x" } }).bytes?.toString(), "x");
  });
});

describe("other properties", () => {
  it("may be given by dotted path and win over what the host knows", () => {
    const request: Request = {
      peer,
      properties: { "connection.tls_version": "TLSv1.2", "xds.route_name": "r" },
    };
    assert.equal(read("connection/tls_version", request).bytes?.toString(), "TLSv1.2");
    assert.equal(read("xds/route_name", request).bytes?.toString(), "r");
  });

  it("may be raw bytes, a 64-bit integer or a bool", () => {
    const properties = { "a.bytes": Uint8Array.of(0xff), "a.int": -1n, "a.bool": true };
    assert.deepEqual(read("a/bytes", { properties }).bytes, Buffer.from([0xff]));
    assert.deepEqual(read("a/int", { properties }).bytes, Buffer.alloc(8, 0xff));
    assert.deepEqual(read("a/bool", { properties }).bytes, Buffer.from([1]));
  });

  it("may have a dot in a part when the path is given with NULs", () => {
    assert.equal(read("a/b.c", { properties: { "a\0b.c": "x" } }).bytes?.toString(), "x");
  });

  it("are found with one separator too many at the end, as in Envoy", () => {
    assert.equal(read("connection/mtls/").status, Status.Ok);
  });

  it("cannot be serialised as a whole map", () => {
    for (const root of ["connection", "source", "request", "filter_state"]) {
      assert.equal(read(root, { peer }).status, Status.SerializationFailure, root);
    }
  });

  it("are not found by a dotted name in one part: parts are joined by NUL", () => {
    assert.equal(read("connection.mtls", { peer }).status, Status.NotFound);
  });

  it("name the plugin's own place", () => {
    assert.deepEqual(read("plugin_root_id").words.slice(0, 2), [0, 0]);
    assert.deepEqual(read("plugin_vm_id").words.slice(0, 2), [0, 0]);
  });
});

function littleEndian(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}
