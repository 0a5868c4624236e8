import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { Answer, Reason, answerTo, reasonName } from "../../assembly/decision/reason.ts";
import type { LogLine, Stream } from "../../cli/host/index.ts";
import { forwarded, PAYLOAD_HEADER, verified } from "./support/jwt-authn.ts";
import { policy, policyWithIssuer } from "./support/policies.ts";
import { reasons } from "./support/reasons.ts";
import { Scene, assertDenied, bearer } from "./support/scene.ts";
import { key, token } from "./support/tokens.ts";
import { NOW, THIEF, WEB, plaintext, thief, web } from "./support/world.ts";

const stolen = token();

/** The lines about requests; a policy's own line comes before them. */
function requestLines(scene: Scene): readonly LogLine[] {
  return scene.host.logs.filter(({ level }) => level === "warn");
}

function linesOf(scene: Scene): unknown[] {
  return requestLines(scene).map(({ message }) => {
    assert.match(message, /^holdfast \{/);
    return JSON.parse(message.slice("holdfast ".length)) as unknown;
  });
}

/** Counters beside the verdicts. */
const EVENTS = [
  ...["fetched", "confirmed", "failed", "refused", "passed_over"].map((name) => `holdfast.keys.${name}`),
  ...["asked", "failed"].map((name) => `holdfast.introspection.${name}`),
  ...["hit", "miss", "eviction"].map((name) => `holdfast.token_cache.${name}`),
  ...["seen", "renewed"].map((name) => `holdfast.rotation.${name}`),
  ...["fetched", "confirmed", "failed", "refused", "stale"].map((name) => `holdfast.revocations.${name}`),
  "holdfast.first_use.lost",
];

/** How far tokens travel. */
const REACH = Object.entries({
  token_age: ["1m", "5m", "15m", "1h", "8h", "24h", "more"],
  since_check: ["first", "1s", "10s", "1m", "10m", "1h", "more"],
  presenters: ["1", "2", "3", "4", "more"],
  services: ["1", "2", "3", "4", "more"],
  uses: ["bound", "unbound"],
  border: ["same", "cluster", "federated", "outside"],
}).flatMap(([family, names]) => names.map((name) => `holdfast.reach.${family}.${name}`));

/** Reasons that are not about a token in a header, so that no token is taken out for them. */
const NEVER_STRIPPED = new Set(["token_absent", "token_in_query"]);

describe("counters", () => {
  it("are all there with a zero before any request", () => {
    const expected: string[] = [];
    for (const reason of reasons) {
      const name = reasonName(reason);
      if (answerTo(reason) === Answer.None) expected.push(`holdfast.allow.${name}`);
      else expected.push(`holdfast.deny.${name}`, `holdfast.would_deny.${name}`);
      const isOver =
        [Answer.InvalidToken, Answer.Forbidden].includes(answerTo(reason)) || name === "token_absent";
      if (isOver) expected.push(`holdfast.close.${name}`);
      const isOfToken = reason > Reason.token_absent && answerTo(reason) !== Answer.Unavailable;
      if (isOfToken && !NEVER_STRIPPED.has(name)) expected.push(`holdfast.strip.${name}`);
    }
    const counters = new Scene().host.counters();
    assert.deepEqual([...counters.keys()].sort(), [...expected, ...EVENTS, ...REACH].sort());
    assert.deepEqual(new Set(counters.values()), new Set([0]));
  });

  it("count each verdict once", () => {
    const scene = new Scene();
    for (let i = 0; i < 3; i++) scene.present(stolen);
    for (let i = 0; i < 2; i++) scene.present(stolen, { peer: thief });
    const counted = [...scene.host.counters()].filter(([, value]) => value > 0);
    assert.deepEqual(
      new Map(counted),
      new Map([
        ["holdfast.allow.ok", 3],
        ["holdfast.deny.spiffe_mismatch", 2],
        ["holdfast.token_cache.miss", 1],
        ["holdfast.token_cache.hit", 4],
      ]),
    );
  });
});

describe("the log", () => {
  const fingerprint = createHash("sha256").update(stolen).digest("hex").slice(0, 16);

  it("has one line for a deny: rule, issuer, presenter, reason and the token's fingerprint", () => {
    const scene = new Scene();
    scene.present(stolen, { peer: thief });
    assert.deepEqual(linesOf(scene), [
      {
        verdict: "deny",
        reason: "spiffe_mismatch",
        mode: "enforce",
        time: NOW * 1000,
        rule: "default",
        issuer: "idp",
        presenter: THIEF,
        border: "same",
        token: `sha256:${fingerprint}`,
        age: 0,
        presenters: 1,
        bindings: [{ method: "spiffe", held: false, reason: "spiffe_mismatch" }],
      },
    ]);
  });

  it("has the same line with another verdict in observe mode", () => {
    const scene = new Scene(policy({ mode: "observe" }));
    scene.present(stolen, { peer: thief });
    const [line] = linesOf(scene) as { verdict: string; reason: string }[];
    assert.deepEqual([line?.verdict, line?.reason], ["would-deny", "spiffe_mismatch"]);
  });

  it("leaves out what is not known, and never keeps it from the request before", () => {
    const scene = new Scene();
    scene.present(stolen, { peer: thief });
    scene.ask({ path: "//" });
    scene.ask({ peer: plaintext });
    assert.deepEqual(linesOf(scene).slice(1), [
      { verdict: "deny", reason: "path_ambiguous", mode: "enforce", time: NOW * 1000, presenter: WEB },
      { verdict: "deny", reason: "token_absent", mode: "enforce", time: NOW * 1000, rule: "default" },
    ]);
  });

  it("has no line for an allow", () => {
    const scene = new Scene();
    scene.present(stolen);
    assert.deepEqual(requestLines(scene), []);
  });

  it("is silent, and reads no clock of its own, when its level is above warn", () => {
    for (const [logLevel, lines] of [
      ["warn", 1],
      ["error", 0],
      ["critical", 0],
    ] as const) {
      const scene = new Scene(policy(), { logLevel });
      // Refused before its claims, which need the time themselves.
      assertDenied(scene.ask(), "token_absent");
      const { calls } = scene.host;
      assert.deepEqual(
        [calls.count("proxy_log"), calls.count("proxy_get_current_time_nanoseconds")],
        [lines, lines],
        logLevel,
      );
    }
  });

  it("takes 10 lines of one presenter in a second, and then says how many it held back", () => {
    const scene = new Scene();
    for (let i = 0; i < 25; i++) scene.present(stolen, { peer: thief });
    assert.equal(requestLines(scene).length, 10);
    scene.ask();
    assert.equal(requestLines(scene).length, 11, "another presenter has a budget of his own");
    scene.now = NOW + 1;
    scene.present(stolen, { peer: thief });
    scene.present(stolen, { peer: thief });
    const heldBack = linesOf(scene).map((line) => (line as { heldBack?: number }).heldBack);
    assert.deepEqual(heldBack.slice(-2), [15, undefined]);
    assert.equal(scene.host.counter("holdfast.deny.spiffe_mismatch"), 27);
  });

  it("takes 10 lines of each of two presenters in one second, whose budgets are not the same", () => {
    const scene = new Scene();
    const meantForThief = token({ sub: THIEF });
    for (let i = 0; i < 25; i++) {
      scene.present(stolen, { peer: thief });
      scene.present(meantForThief);
    }
    const presenters = linesOf(scene).map((line) => (line as { presenter: string }).presenter);
    const linesFrom = (presenter: string) => presenters.filter((one) => one === presenter).length;
    assert.deepEqual([presenters.length, linesFrom(THIEF), linesFrom(WEB)], [20, 10, 10]);
  });

  it("says when nobody vouches for a presenter, who then silences nobody else", () => {
    const scene = new Scene(policy({ presenter: { validatedBy: "envoy" } }));
    const impostor = { ...thief, validated: false };
    for (let i = 0; i < 25; i++) scene.present(stolen, { peer: impostor });
    assert.equal(requestLines(scene).length, 10);
    const [line] = linesOf(scene) as Record<string, string>[];
    assert.deepEqual([line?.["presenter"], line?.["unvalidatedPresenter"]], [undefined, THIEF]);
    scene.present(stolen, { peer: thief });
    assert.equal(requestLines(scene).length, 11, "the real one still has his budget");
  });
});

describe("nothing that is told", () => {
  const SECRET = "s3cr3t";
  const scenes = [
    new Scene(),
    new Scene(policy({ mode: "observe" })),
    new Scene(policyWithIssuer({ keys: { jwt_authn: { payloadHeader: PAYLOAD_HEADER } } })),
  ];

  /** Everything that leaves the filter, but for headers that it passes on untouched. */
  function toldOf(scene: Scene, stream: Stream): string {
    const { reply } = stream;
    return [
      ...scene.host.logs.map(({ message }) => message),
      ...scene.host.counters().keys(),
      stream.filterState("wasm.holdfast.verdict"),
      stream.filterState("wasm.holdfast.reason"),
      reply?.details,
      reply?.body.toString("latin1"),
      JSON.stringify(reply?.headers),
    ].join("\n");
  }

  it("has a token, a part of one, a claim, a header or a path in it", () => {
    const claims = { sub: `spiffe://example.org/${SECRET}`, jti: SECRET, cnf: { [SECRET]: SECRET } };
    const compact = token(claims);
    const requests = [
      { headers: [bearer(compact)] },
      { headers: [bearer(token({ sub: SECRET }))], peer: thief },
      { headers: [bearer(token({ iss: SECRET }))] },
      { headers: [bearer(token({ aud: SECRET }))] },
      { headers: [bearer(token({ exp: SECRET }))] },
      { headers: [bearer(`${SECRET}.${SECRET}.${SECRET}`)] },
      { headers: [["authorization", `Bearer ${SECRET} ${SECRET}`]] },
      { headers: [["authorization", SECRET]] },
      { headers: [bearer(compact), bearer(compact)] },
      { headers: [["cookie", SECRET]], path: `/${SECRET}?access_token=${SECRET}` },
      { path: `/${SECRET}//`, authority: SECRET, method: SECRET },
      { headers: [bearer(compact)], peer: { ...web, uriSan: `https://${SECRET}` } },
      { headers: forwarded(compact), metadata: verified(claims) },
    ] as const;
    for (const scene of scenes) {
      for (const request of requests) {
        const told = toldOf(scene, scene.ask(request));
        for (const part of [SECRET, ...compact.split(".")])
          assert.ok(!told.includes(part), `${part} in ${told}`);
      }
    }
  });

  it("has a key in it, when a policy is refused either", () => {
    const scene = new Scene();
    const x = String(key.jwk["x"]);
    const secretKeys = { jwks: { keys: [{ ...key.jwk, d: SECRET }] } };
    assert.equal(scene.plugin.configure(JSON.stringify(policyWithIssuer({ keys: secretKeys }))), false);
    assert.ok(!scene.lastLine().includes(SECRET) && !scene.lastLine().includes(x), scene.lastLine());
  });

  it("can be made to break out of its line by a presenter's ID", () => {
    const scene = new Scene();
    scene.present(stolen, { peer: { ...web, uriSan: 'spiffe://example.org/a","verdict":"allow' } });
    assert.deepEqual(Object.keys(linesOf(scene)[0] as object), [
      "verdict",
      "reason",
      "mode",
      "time",
      "rule",
      "issuer",
      "token",
    ]);
  });
});
