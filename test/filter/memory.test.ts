// A VM lives for as long as Envoy does: what grows with requests or with policies ends in a trap, some day.

import assert from "node:assert/strict";
import { it } from "node:test";
import type { Request, Stream } from "../../cli/host/index.ts";
import { makeKey } from "./support/keys.ts";
import { policy } from "./support/policies.ts";
import { Scene, assertAllowed, bearer } from "./support/scene.ts";
import { CLAIMS, base64url, key, token, tokenOf } from "./support/tokens.ts";
import { THIEF, plaintext, thief, web } from "./support/world.ts";

const REQUESTS = 100_000;
const RELOADS = 10_000;
/** Streams that stay open from their policy's time to the end. */
const HELD = 100;

const manyHeaders = Array.from({ length: 1_000 }, (_, i) => [`x-${i}`, `value ${i}`] as const);
const rules = [
  { name: "health", when: { path: "/healthz" }, token: "none" },
  { name: "trial", when: { pathPrefix: "/trial" }, mode: "observe" },
  { name: "all" },
];

/** A token that gets as far as its signature, of `size` bytes or a little less. */
function largeToken(size: number): string {
  const payload = {
    ...CLAIMS,
    pad: "x".repeat(Math.floor(((size - 200) * 3) / 4) - JSON.stringify(CLAIMS).length - 9),
  };
  const [head = "", body = ""] = tokenOf({ alg: "ES256", kid: "k1" }, payload).split(".");
  return `${head}.${body}.${Buffer.alloc(63, 1).toString("base64url")}`;
}

const FREQUENT: readonly Request[] = [
  { path: "/healthz", peer: plaintext },
  { path: "/a//b", peer: web },
  { path: "/orders", peer: web },
  { headers: [["authorization", "Basic x"]], peer: web },
  { headers: [bearer("a.b.c")], peer: web },
  { headers: [bearer(`${base64url("{}")}.${base64url("{}")}.AA`)], peer: web },
  { headers: [bearer(tokenOf({ alg: "none" }, CLAIMS))], path: "/trial", peer: web },
  { headers: [bearer(token({ iss: THIEF }))], peer: thief },
];
const RARE: readonly Request[] = [
  { headers: [bearer(token())], peer: web },
  { headers: [bearer(token())], peer: thief },
  { headers: [bearer(token())], path: "/trial/1", peer: thief },
  { headers: [bearer(token()), ...manyHeaders], peer: web },
  { headers: manyHeaders, peer: plaintext },
  ...[1_000, 4_000, 8_000, 16_384].map((size) => ({ headers: [bearer(largeToken(size))], peer: web })),
  { headers: [bearer("x".repeat(16_385))], peer: web },
  { headers: [["x-large", "y".repeat(900_000)], bearer(token())], peer: web },
];

/** The requests of a day: mostly the frequent ones, and one in fifty of the rare. */
function requestAt(index: number): Request {
  const isRare = index % 50 === 0;
  const list = isRare ? RARE : FREQUENT;
  return list[(isRare ? index / 50 : index) % list.length] ?? {};
}

it(`memory is the same after ${REQUESTS} requests of all kinds`, () => {
  const scene = new Scene(policy({ rules }), { logLevel: "error" });
  const run = (count: number): void => {
    for (let i = 0; i < count; i++) scene.plugin.request(requestAt(i)).end();
  };
  run(2 * 50 * RARE.length);
  const pages = scene.vm.memoryPages;
  run(REQUESTS);
  assert.equal(scene.vm.memoryPages, pages);
  assert.equal(scene.host.vmFailures, 0);
  assertAllowed(scene.present(token()));
});

it(`memory is the same after ${RELOADS} policies with streams open on old ones`, () => {
  const otherKeys = [makeKey("ES256", "k2").jwk, makeKey("ES384", "k3").jwk];
  const hundred = Array.from({ length: 100 }, (_, i) => ({ name: `r${i}`, when: { path: `/${i}` } }));
  const idp = { issuer: CLAIMS.iss, keys: { jwks: { keys: [key.jwk, ...otherKeys] } } };
  const configurations = [
    policy(),
    policy({ rules }),
    policy({ rules: hundred }),
    policy({ issuers: { idp } }),
  ].map((rules) => JSON.stringify(rules));
  const refused = [
    JSON.stringify(policy({ rules: [...hundred, {}] })),
    "{",
    configurations[2]?.slice(0, -1) ?? "",
  ];
  const scene = new Scene(policy(), { logLevel: "critical" });

  const held: Stream[] = [];
  const passing: Stream[] = [];
  const reload = (count: number): void => {
    for (let i = 0; i < count; i++) {
      if (i % 10 === 9) assert.equal(scene.plugin.configure(refused[i % refused.length] ?? ""), false);
      assert.ok(scene.plugin.configure(configurations[i % configurations.length] ?? ""), scene.lastLine());
      const stream = scene.plugin.request(requestAt(i + 1));
      if (held.length < HELD && i % 7 === 0) held.push(stream);
      else passing.push(stream);
      if (passing.length > 8) passing.shift()?.end();
    }
  };
  reload(1_000);
  assert.equal(held.length, HELD);
  const pages = scene.vm.memoryPages;
  reload(RELOADS);
  assert.equal(scene.vm.memoryPages, pages);
  for (const stream of [...held, ...passing]) stream.end();
  reload(100);
  assert.equal(scene.vm.memoryPages, pages);
  assert.equal(scene.host.vmFailures, 0);
});
