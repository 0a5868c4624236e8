// `holdfast schema` prints what editors check policies by.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { policy, policyWithIssuer } from "../filter/support/policies.ts";
import { holdfast } from "./support.ts";

describe("holdfast schema", () => {
  it("prints a schema that takes a good policy and refuses a bad one", async () => {
    const { code, out, err } = await holdfast(["schema"]);
    assert.deepEqual([code, err], [0, ""]);
    const validate = new Ajv2020({ strictTypes: false }).compile(JSON.parse(out) as object);
    assert.equal(validate(policy()), true);
    assert.equal(validate(policyWithIssuer({ audience: "orders" })), false);
  });

  it("has no links that lead nowhere from an editor", async () => {
    const { out } = await holdfast(["schema"]);
    assert.doesNotMatch(out, /\.md\b/);
    assert.match(out, /as far as an issuer's `borders` let its tokens cross/);
  });

  it("says in its help how an editor finds it", async () => {
    const { code, out } = await holdfast(["schema", "--help"]);
    assert.equal(code, 0);
    assert.match(out, /"json\.schemas"/);
    assert.match(out, /# yaml-language-server: \$schema=holdfast\.schema\.json/);
    assert.match(out, /Examples:\n {2}holdfast schema > holdfast\.schema\.json/);
  });

  it("takes no arguments", async () => {
    const { code, err } = await holdfast(["schema", "policy.json"]);
    assert.equal(code, 2);
    assert.match(err, /too many arguments/);
  });
});
