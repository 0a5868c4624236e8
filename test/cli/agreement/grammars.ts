// The grammars of strings in a policy: what a string of each is made of, pieces that it may and may not have.

import type { Json } from "../../filter/support/json.ts";

export interface Grammar {
  readonly name: string;
  /** A policy with this string in its place, and nothing else that could be refused. */
  readonly policyWith: (text: string) => Json;
  readonly pieces: readonly string[];
}

const FETCHED = { cluster: "idp", path: "/jwks" };

const policy = (members: Json): Json => ({
  trustDomain: "a.b",
  issuers: { corp: { issuer: "i", keys: FETCHED } },
  ...members,
});
const rule = (members: Json): Json => policy({ rules: [{ name: "r", ...members }] });
const when = (members: Json): Json => rule({ when: members });
const bind = (binding: Json): Json => rule({ bind: [binding] });
const issuer = (members: Json): Json =>
  policy({ issuers: { corp: { issuer: "i", keys: FETCHED, ...members } } });
const keys = (members: Json): Json => issuer({ keys: { ...FETCHED, ...members } });

const words = (text: string): readonly string[] => text.split(" ");
/** Around the limits of names, authorities and texts. */
const LONG = [64, 65, 130, 261, 262, 1000, 2048, 2049].map((length) => "x".repeat(length));
const ODD = ["\u00e9", "\0", " ", "\n", "\u007f", "\u{1f600}"];

const path = words(
  "/ / / a . .. ... %20 %2e %C3%A9 %c3 %e2%82%ac %ED%A0%80 %F0%9F%98%80 %f4%90%80%80 %E0%80%80 %7b %2f %5C %25 %00 %7f",
).concat(words("; ? # * { } \\ ~ ' [ ] | ^ ` %3F %23 %7E %40 % %4 %zz ! @ : = < >"), ODD);
const header = words(
  "a x - _ holdfast x-holdfast- x-envoy- x-forwarded- x-request-id authorization host X . 1",
).concat(ODD, LONG);
const host = words(
  "a A b.c . : [ ] [::1] 1.2.3.4 :80 :0 :65535 :65536 a:1 a:65535 a:65536 :080 - _ @ * *. /",
).concat(ODD, LONG);
const id = words("/ / / a A . .. ... a.b - _ % * ** ?").concat(ODD);
const duration = words("0 1 2 3 5 9 s m h 01 -").concat(
  words("0s 1s 299s 300s 301s 0m 5m 6m 0h 1h 2h 3600s 3601s 60m 61m 86400s 86401s 1440m 1441m 24h 25h"),
  words("604800s 604801s 10080m 10081m 168h 169h 999999s 999999h 1000000s"),
);
const name = words("a A - . _ 1").concat(ODD, LONG);
const claim = words(
  'a . . " "a.b" kubernetes.io kubernetes io "" a.b.c.d a.b.c.d.e.f.g.h a.b.c.d.e.f.g.h.i',
).concat(ODD);

