// What becomes of a token that may not leave, where the rule says that it is taken out: the request goes on without it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Request, Stream } from "../../cli/host/index.ts";
import { CLUSTER, answerWith } from "./support/key-server.ts";
import { HOST, INBOUND, OUTBOUND, OutboundScene, strippingPolicy } from "./support/outbound.ts";
import { issuer } from "./support/policies.ts";
import { lastRecord, recordsOf } from "./support/records.ts";
import {
  assertAllowed,
  assertDenied,
  assertWouldDeny,
  bearer,
  reasonOf,
  verdictOf,
} from "./support/scene.ts";
import { key, token } from "./support/tokens.ts";
import { upstreamNames, upstreamValues } from "./support/upstream.ts";
import type { Json } from "./support/json.ts";
import { THIEF, WEB, plaintext } from "./support/world.ts";

const foreign = token({ sub: THIEF });

/** Gone on, without any `authorization`. */
function assertStripped(stream: Stream, reason: string, message = reason): void {
  const seen = [stream.outcome, verdictOf(stream), reasonOf(stream), upstreamValues(stream, "authorization")];
  assert.deepEqual(seen, ["continue", "strip", reason, []], message);
  assert.equal(stream.reply, undefined, message);
}

describe("a token that is refused", () => {
  const scene = new OutboundScene(strippingPolicy());

  it("is taken out, and the request goes on with all else that it has", () => {
    const stream = scene.ask({ headers: [["x-a", "1"], bearer(foreign), ["cookie", "c=d"]] });
    assertStripped(stream, "spiffe_mismatch");
    assert.deepEqual(upstreamNames(stream), ["x-a", "cookie"]);
  });

  it("is taken out for whatever is wrong with it", () => {
    assertStripped(scene.present(token(), { authority: "evil.example" }), "egress_host_not_admitted");
    assertStripped(scene.present(token({ exp: 1 })), "token_expired");
    assertStripped(scene.present(token({ aud: "x" })), "audience_mismatch");
    assertStripped(scene.present("a.b"), "token_malformed");
    assertStripped(scene.present("opaque"), "token_malformed");
    assertStripped(scene.present("a".repeat(16 * 1024 + 1)), "token_too_large");
    assertStripped(scene.present(token({ iss: "https://elsewhere.example" })), "issuer_unknown");
    const inbound = { properties: { "xds.listener_direction": INBOUND } };
    const outside = scene.present(token(), inbound);
    assert.deepEqual(
      [outside.outcome, verdictOf(outside)],
      ["replied", "deny"],
      "there the sender is somebody else",
    );
  });

  it("is taken out with what is no token, in the same header", () => {
    for (const [value, reason] of [
      ["Basic d2ViOndlYg==", "scheme_unsupported"],
      ["Negotiate x", "scheme_unsupported"],
      ["", "scheme_unsupported"],
      ["Bearer", "authorization_malformed"],
      ["Bearer a b", "authorization_malformed"],
      [`Bearer ${token()}, Bearer ${foreign}`, "token_duplicate"],
    ] as const)
      assertStripped(scene.ask({ headers: [["authorization", value]] }), reason, value);
  });

  it("is taken out with every other one beside it, good or bad", () => {
    const good = bearer(token());
    assertStripped(scene.ask({ headers: [good, good] }), "token_duplicate");
    assertStripped(
      scene.ask({ headers: [good, ["x-a", "1"], bearer(foreign), ["Authorization", "Basic x"]] }),
      "token_duplicate",
    );
  });

  it("is no matter for requests that have a good one, or none", () => {
    const compact = token();
    const own = scene.present(compact);
    assertAllowed(own);
    assert.deepEqual(upstreamValues(own, "authorization"), [`Bearer ${compact}`]);
    assertAllowed(scene.ask());
  });

  it("is counted and logged, and neither as a deny nor as an allow", () => {
    const fresh = new OutboundScene(strippingPolicy());
    fresh.present(foreign);
    const verdicts = Object.fromEntries(
      Object.entries(fresh.counted()).filter(([name]) => /^(allow|deny|would_deny|strip)\./.test(name)),
    );
    assert.deepEqual(verdicts, { "strip.spiffe_mismatch": 1 });
    assert.equal(recordsOf(fresh).length, 1);
    const { verdict, reason, mode, presenter, rule } = lastRecord(fresh);
    assert.deepEqual(
      { verdict, reason, mode, presenter, rule },
      { verdict: "strip", reason: "spiffe_mismatch", mode: "enforce", presenter: WEB, rule: "out" },
    );
  });

  it("is one line a time, ten in a second", () => {
    const fresh = new OutboundScene(strippingPolicy());
    for (let i = 0; i < 25; i++) fresh.present(foreign);
    assert.equal(recordsOf(fresh).length, 10);
    assert.equal(fresh.counted("strip.")["strip.spiffe_mismatch"], 25);
  });
});

