import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { policy, policyWithRule } from "./support/policies.ts";
import { Scene, assertAllowed, assertWouldDeny, bearer } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import { thief, web } from "./support/world.ts";

/** Host calls by which a filter could change what client or upstream sees. */
const CHANGING = new Set([
  "proxy_send_local_response",
  "proxy_close_stream",
  "proxy_continue_stream",
  "proxy_add_header_map_value",
  "proxy_replace_header_map_value",
  "proxy_remove_header_map_value",
  "proxy_set_header_map_pairs",
  "proxy_clear_route_cache",
]);

describe("observe mode", () => {
  const scene = new Scene(policy({ mode: "observe" }));

  it("lets a stolen token pass, and says what it would have done", () => {
    assertWouldDeny(scene.present(token(), { peer: thief }), "spiffe_mismatch");
  });

  it("says allow of what is good", () => {
    assertAllowed(scene.present(token()));
  });

  it("changes nothing that client or upstream see of what they have written", () => {
    const headers = [bearer(token()), ["x-holdfast", "y"]] as const;
    scene.host.calls.resetCounts();
    const stream = scene.ask({ path: "/orders?a=b", headers, peer: thief });
    assert.deepEqual(
      stream.requestHeaders.filter(([name]) => !name.startsWith(":")),
      headers,
    );
    for (const call of scene.host.calls.counts().keys()) assert.ok(!CHANGING.has(call), call);
  });

  it("takes out the verdict that only holdfast writes, and nothing else: an upstream may rely on it", () => {
    const headers = [bearer(token()), ["x_holdfast_verdict", "allow"], ["x-holdfast", "y"]] as const;
    scene.host.calls.resetCounts();
    const stream = scene.ask({ headers: [...headers, ["x-holdfast-verdict", "allow"]], peer: thief });
    assertWouldDeny(stream, "spiffe_mismatch");
    assert.deepEqual(
      stream.requestHeaders.filter(([name]) => !name.startsWith(":")),
      [headers[0], headers[2]],
    );
    const changes = [...scene.host.calls.counts().keys()].filter((call) => CHANGING.has(call));
    assert.deepEqual(changes, ["proxy_remove_header_map_value"]);
  });

  it("does nothing of what a rule would have go on, nor takes a refused token out", () => {
    const forward = { token: "strip", payloadHeader: "x-claims", verdict: true };
    const forwarding = new Scene(policyWithRule({ mode: "observe", forward }));
    forwarding.host.calls.resetCounts();
    assertAllowed(forwarding.present(token(), { headers: [["x-claims", "e30"]] }));
    assertWouldDeny(forwarding.present(token(), { peer: thief }), "spiffe_mismatch");
    for (const call of forwarding.host.calls.counts().keys()) assert.ok(!CHANGING.has(call), call);
  });

  it("has no memory of what it let pass", () => {
    const enforcing = new Scene();
    for (let i = 0; i < 3; i++) {
      assertWouldDeny(scene.present(token(), { peer: thief }), "spiffe_mismatch");
      assertAllowed(scene.present(token(), { peer: web }));
      assertAllowed(enforcing.present(token()));
    }
  });
});
