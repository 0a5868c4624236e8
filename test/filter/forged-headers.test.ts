// Headers that only holdfast writes: whatever a client has put there does not reach the upstream.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HeaderPair, Stream } from "../../cli/host/index.ts";
import { forwarded, PAYLOAD_HEADER, verified } from "./support/jwt-authn.ts";
import { OutboundScene, strippingPolicy } from "./support/outbound.ts";
import { issuer, policy } from "./support/policies.ts";
import { Scene, assertAllowed, bearer, verdictOf } from "./support/scene.ts";
import { payloadOf, token } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { upstreamNames, upstreamValues } from "./support/upstream.ts";
import { THIEF, plaintext, web } from "./support/world.ts";

const FORGED = 'allow;reason=ok;rule="orders";issuer="corp"';
const VERDICT_SPELLINGS = [
  "x-holdfast-verdict",
  "x_holdfast_verdict",
  "x-holdfast_verdict",
  "x_holdfast-verdict",
  "X-Holdfast-Verdict",
  "X_HOLDFAST_VERDICT",
];
const PAYLOAD_SPELLINGS = [
  "x-shop-claims",
  "x_shop_claims",
  "x-shop_claims",
  "x_shop-claims",
  "X-SHOP-Claims",
];

const forged = (names: readonly string[], value: string): HeaderPair[] =>
  names.flatMap((name) => [
    [name, value],
    [name, ""],
    [name, `${value}, ${value}`],
  ]);

/** Names in the request that some server takes for this one. */
function namesLike(stream: Stream, wanted: string): string[] {
  return upstreamNames(stream).filter((name) => name.replaceAll("_", "-") === wanted);
}

/** Every kind of rule, under a path of its own, and every verdict that lets a request go on. */
const rules: readonly Json[] = [
  { name: "none", when: { path: "/none" }, token: "none" },
  { name: "optional", when: { path: "/optional" }, token: "optional" },
  { name: "required", when: { path: "/required" } },
  { name: "strips", when: { path: "/strips" }, forward: { token: "strip" } },
  { name: "verdict", when: { path: "/verdict" }, forward: { verdict: true } },
  { name: "payload", when: { path: "/payload" }, forward: { payloadHeader: "x-shop-claims" } },
  { name: "observed", when: { path: "/observed" }, mode: "observe", forward: { payloadHeader: "x-other" } },
];
const PATHS = rules.map(({ when }) => (when as { path: string }).path);

describe("a verdict header from outside", () => {
  for (const mode of ["enforce", "observe"] as const) {
    const scene = new Scene(policy({ mode, rules }));

    it(`never reaches the upstream from a client, by no spelling and no number: ${mode}`, () => {
      for (const path of [...PATHS, "/no-rule"]) {
        for (const names of [VERDICT_SPELLINGS, ...VERDICT_SPELLINGS.map((name) => [name])]) {
          const stream = scene.present(token(), { path, headers: forged(names, FORGED) });
          if (stream.outcome !== "continue") continue;
          const left = namesLike(stream, "x-holdfast-verdict");
          const isOurs = mode === "enforce" && path === "/verdict";
          assert.deepEqual(left, isOurs ? ["x-holdfast-verdict"] : [], `${path} ${names.join()}`);
          assert.ok(!upstreamValues(stream, "x-holdfast-verdict").includes(FORGED), path);
        }
      }
    });
  }

  it("never reaches it with a request that would be denied, whatever for", () => {
    const scene = new Scene(policy({ mode: "observe" }));
    const headers = forged(VERDICT_SPELLINGS, FORGED);
    for (const request of [
      {},
      { peer: plaintext },
      { path: "/a//b" },
      { method: "get" },
      { authority: "a,b" },
      { path: "/?access_token=x" },
    ]) {
      const stream = scene.ask({ ...request, headers: [...headers, bearer(token({ sub: THIEF }))] });
      assert.deepEqual([stream.outcome, verdictOf(stream)], ["continue", "would-deny"]);
      assert.deepEqual(upstreamNames(stream), ["authorization"]);
    }
  });

  it("never reaches it with a token that is taken out", () => {
    const scene = new OutboundScene(strippingPolicy());
    const stream = scene.ask({
      headers: [...forged(VERDICT_SPELLINGS, FORGED), bearer(token({ sub: THIEF }))],
    });
    assert.deepEqual([verdictOf(stream), upstreamNames(stream)], ["strip", []]);
  });

  it("leaves headers alone that only look like it", () => {
    const names = [
      "x-holdfast",
      "x-holdfast-verdict-x",
      "x-holdfast-verdic",
      "holdfast-verdict",
      "x.holdfast.verdict",
    ];
    const stream = new Scene().ask({
      headers: [...names.map((name): HeaderPair => [name, "v"]), bearer(token())],
    });
    assertAllowed(stream);
    assert.deepEqual(upstreamNames(stream), [...names, "authorization"]);
  });

  it("denies its request when the host does not take it out", () => {
    const scene = new Scene();
    scene.host.calls.inject("proxy_remove_header_map_value", { status: 10 });
    const stream = scene.present(token(), { headers: forged(["x-holdfast-verdict"], FORGED) });
    assert.deepEqual([stream.outcome, verdictOf(stream)], ["replied", "deny"]);
  });

  it("is taken out though the request's headers cannot be read", () => {
    const scene = new Scene(policy({ mode: "observe" }));
    const padding = Array.from({ length: 1100 }, (_, i): HeaderPair => [`a-${i}`, "v"]);
    const stream = scene.present(token(), { headers: [["x-holdfast-verdict", FORGED], ...padding] });
    if (stream.outcome === "continue") assert.deepEqual(namesLike(stream, "x-holdfast-verdict"), []);
  });
});