describe("a request that cannot be freed of its token", () => {
  const scene = new OutboundScene(strippingPolicy());

  it("is denied: a token in the query", () => {
    const path = `/orders?access_token=${token()}`;
    assertDenied(scene.ask({ path }), "token_in_query");
    assertDenied(scene.present(foreign, { path }), "token_in_query");
  });

  it("is denied: a token in the query beside a bad one in the header, whatever is found first", () => {
    for (const compact of [foreign, "a.b", "a".repeat(16 * 1024 + 1)]) {
      for (const path of ["/?a=b&Access%5Ftoken=x", "/?access_token"]) {
        const stream = scene.present(compact, { path });
        assert.deepEqual([stream.outcome, verdictOf(stream)], ["replied", "deny"], path);
      }
    }
    const twice = scene.ask({ path: "/?access_token=x", headers: [bearer(foreign), bearer(foreign)] });
    assert.deepEqual([twice.outcome, verdictOf(twice)], ["replied", "deny"]);
  });

  it("is denied: no rule is known for it", () => {
    assertDenied(scene.present(foreign, { path: "/a//b" }), "path_ambiguous");
    assertDenied(scene.present(foreign, { authority: "a,b" }), "authority_ambiguous");
  });

  it("is denied when the host does not take the header out", () => {
    scene.host.calls.inject("proxy_remove_header_map_value", { status: 10 });
    const stream = scene.present(foreign);
    scene.host.calls.clearFaults();
    assertDenied(stream, "host_unavailable");
  });
});

describe("an answer that might be another one later (503)", () => {
  it("is given, and the token is not taken out: the client should keep it and try again", () => {
    const scene = new OutboundScene(strippingPolicy());
    scene.host.calls.inject("proxy_call_foreign_function", { status: 10 });
    const stream = scene.present(token({ jti: "fresh" }));
    scene.host.calls.clearFaults();
    assertDenied(stream, "host_unavailable");
    assert.equal(stream.reply?.status, 503);
    assert.equal(upstreamValues(stream, "authorization").length, 1);
  });

  it("is given when there are no keys", () => {
    const keys = { cluster: CLUSTER, path: "/jwks" };
    const issuers = { idp: issuer({ keys, egress: { hosts: [HOST] } }) };
    const scene = new OutboundScene(strippingPolicy({ issuers }), { clusters: [CLUSTER] });
    scene.now += 6;
    assertDenied(scene.present(token()), "keys_absent");
    assertDenied(scene.present(foreign), "keys_absent");
  });
});

describe("a request that has waited for its keys", () => {
  it("is freed of its token as well", () => {
    const keys = { cluster: CLUSTER, path: "/jwks" };
    const issuers = { idp: issuer({ keys, egress: { hosts: [HOST] } }) };
    const scene = new OutboundScene(strippingPolicy({ issuers }), { clusters: [CLUSTER] });
    const arrive = (compact: string) =>
      scene.plugin.request({
        peer: plaintext,
        authority: HOST,
        headers: [bearer(compact), ["x-a", "1"]],
        properties: { "xds.listener_direction": OUTBOUND },
      });
    const refused = arrive(foreign);
    const own = arrive(token());
    assert.deepEqual([refused.outcome, own.outcome], ["pause", "pause"]);
    scene.vm.tick();
    scene.vm.httpCalls[0]?.respond(answerWith(key.jwk));
    assertStripped(refused, "spiffe_mismatch");
    assert.deepEqual(upstreamNames(refused), ["x-a"]);
    assertAllowed(own);
    assert.equal(upstreamValues(own, "authorization").length, 1);
  });
});

