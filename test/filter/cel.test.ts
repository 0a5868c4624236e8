// The `cel` binding: an expression over request and connection that Envoy evaluates.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FetchingScene, fetchingPolicy } from "./support/key-server.ts";
import { policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied, bearer } from "./support/scene.ts";
import { key, token } from "./support/tokens.ts";
import { thief, web } from "./support/world.ts";

function ruleWith(...expressions: readonly string[]) {
  return { name: "all", bind: expressions.map((cel) => ({ cel })) };
}

function bound(...expressions: readonly string[]): Scene {
  return new Scene(policy({ rules: [ruleWith(...expressions)] }));
}

const team = (value: string): [string, string] => ["x-team", value];

describe("an expression", () => {
  const scene = bound("request.headers['x-team'] == 'shop' && request.method == 'GET'");

  it("has to be true of the request", () => {
    assertAllowed(scene.present(token(), { headers: [team("shop")] }));
    assertDenied(scene.present(token(), { headers: [team("other")] }), "expression_not_true");
    assertDenied(scene.present(token(), { headers: [team("shop")], method: "POST" }), "expression_not_true");
  });

  it("that cannot be evaluated is not true", () => {
    assertDenied(scene.present(token()), "expression_not_true");
    assertDenied(bound("1 / 0 == 1").present(token()), "expression_not_true");
  });

  it("says nothing about whose token it is: the default binding holds as well", () => {
    assertDenied(scene.present(token(), { headers: [team("shop")], peer: thief }), "spiffe_mismatch");
  });

  it("can give nothing but true: no text, number or byte stands for it", () => {
    for (const expression of ["'\\x01'", "b'\\x01'", "1", "'true'", "request.headers['x-team'] // == 'x'"])
      assertDenied(
        bound(expression).present(token(), { headers: [team("\u0001")] }),
        "expression_not_true",
        expression,
      );
    assertAllowed(bound("true // always").present(token()));
  });

  it("may be one of several", () => {
    const both = bound("request.method == 'GET'", "request.path.startsWith('/a')");
    assertAllowed(both.present(token(), { path: "/a" }));
    assertDenied(both.present(token(), { path: "/b" }), "expression_not_true");
    const any = new Scene(
      policy({
        rules: [{ name: "all", bind: [{ anyOf: [{ cel: "false" }, { spiffe: { claim: "sub" } }] }] }],
      }),
    );
    assertAllowed(any.present(token()));
  });

  it("of one rule is not another's", () => {
    const rules = [
      { ...ruleWith("request.headers['x-team'] == 'a'"), name: "a", when: { pathPrefix: "/a" } },
      { ...ruleWith("request.headers['x-team'] == 'b'"), name: "b", when: { pathPrefix: "/b" } },
    ];
    const two = new Scene(policy({ rules }));
    assertAllowed(two.present(token(), { path: "/a", headers: [team("a")] }));
    assertAllowed(two.present(token(), { path: "/b", headers: [team("b")] }));
    assertDenied(two.present(token(), { path: "/b", headers: [team("a")] }), "expression_not_true");
  });

  it("is judged when the request arrives, also for one that waits: Envoy could not evaluate it later", () => {
    const waiting = new FetchingScene(
      fetchingPolicy({}, { rules: [ruleWith("request.headers['x-team'] == 'shop'")] }),
    );
    const send = (value: string) =>
      waiting.plugin.request({ peer: web, headers: [bearer(token()), team(value)] });
    const good = send("shop");
    const bad = send("other");
    waiting.publish(key.jwk);
    assertAllowed(good);
    assertDenied(bad, "expression_not_true");
  });
});

describe("a policy with an expression", () => {
  for (const text of ["", "request.", "nosuch(1)", "1 +", 7, null]) {
    it(`${JSON.stringify(text)} is refused`, () => {
      const rules = [{ name: "all", bind: [{ cel: text }] }];
      assert.throws(
        () => new Scene(policy({ rules })),
        /refused at "\/rules\/0\/bind\/0\/cel": expected a CEL expression/,
      );
    });
  }

  it("is refused on a host without CEL, and the running one stays", () => {
    const scene = new Scene();
    scene.host.calls.inject("proxy_call_foreign_function", { status: 1 });
    assert.equal(scene.plugin.configure(JSON.stringify(policy({ rules: [ruleWith("true")] }))), false);
    assert.match(scene.lastLine(), /on a host that has CEL/);
    scene.host.calls.clearFaults();
    assertAllowed(scene.present(token()));
  });

  it("has at most 32 of them in a rule", () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `request.method != 'X${i}'`);
    assertAllowed(bound(...many(32)).present(token()));
    assert.throws(() => bound(...many(33)), /at most 32/);
  });
});