describe("a payload header from outside", () => {
  const scene = new Scene(policy({ rules }));

  it("never reaches the upstream with an enforced request of any rule, by no spelling and no number", () => {
    const compact = token();
    for (const path of PATHS.filter((one) => one !== "/observed")) {
      for (const names of [PAYLOAD_SPELLINGS, ...PAYLOAD_SPELLINGS.map((name) => [name])]) {
        const stream = scene.present(compact, { path, headers: forged(names, "e30") });
        assertAllowed(stream, path);
        const where = `${path} ${names.join()}`;
        assert.deepEqual(
          namesLike(stream, "x-shop-claims"),
          path === "/payload" ? ["x-shop-claims"] : [],
          where,
        );
        const values = upstreamValues(stream, "x-shop-claims");
        assert.deepEqual(values, path === "/payload" ? [payloadOf(compact)] : [], where);
      }
    }
  });

  it("never reaches it with a request without a token, where a rule lets those pass", () => {
    for (const path of ["/none", "/optional"]) {
      const stream = scene.ask({ path, headers: forged(PAYLOAD_SPELLINGS, "e30") });
      assertAllowed(stream);
      assert.deepEqual(upstreamNames(stream), [], path);
    }
  });

  it("is taken out for every rule's header, the observed rules' too", () => {
    const stream = scene.ask({ path: "/none", headers: [["x-other", "e30"]] });
    assertAllowed(stream);
    assert.deepEqual(upstreamNames(stream), []);
  });

  it("stays in an observed request, as everything does but the verdict", () => {
    const stream = scene.present(token(), { path: "/observed", headers: [["x-shop-claims", "e30"]] });
    assertAllowed(stream);
    assert.deepEqual(upstreamValues(stream, "x-shop-claims"), ["e30"]);
  });

  it("never reaches it beside what jwt_authn wrote in its own header", () => {
    const byAuthn = issuer({
      issuer: "https://other.example",
      keys: { jwt_authn: { payloadHeader: PAYLOAD_HEADER } },
    });
    const both = new Scene(
      policy({
        issuers: { idp: issuer(), byAuthn },
        rules: [
          {
            name: "payload",
            when: { path: "/payload" },
            issuers: ["idp"],
            forward: { payloadHeader: "x-shop-claims" },
          },
          { name: "authn", issuers: ["byAuthn"] },
        ],
      }),
    );
    const claims = { iss: "https://other.example" };
    const headers: HeaderPair[] = [["x-shop-claims", "e30"], ...forwarded(token(claims))];
    const stream = both.ask({ headers, metadata: verified(claims) });
    assertAllowed(stream);
    assert.deepEqual(upstreamNames(stream), ["authorization", PAYLOAD_HEADER]);
  });

  it("is no token, and gives no right", () => {
    const stream = scene.ask({
      path: "/payload",
      peer: web,
      headers: [["x-shop-claims", payloadOf(token())]],
    });
    assert.deepEqual([stream.outcome, verdictOf(stream)], ["replied", "deny"]);
  });
});
