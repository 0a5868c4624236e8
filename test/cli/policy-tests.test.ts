// `holdfast test`: what is expected of a policy, held against what the filter does.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Files, holdfast } from "./support.ts";

const files = new Files();
const web = "spiffe://cluster.local/ns/shop/sa/web";
const thief = "spiffe://cluster.local/ns/shop/sa/thief";

const policy = {
  presenter: { validatedBy: "listener" },
  issuers: { corp: { issuer: "https://idp.example", audiences: ["orders"], keys: "jwt_authn" } },
  rules: [
    { name: "health", when: { path: "/healthz" }, token: "none" },
    { name: "orders", when: { pathPrefix: "/orders" } },
  ],
};
const base = {
  policy,
  keys: { idp: {}, stranger: { kid: "idp" } },
  issuerKeys: { corp: "idp" },
  tokens: {
    web: { key: "idp", claims: { iss: "https://idp.example", aud: "orders", sub: web } },
    forged: { key: "stranger", claims: { iss: "https://idp.example", aud: "orders", sub: web } },
  },
};
const asked = (token: string, uriSan: string) => ({ path: "/orders", token, peer: { mtls: true, uriSan } });
const good = {
  name: "the right workload",
  request: asked("web", web),
  expect: { verdict: "allow", rule: "orders" },
};
const stolen = {
  name: "a thief",
  request: asked("web", thief),
  expect: { reason: "spiffe_mismatch", status: 401 },
};
const forged = {
  name: "a forged token",
  request: asked("forged", web),
  expect: { reason: "signature_invalid" },
};
const health = {
  name: "health",
  request: { path: "/healthz" },
  expect: { verdict: "allow", rule: "health" },
};

it("tests that hold end well", async () => {
  const file = files.write("good.yaml", { ...base, tests: [good, stolen, forged, health] });
  const { code, out } = await holdfast(["test", file]);
  assert.equal(code, 0);
  assert.match(out, /ok {3}the right workload\n {2}ok {3}a thief\n/);
  assert.match(out, /4 passed, 0 failed\n$/);
  assert.doesNotMatch(out, /no request fell under/);
});

it("a test that does not hold says what was expected, and what came", async () => {
  const wrong = { ...stolen, expect: { verdict: "allow", reason: "ok" } };
  const file = files.write("bad.yaml", { ...base, tests: [good, wrong] });
  const report = files.missing("report.xml");
  const { code, out } = await holdfast(["test", file, "--junit", report]);
  assert.equal(code, 1);
  assert.match(
    out,
    /FAIL a thief\n {9}verdict: expected "allow", got "deny"\n {9}reason: expected "ok", got "spiffe_mismatch"\n/,
  );
  assert.match(out, /no request fell under health\n/);
  assert.match(out, /1 passed, 1 failed\n$/);
  assert.ok(existsSync(report));
  assert.match(
    readFileSync(report, "utf8"),
    /<testcase name="a thief"><failure message="verdict: expected &quot;allow&quot;/,
  );
});

it("the policy may be in a file of its own, beside the tests", async () => {
  files.write("policy.json", policy);
  const file = files.write("beside.yaml", { ...base, policy: "policy.json", tests: [good] });
  assert.equal((await holdfast(["test", file])).code, 0);
});

describe("a wrong file", () => {
  const cases: Readonly<Record<string, readonly [content: unknown, err: RegExp]>> = {
    "no YAML": ["a: [b\nc: d", /:\d+:\d+: no YAML/],
    "no tests": [{ policy }, /expected "policy" and a list of "tests"/],
    "an unknown member": [{ ...base, tests: [], polcy: 1 }, /no such member "polcy"/],
    "a key that is not there": [
      { ...base, tokens: { web: { key: "idb" } }, tests: [] },
      /no key "idb" in "keys"/,
    ],
    "a token that is not there": [
      { ...base, tests: [{ ...good, request: asked("x", web) }] },
      /no token "x"/,
    ],
    "an issuer that is not there": [{ ...base, issuerKeys: { x: "idp" }, tests: [] }, /no issuer "x"/],
    "an expectation of something else": [
      { ...base, tests: [{ ...good, expect: { verdikt: "allow" } }] },
      /nothing to expect of "verdikt"/,
    ],
    "a request with an unknown member": [
      { ...base, tests: [{ ...good, request: { pth: "/" } }] },
      /"pth": no such member/,
    ],
    "a policy that the filter refuses": [
      { ...base, policy: { ...policy, mode: "x" }, tests: [] },
      /"\/mode": expected the mode/,
    ],
    "a policy that is not there": [
      { ...base, policy: "nowhere.json", tests: [] },
      /nowhere\.json: cannot be read/,
    ],
  };
  for (const [flaw, [content, expected]] of Object.entries(cases))
    it(`with ${flaw} says so, and ends with 2`, async () => {
      const { code, out, err } = await holdfast(["test", files.write("wrong.yaml", content)]);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, expected);
      assert.doesNotMatch(err, /\n\s+at /, "no stack trace");
    });
});
