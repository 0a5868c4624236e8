// What Envoy makes of CEL expressions. test/envoy/host-cel.test.ts asks Envoy, test/host/host-cel.test.ts the host in Node, and
// both have to answer this.

import type { Metadata } from "../../../cli/host/properties/metadata.ts";
import { Status } from "../../../cli/host/index.ts";
import type { EnvoyVersion } from "../../../cli/host/index.ts";
import { serialize } from "../../../cli/host/properties/value.ts";

/** What the expressions are evaluated over, beside a plain GET over mTLS on HTTP/1.1. */
export const celFacts = {
  path: "/a/b?c=1",
  peerId: "spiffe://example.org/ns/shop/sa/web",
  /** Of the proxy itself. */
  localId: "spiffe://example.org/ns/shop/sa/orders",
  headers: [
    ["x-twice", "one"],
    ["x-twice", "two"],
    ["x-empty", ""],
  ],
  metadata: {
    "my.filter": { text: "hello", number: 7, yes: true, nothing: null, list: ["a", "b"], map: { a: "x" } },
  } satisfies Metadata,
  /** Of another filter. */
  filterState: { "my.state": "state" },
  /** The guest's own property `holdfast.verdict`. */
  verdict: "allow",
} as const;

/** Evaluate to what stands beside them. A bigint is an int or uint, a number a double. */
const values: readonly (readonly [string, boolean | string | bigint | number])[] = [
  ["true", true],
  ["1", 1n],
  ["2u", 2n],
  ["1.5", 1.5],
  ["'text'", "text"],
  ["'\\x01'", "\u0001"],
  ["b'ab'", "ab"],
  ["timestamp('2020-01-01T00:00:00Z')", 1_577_836_800_000_000_000n],
  ["duration('1s')", 1_000_000_000n],
  ["plugin_name", "cel"],
  ["plugin_root_id", "cel"],

  ["(true // comment\n) == true", true],
  ["('\\x01'\n) == true", false],
  ["(1\n) == true", false],

  ["true || 1 / 0 > 0", true],
  ["1 / 0 > 0 || true", true],
  ["1 / 0 > 0 && false", false],
  ["'a' && false", false],
  ["true ? 1 : 1 / 0", 1n],
  ["1 == 1.0 && 1u == 1", true],
  ["1 < 1.5 && 1u < 2", true],
  ["'a' == 1", false],
  ["'a' < 'b' && 'ä' > 'b'", true],
  ["-5 / 2", -2n],
  ["-5 % 3", -2n],
  ["1.0 / 0.0", Infinity],
  ["size('äö')", 2n],
  ["'abc'.matches('b')", true],
  ["'abc'.matches('^b')", false],
  ["'abc'.startsWith('a') && 'abc'.endsWith('c') && 'abc'.contains('b')", true],
  ["'a' + 'b'", "ab"],
  ["string(1)", "1"],
  ["int('1')", 1n],
  ["[1, 2].exists(x, x == 2) && [1, 2].all(x, x > 0) && [1, 2].exists_one(x, x == 1)", true],
  ["[1, 2].map(x, x * 2) == [2, 4] && [1, 2].filter(x, x > 1) == [2]", true],
  [`${"1 + ".repeat(31)}1`, 32n],
  [`${"true && ".repeat(99)}true`, true],
  [`${"true || ".repeat(99)}true`, true],
  ["1 in [1, 2] && 'a' in {'a': 1}", true],

  ["request.method", "GET"],
  ["request.path", celFacts.path],
  ["request['path']", celFacts.path],
  ["request.url_path", "/a/b"],
  ["request.query", "c=1"],
  ["request.protocol", "HTTP/1.1"],
  ["request.headers[':path']", celFacts.path],
  ["request.headers['x-twice']", "one,two"],
  ["request.headers['X-Twice']", "one,two"],
  ["request.headers['x-empty'] == ''", true],
  ["'x-absent' in request.headers || has(request.headers.absent)", false],
  ["has(request.nosuch)", false],
  ["request.time > timestamp('2020-01-01T00:00:00Z')", true],

  ["connection.mtls", true],
  ["connection.tls_version", "TLSv1.3"],
  ["connection.uri_san_peer_certificate", celFacts.peerId],
  ["connection.uri_san_local_certificate", celFacts.localId],
  ["connection.sha256_peer_certificate_digest.matches('^[0-9a-f]{64}$')", true],
  ["connection.requested_server_name", ""],
  ["type(connection.id) == uint && type(source.port) == int", true],
  ["source.address.startsWith('127.0.0.1:')", true],

  ["metadata.filter_metadata['my.filter'].text", "hello"],
  ["metadata.filter_metadata['my.filter'].number", 7],
  ["metadata.filter_metadata['my.filter'].number == 7", true],
  ["metadata.filter_metadata['my.filter'].yes", true],
  ["metadata.filter_metadata['my.filter'].nothing == null", true],
  ["metadata.filter_metadata['my.filter'].list[1]", "b"],
  ["'b' in metadata.filter_metadata['my.filter'].list", true],
  ["metadata.filter_metadata['my.filter'].map.a", "x"],
  ["has(metadata.filter_metadata['my.filter'].absent)", false],

  ["filter_state['my.state']", "state"],
  ["filter_state['my.state'] == 'state'", false],
  ["filter_state['my.state'] == b'state'", true],
  ["string(filter_state['my.state']) == 'state'", true],
  ["filter_state['wasm.holdfast.verdict'] == b'allow'", true],
  ["has(filter_state.nosuch)", false],
];

