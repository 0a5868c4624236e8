import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { Teardown } from "../../envoy/process/teardown.ts";
import { startUpstream } from "../../envoy/setup/start-setup.ts";

describe("the upstream", () => {
  const teardown = new Teardown();
  let origin: string;

  before(async () => {
    origin = `http://127.0.0.1:${await startUpstream(teardown)}`;
  });
  after(() => teardown.run());

  it("answers with what reached it, and shows of a token the fingerprint that holdfast logs", async () => {
    const token = "header.payload.signature";
    const response = await fetch(`${origin}/orders/1`, { headers: { authorization: `Bearer ${token}` } });
    const body = await response.text();
    const { method, path, headers } = JSON.parse(body) as {
      method: string;
      path: string;
      headers: [string, string][];
    };
    assert.deepEqual([method, path], ["GET", "/orders/1"]);
    const firstBytes = createHash("sha256").update(token).digest().subarray(0, 8).toString("hex");
    assert.equal(new Map(headers).get("authorization"), `sha256:${firstBytes}`);
    assert.ok(!body.includes(token));
  });
});