export const GRAMMARS: readonly Grammar[] = [
  { name: "path", policyWith: (text) => when({ path: text }), pieces: path },
  { name: "pathPrefix", policyWith: (text) => when({ pathPrefix: `/${text}` }), pieces: path },
  {
    name: "pathTemplate",
    policyWith: (text) => when({ pathTemplate: text }),
    pieces: words(
      "/ / /{a} /{*} /{**} a . .. { } {a} %20 %2e /{a-b_1} /{} /{a.b} // /a/b/c/d/e/f/g/h/i/j",
    ).concat(`/{a}${"/b".repeat(31)}`, `/{a}${"/b".repeat(32)}`),
  },
  { name: "service", policyWith: (text) => when({ grpc: { service: text } }), pieces: name },
  { name: "method", policyWith: (text) => when({ grpc: { service: "a", method: text } }), pieces: name },
  {
    name: "methods",
    policyWith: (text) => when({ methods: [text] }),
    pieces: words("GET A - _ a 1").concat(ODD),
  },
  {
    name: "host",
    policyWith: (text) => ({ ...issuer({ egress: { hosts: [text] } }), presenter: { from: "self" } }),
    pieces: host,
  },
  { name: "authority", policyWith: (text) => when({ authority: text }), pieces: host },
  { name: "headers", policyWith: (text) => when({ headers: [text] }), pieces: header },
  { name: "header", policyWith: (text) => issuer({ header: text }), pieces: header },
  {
    name: "payloadHeader",
    policyWith: (text) => rule({ forward: { payloadHeader: `x-${text}` } }),
    pieces: header,
  },
  { name: "name", policyWith: (text) => policy({ name: text }), pieces: name },
  { name: "text", policyWith: (text) => issuer({ audiences: [text] }), pieces: name },
  {
    name: "trust domain",
    policyWith: (text) => ({ ...policy({}), trustDomain: text }),
    pieces: name.concat("/", ":"),
  },
  {
    name: "SPIFFE ID",
    policyWith: (text) => policy({ revoked: { presenters: [`spiffe://a${text}`] } }),
    pieces: id,
  },
  { name: "SPIFFE pattern", policyWith: (text) => issuer({ presenters: [`spiffe://a${text}`] }), pieces: id },
  {
    name: "SPIFFE template",
    policyWith: (text) => bind({ spiffe: { template: `spiffe://${text}` } }),
    pieces: id.concat(
      words(
        '{trustDomain} {trustDomain}/ a/ {sub} {a.b} {"a.b"} {"a/./b"} { } {} {{trustDomain} {.} {kubernetes.io.x} a/{a.b.c.d.e.f.g.h} a/{a.b.c.d.e.f.g.h.i}',
      ),
    ),
  },
  { name: "claim", policyWith: (text) => bind({ spiffe: { claim: text } }), pieces: claim },
  {
    name: "range",
    policyWith: (text) => bind({ network: { sources: [text] } }),
    pieces: words(
      "0 10 255 256 08 . .0.0.0 1.2.3.4 0.0.0.0 10.0.0.0 : :: :: ffff FFFF 12345 abcd: / /0 /8 /24 /32 /33 /128 /129 1.2.3.4/32 1.2.3.4/33 ::/128 ::/129 ::ffff: 1:2:3:4:5:6: 1:2:3:4:5:6:7:8 g",
    ),
  },
  {
    name: "origin",
    policyWith: (text) => policy({ dpop: { origins: [text] } }),
    pieces: host.concat(words("http https:// https:// HTTPS://a http://b :443 / ? # /.. /x/..")),
  },
  { name: "request path", policyWith: (text) => keys({ path: `/${text}` }), pieces: path.concat(LONG) },
  { name: "request authority", policyWith: (text) => keys({ authority: text }), pieces: host },
  {
    name: "digest",
    policyWith: (text) => policy({ revoked: { tokens: [`${"A".repeat(40)}${text}`] } }),
    pieces: words("A E I B 8 _ - = z AAE"),
  },
  { name: "up to 5 minutes", policyWith: (text) => issuer({ clockSkew: text }), pieces: duration },
  {
    name: "1 second to 5 minutes",
    policyWith: (text) => policy({ wpt: { audiences: ["a"], maxLifetime: text } }),
    pieces: duration,
  },
  {
    name: "1 second to 1 hour",
    policyWith: (text) => rule({ revalidate: { every: text } }),
    pieces: duration,
  },
  {
    name: "1 second to 1 day",
    policyWith: (text) => keys({ refresh: text, staleFor: "168h" }),
    pieces: duration,
  },
  {
    name: "1 second to 1 week",
    policyWith: (text) => keys({ refresh: "1s", staleFor: text }),
    pieces: duration,
  },
  {
    name: "1 second and more",
    policyWith: (text) => issuer({ maxAge: text }),
    pieces: duration.concat("99999", "999999"),
  },
];
