// `holdfast explain`: what becomes of one request, step by step.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { policy } from "../filter/support/policies.ts";
import { token } from "../filter/support/tokens.ts";
import { NOW, THIEF, WEB, thief } from "../filter/support/world.ts";
import { Files, holdfast } from "./support.ts";

const files = new Files();
const usual = files.write("usual.json", policy());
const compact = token();
const flags = ["explain", "-p", usual, "--now", String(NOW), "-H", `Authorization: Bearer ${compact}`];

it("a request that is let in shows what held", async () => {
  const { code, out } = await holdfast([...flags, "--path", "/orders", "--peer", WEB]);
  assert.equal(code, 0);
  for (const line of ["request         GET /orders", "rule            default", `presenter       ${WEB}`])
    assert.ok(out.includes(line), out);
  assert.match(out, /\+ binding spiffe {2}holds\n\+ verdict {9}allow: ok\n\nThe client gets 200\./);
});

it("a stolen token shows whose it is, who came with it, and what to do; and never itself", async () => {
  const { out } = await holdfast([...flags, "--path", "/orders", "--peer", THIEF]);
  assert.ok(out.includes(`sub ${JSON.stringify(WEB)}`) && out.includes(`presenter       ${THIEF}`), out);
  assert.match(
    out,
    /x binding spiffe {2}does not hold: spiffe_mismatch\nx verdict {9}deny: spiffe_mismatch\n/,
  );
  assert.match(out, /The client gets 401\.\nThe token is for another workload/);
  for (const part of compact.split(".")) assert.ok(!out.includes(part));
});

it("the same as JSON, from a file", async () => {
  const request = {
    now: NOW,
    path: "/orders",
    peer: thief,
    headers: [["authorization", `Bearer ${compact}`]],
  };
  const { out } = await holdfast([
    "explain",
    "-p",
    usual,
    "-r",
    files.write("request.json", request),
    "--json",
  ]);
  const { verdict, reason, status, steps, means, next } = JSON.parse(out) as Record<string, unknown>;
  assert.deepEqual([verdict, reason, status], ["deny", "spiffe_mismatch", 401]);
  assert.ok(Array.isArray(steps) && steps.length >= 6);
  assert.ok(typeof means === "string" && typeof next === "string");
});

describe("a wrong command", () => {
  const cases: Readonly<Record<string, readonly [args: readonly string[], err: RegExp]>> = {
    "no request": [["explain", "-p", usual], /expected a request: --path/],
    "a header without a colon": [
      ["explain", "-p", usual, "--path", "/", "-H", "x"],
      /--header "x": expected a name/,
    ],
    "a time that is none": [["explain", "-p", usual, "--path", "/", "--now", "x"], /"now": expected seconds/],
    "a request that is no JSON": [
      ["explain", "-p", usual, "-r", files.write("bad.json", "{")],
      /bad\.json: no JSON/,
    ],
  };
  for (const [flaw, [args, expected]] of Object.entries(cases))
    it(`with ${flaw} says so, and ends with 2`, async () => {
      const { code, out, err } = await holdfast(args);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, expected);
    });
});
