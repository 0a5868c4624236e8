import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { VECTORS_PAGE, vectorsPage } from "../../docs/reference/write-vectors.ts";
import { DIVERGENCES, EVERY_VALID_CASE } from "./divergences.ts";
import { SUITES } from "./suites.ts";

test("docs/vectors.md is what the lists give", async () => {
  assert.ok(existsSync(VECTORS_PAGE), "missing: run npm run docs");
  assert.equal(readFileSync(VECTORS_PAGE, "utf8"), await vectorsPage(), "stale: run npm run docs");
});

test("every suite is listed once, and every divergence is of one case", () => {
  assert.equal(new Set(SUITES.map(({ path }) => path)).size, SUITES.length);
  const cases = DIVERGENCES.flatMap(({ suite, cases: names }) =>
    [names].flat().map((name) => (name === EVERY_VALID_CASE ? suite : `${suite} ${name}`)),
  );
  assert.equal(new Set(cases).size, cases.length);
});

test("every reason for a divergence names where its standard says so, or what is not standard", () => {
  for (const { suite, why } of DIVERGENCES) assert.match(why, /section|The vector/, `${suite}: ${why}`);
});
