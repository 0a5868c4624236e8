// What goes on to the upstream: the token or not, the payload of a token that was proven, and the verdict.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Stream } from "../../cli/host/index.ts";
import { forwarded, PAYLOAD_HEADER, verified } from "./support/jwt-authn.ts";
import { FetchingScene, fetchingPolicy } from "./support/key-server.ts";
import { HOST, OutboundScene, strippingPolicy } from "./support/outbound.ts";
import { issuer, policy, policyWithRule } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied, assertWouldDeny, bearer, verdictOf } from "./support/scene.ts";
import { key, payloadOf, token } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { upstreamNames, upstreamValues } from "./support/upstream.ts";
import { THIEF, thief, web } from "./support/world.ts";

const HEADER = "x-claims";
const VERDICT = "x-holdfast-verdict";

function forwarding(forward: Json, rule: Json = {}): Scene {
  return new Scene(policyWithRule({ forward, ...rule }));
}

describe("the token", () => {
  it("goes on unless the rule says strip", () => {
    const compact = token();
    for (const forward of [{}, { token: "keep" }, { verdict: true }]) {
      const stream = forwarding(forward).present(compact);
      assertAllowed(stream);
      assert.deepEqual(upstreamValues(stream, "authorization"), [`Bearer ${compact}`]);
    }
    const stream = new Scene().present(compact);
    assert.deepEqual(upstreamNames(stream), ["authorization"]);
  });

  it("is taken out where the rule says strip, and all else stays as it is", () => {
    const stream = forwarding({ token: "strip" }).ask({
      headers: [["x-a", "1"], bearer(token()), ["x-a", "2"], ["cookie", "c=d"]],
    });
    assertAllowed(stream);
    assert.deepEqual(
      stream.requestHeaders.filter(([name]) => !name.startsWith(":")),
      [
        ["x-a", "1"],
        ["x-a", "2"],
        ["cookie", "c=d"],
      ],
    );
  });

  it("is taken out of its issuer's own header, in every spelling, and authorization with it only where the rule takes it", () => {
    const own = issuer({ header: "x-token" });
    const rule = { name: "all", forward: { token: "strip" } };
    const scene = new Scene(policy({ issuers: { idp: own }, rules: [rule] }));
    for (const name of ["x-token", "x_token"]) {
      const stream = scene.ask({
        headers: [
          [name, token()],
          ["authorization", "Basic x"],
        ],
      });
      assertAllowed(stream, name);
      assert.deepEqual(upstreamNames(stream), ["authorization"], name);
    }
    const other = issuer({ issuer: "https://other.example" });
    const both = new Scene(policy({ issuers: { idp: own, other }, rules: [rule] }));
    for (const headers of [
      [["x-token", token()]],
      [bearer(token({ iss: "https://other.example" }))],
    ] as const) {
      const stream = both.ask({ headers });
      assertAllowed(stream);
      assert.deepEqual(upstreamNames(stream), []);
    }
  });

  it("in a header that the rule does not look into is not the rule's to take out", () => {
    const stream = forwarding({ token: "strip" }).ask({ headers: [bearer(token()), ["x-token", token()]] });
    assertAllowed(stream);
    assert.deepEqual(upstreamNames(stream), ["x-token"]);
  });

  it("that is second to another never gets as far", () => {
    const stream = forwarding({ token: "strip" }).ask({
      headers: [bearer(token()), bearer(token({ sub: THIEF }))],
    });
    assertDenied(stream, "token_duplicate");
  });

  it("is taken out where jwt_authn verified it, and jwt_authn's own header stays", () => {
    const keys = { jwt_authn: { payloadHeader: PAYLOAD_HEADER } };
    const rules = policy({
      issuers: { idp: issuer({ keys }) },
      rules: [{ name: "all", forward: { token: "strip" } }],
    });
    const stream = new Scene(rules).ask({ headers: forwarded(token()), metadata: verified() });
    assertAllowed(stream);
    assert.deepEqual(upstreamNames(stream), [PAYLOAD_HEADER]);
  });

  it("is denied, and goes nowhere, when the host does not take it out", () => {
    const scene = forwarding({ token: "strip" });
    scene.host.calls.inject("proxy_remove_header_map_value", { status: 10 });
    assertDenied(scene.present(token()), "host_unavailable");
  });
});

