// The policies in docs/egress.md. They load only in a proxy that is told whom it stands beside, so the test of all documents cannot.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { CLUSTER } from "./support/key-server.ts";
import { OutboundScene } from "./support/outbound.ts";
import type { Json } from "./support/json.ts";

const PAGE = readFileSync(new URL("../../docs/egress.md", import.meta.url), "utf8");
const policies = [...PAGE.matchAll(/<!-- outbound policy -->\s*```json\n(.*?)```/gs)].map(
  ([, text = ""]) => text,
);

describe("the policies on the page about egress", () => {
  it("are all marked as what they are", () => {
    assert.ok(policies.length >= 2, `${policies.length} policies found`);
    assert.equal([...PAGE.matchAll(/```json/g)].length, policies.length);
  });

  for (const [i, text] of policies.entries()) {
    it(`are taken by a sidecar: ${i}`, () => {
      const scene = new OutboundScene(JSON.parse(text) as Json, { clusters: [CLUSTER] });
      assert.ok(scene.plugin.accepted);
    });
  }
});
