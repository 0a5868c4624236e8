import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { policy } from "./support/policies.ts";
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

  it("changes nothing that client or upstream see", () => {
    const headers = [bearer(token()), ["x-holdfast", "y"]] as const;
    scene.host.calls.resetCounts();
    const stream = scene.ask({ path: "/orders?a=b", headers, peer: thief });
    assert.deepEqual(
      stream.requestHeaders.filter(([name]) => !name.startsWith(":")),
      headers,
    );
    for (const call of scene.host.calls.counts().keys()) assert.ok(!CHANGING.has(call), call);
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