describe("the payload header", () => {
  const scene = forwarding({ payloadHeader: HEADER });

  it("has the token's payload as it came, whether the token is new or remembered", () => {
    const compact = token({ jti: "a" });
    for (let i = 0; i < 3; i++) {
      const stream = scene.present(compact);
      assertAllowed(stream);
      assert.deepEqual(upstreamValues(stream, HEADER), [payloadOf(compact)]);
    }
    const another = token({ jti: "b" });
    assert.deepEqual(upstreamValues(scene.present(another), HEADER), [payloadOf(another)]);
    assert.deepEqual(upstreamValues(scene.present(compact), HEADER), [payloadOf(compact)]);
  });

  it("is there though the token is not", () => {
    const compact = token();
    const stream = forwarding({ payloadHeader: HEADER, token: "strip" }).present(compact);
    assert.deepEqual(upstreamNames(stream), [HEADER]);
    assert.deepEqual(upstreamValues(stream, HEADER), [payloadOf(compact)]);
  });

  it("has a payload of 11 KB, too", () => {
    const compact = token({ pad: "x".repeat(8000) });
    for (let i = 0; i < 2; i++)
      assert.deepEqual(upstreamValues(scene.present(compact), HEADER), [payloadOf(compact)]);
  });

  it("is not there for a request without a token, nor for one that is refused", () => {
    const optional = forwarding({ payloadHeader: HEADER }, { token: "optional" });
    const stream = optional.ask();
    assertAllowed(stream);
    assert.deepEqual(upstreamNames(stream), []);
    const denied = optional.present(token(), { peer: thief });
    assertDenied(denied, "spiffe_mismatch");
    assert.deepEqual(upstreamValues(denied, HEADER), []);
  });

  it("is not there for a token that is taken out because it was refused", () => {
    const out = new OutboundScene(strippingPolicy({}, { forward: { payloadHeader: HEADER } }));
    const stream = out.present(token({ sub: THIEF }));
    assert.deepEqual([verdictOf(stream), upstreamNames(stream)], ["strip", []]);
    const own = out.present(token());
    assertAllowed(own);
    assert.deepEqual(upstreamNames(own).sort(), ["authorization", HEADER]);
  });

  it("has never a payload of a request before", () => {
    const two = new Scene(
      policy({
        rules: [
          { name: "open", when: { path: "/open" }, token: "none" },
          { name: "all", token: "optional", forward: { payloadHeader: HEADER } },
        ],
      }),
    );
    two.present(token());
    assert.deepEqual(upstreamValues(two.ask(), HEADER), []);
    assert.deepEqual(upstreamValues(two.ask({ path: "/open" }), HEADER), []);
  });

  it("is denied, and goes nowhere, when the host does not write it", () => {
    const failing = forwarding({ payloadHeader: HEADER });
    failing.host.calls.inject("proxy_replace_header_map_value", { status: 10 });
    assertDenied(failing.present(token()), "host_unavailable");
  });
});

describe("the verdict header", () => {
  const scene = forwarding({ verdict: true });
  const verdictOn = (stream: Stream): string[] => upstreamValues(stream, VERDICT);

  it("is an RFC 9651 item: the verdict, the reason, the rule and the issuer", () => {
    assert.deepEqual(verdictOn(scene.present(token())), ['allow;reason=ok;rule="all";issuer="idp"']);
  });

  it("has no issuer where there was no token", () => {
    const optional = forwarding({ verdict: true }, { token: "optional" });
    assert.deepEqual(verdictOn(optional.ask()), ['allow;reason=token_optional_absent;rule="all"']);
  });

  it("is there where the rule says so and nowhere else", () => {
    for (const forward of [{}, { verdict: false }, { token: "strip" }])
      assert.deepEqual(verdictOn(forwarding(forward).present(token())), []);
    assert.deepEqual(verdictOn(new Scene().present(token())), []);
  });

  it("tells of a token that was taken out", () => {
    const out = new OutboundScene(strippingPolicy({}, { forward: { verdict: true } }));
    const refused = verdictOn(out.present(token({ sub: THIEF }), { authority: HOST }));
    assert.deepEqual(refused, ['strip;reason=spiffe_mismatch;rule="out";issuer="idp"']);
  });

  it("has the names as the policy has them", () => {
    const name = `A-1._${"x".repeat(59)}`;
    const rules = policy({ issuers: { [name]: issuer() }, rules: [{ name, forward: { verdict: true } }] });
    assert.deepEqual(verdictOn(new Scene(rules).present(token())), [
      `allow;reason=ok;rule="${name}";issuer="${name}"`,
    ]);
  });

  it("is not there for a client, nor on a request that is denied", () => {
    const stream = scene.present(token(), { peer: thief });
    assertDenied(stream, "spiffe_mismatch");
    assert.deepEqual(verdictOn(stream), []);
    assert.ok(!stream.reply?.headers.some(([name]) => name === VERDICT));
  });
});

describe("a request that has waited for keys", () => {
  it("goes on with the same headers as one that has not", () => {
    const rules = [{ name: "all", forward: { token: "strip", payloadHeader: HEADER, verdict: true } }];
    const scene = new FetchingScene(fetchingPolicy({}, { rules }));
    const compact = token();
    const arrive = (): Stream =>
      scene.plugin.request({
        peer: web,
        headers: [[HEADER, "forged"], [VERDICT, "allow"], bearer(compact), ["x-a", "1"]],
      });
    const waited = arrive();
    assert.equal(waited.outcome, "pause");
    scene.publish(key.jwk);
    const atOnce = arrive();
    for (const stream of [waited, atOnce]) {
      assertAllowed(stream);
      assert.deepEqual(
        stream.requestHeaders.filter(([name]) => !name.startsWith(":")),
        [
          ["x-a", "1"],
          [HEADER, payloadOf(compact)],
          [VERDICT, 'allow;reason=ok;rule="all";issuer="idp"'],
        ],
      );
    }
  });
});

describe("observe mode", () => {
  it("forwards nothing and takes nothing out, on good tokens and on bad ones", () => {
    const scene = forwarding({ token: "strip", payloadHeader: HEADER, verdict: true }, { mode: "observe" });
    const compact = token();
    for (const peer of [web, thief]) {
      const stream = scene.present(compact, { peer });
      if (peer === web) assertAllowed(stream);
      else assertWouldDeny(stream, "spiffe_mismatch");
      assert.deepEqual(
        stream.requestHeaders.filter(([name]) => !name.startsWith(":")),
        [bearer(compact)],
      );
    }
  });
});

describe("a rule without forward, or without tokens", () => {
  it("costs no call that changes a header", () => {
    const scene = new Scene(policyWithRule({ token: "none" }));
    scene.host.calls.resetCounts();
    assertAllowed(scene.ask({ headers: [["x-a", "1"]] }));
    const calls = [...scene.host.calls.counts().keys()].filter((name) => /header_map_value$/.test(name));
    assert.deepEqual(calls, []);
  });
});
