// What can be sent again by whoever has seen it: TLS early data; and tunnels, in which nothing is seen.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { policy, policyWithRule } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { token } from "./support/tokens.ts";

describe("a request that was sent as early data", () => {
  const headers: [string, string][] = [["early-data", "1"]];

  it("is told to come again, early_data, when it has a token that nothing protects from replay", () => {
    const scene = new Scene();
    const stream = scene.present(token(), { headers });
    assertDenied(stream, "early_data");
    assert.equal(stream.reply?.status, 425);
    assertAllowed(scene.present(token()));
  });

  it("goes on where no token is asked for", () => {
    assertAllowed(new Scene(policyWithRule({ token: "none" })).ask({ headers }));
    assertAllowed(new Scene(policyWithRule({ token: "optional" })).ask({ headers }));
  });
});

describe("a tunnel", () => {
  it("is opened by no rule that does not name CONNECT", () => {
    const scene = new Scene();
    assertDenied(scene.present(token(), { method: "CONNECT", path: "/chat" }), "no_rule");
    assertDenied(
      new Scene(policyWithRule({ token: "none" })).ask({ method: "CONNECT", path: "/chat" }),
      "no_rule",
    );
  });

  it("is opened by one that does, also after a rule for every other request", () => {
    const rules = [{ name: "all" }, { name: "tunnel", when: { path: "/chat", methods: ["CONNECT"] } }];
    const scene = new Scene(policy({ rules }));
    assertAllowed(scene.present(token(), { method: "CONNECT", path: "/chat" }));
    assertDenied(scene.present(token(), { method: "CONNECT", path: "/other" }), "no_rule");
  });
});