describe("a token in a header of its issuer's own", () => {
  const named = (rule: Json = {}) =>
    new OutboundScene(
      strippingPolicy(
        {
          issuers: {
            idp: issuer({ header: "x-token", egress: { hosts: [HOST] } }),
            plain: issuer({ issuer: "https://plain.example", egress: { hosts: [HOST] } }),
          },
        },
        rule,
      ),
    );
  const send = (scene: OutboundScene, ...headers: readonly [string, string][]): Stream =>
    scene.ask({ headers });

  it("is taken out from there, in both spellings that servers take for one", () => {
    const scene = named({ issuers: ["idp"] });
    for (const name of ["x-token", "x_token", "X-Token"]) {
      const stream = send(scene, [name, foreign]);
      assert.deepEqual([stream.outcome, verdictOf(stream)], ["continue", "strip"], name);
      assert.deepEqual(upstreamNames(stream), [], name);
    }
  });

  it("is taken out with all others that the rule takes, when there are two", () => {
    const scene = named();
    const stream = send(scene, ["x-token", foreign], bearer(token({ iss: "https://plain.example" })));
    assertStripped(stream, "token_duplicate");
    assert.deepEqual(upstreamNames(stream), []);
  });

  it("leaves an authorization alone that the rule does not look at, unless there are two", () => {
    const scene = named({ issuers: ["idp"] });
    const stream = send(scene, ["x-token", foreign], ["authorization", "Basic x"]);
    assert.deepEqual([verdictOf(stream), upstreamNames(stream)], ["strip", ["authorization"]]);
    const twice = send(scene, ["x-token", foreign], ["authorization", "a"], ["authorization", "b"]);
    assertDenied(twice, "token_duplicate");
  });

  it("with another in a header of the same name is taken out with it, or the request is denied", () => {
    const stream = send(named({ issuers: ["idp"] }), ["x-token", foreign], ["x_token", token()]);
    const left = upstreamNames(stream);
    assert.ok(stream.outcome === "replied" || left.length === 0, left.join());
  });
});

describe("an opaque token", () => {
  const rules = strippingPolicy({
    issuers: {
      as: { introspection: { cluster: "as", path: "/i" }, audiences: ["orders"], egress: { hosts: [HOST] } },
    },
  });
  const ask = (answer: Json | undefined): Stream => {
    const scene = new OutboundScene(rules, { clusters: ["as"] });
    const stream = scene.plugin.request({
      peer: plaintext,
      authority: HOST,
      headers: [bearer("2YotnFZFEjr1zCsicMWpAA")],
      properties: { "xds.listener_direction": OUTBOUND },
    });
    assert.equal(stream.outcome, "pause");
    const [call] = scene.vm.httpCalls;
    if (answer === undefined) call?.fail();
    else call?.respond({ status: 200, body: JSON.stringify(answer) });
    return stream;
  };
  const active = { active: true, sub: WEB, aud: "orders", exp: 1_800_000_300 };

  it("that its server does not know is taken out, and one that it knows leaves", () => {
    assertStripped(ask({ active: false }), "token_inactive");
    assertStripped(ask({ ...active, sub: THIEF }), "spiffe_mismatch");
    assertAllowed(ask(active));
  });

  it("whose server does not answer is denied for now", () => {
    assertDenied(ask(undefined), "introspection_unavailable");
  });
});

describe("observe mode", () => {
  it("says what it would refuse, and takes nothing out", () => {
    const scene = new OutboundScene(strippingPolicy({ mode: "observe" }));
    const stream = scene.present(foreign);
    assertWouldDeny(stream, "spiffe_mismatch");
    assert.deepEqual(upstreamValues(stream, "authorization"), [`Bearer ${foreign}`]);
    assert.deepEqual(Object.keys(scene.counted("strip.")), []);
    assert.equal(lastRecord(scene)["verdict"], "would-deny");
  });

  it("of another rule changes nothing for this one", () => {
    const request: Request = { path: "/observed" };
    const observed = {
      name: "observed",
      when: { path: "/observed" },
      mode: "observe",
      token: "optional",
      onDeny: "strip",
    };
    const rules = strippingPolicy();
    const [out] = (rules as { rules: Json[] }).rules;
    const scene = new OutboundScene({ ...rules, rules: [observed, out] });
    assertWouldDeny(scene.present(foreign, request), "spiffe_mismatch");
    assertStripped(scene.present(foreign), "spiffe_mismatch");
  });
});