/** Cannot be evaluated. */
const errors: readonly string[] = [
  "1 / 0",
  "1 % 0",
  "9223372036854775807 + 1",
  "1u - 2u",
  "1 + 'a'",
  "'a' < 1",
  "true && 'a'",
  "!'a'",
  "1 ? true : false",
  "[1][5]",
  "{'a': 1}['b']",
  "'abc'.matches('(')",
  "int('x')",
  "nosuch",
  "holdfast.verdict",
  "request.nosuch",
  "request.headers['x-absent']",
  "request.headers['x-absent'] == 'a'",
  "request.headers.absent != 'a'",
  "connection.nosuch",
  "connection.id + 1",
  "metadata.filter_metadata.nosuch.a == 'a'",
  "metadata.filter_metadata['my.filter'].absent",
  "metadata.filter_metadata['my.filter'].number + 1",
  "filter_state['nosuch']",
];

/** Evaluate to what cannot be handed to the guest. */
const unserializable: readonly string[] = [
  "null",
  "type(1)",
  "metadata.filter_metadata['my.filter'].nothing",
];

/** Are refused when they are created. */
const refused: readonly string[] = [
  "",
  "1 +",
  "'open",
  "a b",
  "a\u0000b",
  "nosuch(1)",
  "size('a', 'b')",
  "'a'.startsWith()",
  "'a'.lowerAscii()",
  "('a' // comment) == true",
  `${"1 + ".repeat(32)}1`,
  `${"[".repeat(33)}${"]".repeat(33)}`,
  `a${".b".repeat(32)}`,
];

/** Where the host in Node deviates: Envoy's answer, and Node's. */
const deviations: readonly CelCase[] = [
  { expression: `${"(".repeat(33)}true${")".repeat(33)}`, evaluated: seen(1), inNode: seen(0, "01") },
  { expression: "has(nosuch.a)", evaluated: seen(10), inNode: seen(0, "00") },
  {
    expression: "has(metadata.filter_metadata['my.filter'].nothing)",
    evaluated: seen(0, "01"),
    inNode: seen(0, "00"),
  },
  { expression: "startsWith('abc', 'a')", evaluated: seen(0, "01"), inNode: seen(1) },
  { expression: "size(source) == 0", evaluated: seen(0, "01"), inNode: seen(0, "00") },
  { expression: "source.exists(name, name == 'port')", evaluated: seen(0, "00"), inNode: seen(0, "01") },
  { expression: "xds.cluster_name", evaluated: seen(0, "757073747265616d"), inNode: seen(10) },
  { expression: "destination.address.startsWith('127.0.0.1:')", evaluated: seen(0, "01"), inNode: seen(10) },
];

/** Attributes that Envoy has since 1.40. */
const since140: readonly (readonly [string, boolean])[] = [
  ["connection.peer_certificate_valid", true],
  ["connection.peer_certificate.startsWith('-----BEGIN CERTIFICATE-----')", true],
];

export interface CelCase {
  readonly expression: string;
  /** What the guest sees of `expr_evaluate`: a status, and the result in hex. */
  readonly evaluated: string;
  /** The same from the host in Node, where that deviates. */
  readonly inNode?: string;
}

export function celCases(envoy: EnvoyVersion): readonly CelCase[] {
  const newest = since140.map(([expression, value]) =>
    envoy === "1.37" ? failing(Status.InternalFailure)(expression) : valued(expression, value),
  );
  return [
    ...values.map(([expression, value]) => valued(expression, value)),
    ...errors.map(failing(Status.InternalFailure)),
    ...unserializable.map(failing(Status.SerializationFailure)),
    ...refused.map(failing(Status.NotFound)),
    ...newest,
    ...deviations,
    valued("has(connection.peer_certificate_valid)", envoy !== "1.37"),
  ];
}

/** Whether an expression can be created, if this is what evaluating it shows: what is refused has no token. */
export function isCreated(evaluated: string): boolean {
  return evaluated !== seen(Status.NotFound);
}

function valued(expression: string, value: boolean | string | bigint | number): CelCase {
  const bytes = serialize(value);
  return { expression, evaluated: seen(Status.Ok, Buffer.from(bytes as Uint8Array).toString("hex")) };
}

function failing(status: Status): (expression: string) => CelCase {
  return (expression) => ({ expression, evaluated: seen(status) });
}

function seen(status: number, hex = ""): string {
  return `${status} ${hex}`;
}
