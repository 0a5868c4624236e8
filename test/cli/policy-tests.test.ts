// `holdfast test`: what is expected of a policy, held against what the filter does.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Files, holdfast, start } from "./support.ts";

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
  assert.doesNotMatch(out, /never/);
});

it("a test that does not hold says what was expected, and what came", async () => {
  const wrong = { ...stolen, expect: { verdict: "allow", reason: "ok" } };
  const file = files.write("bad.yaml", { ...base, tests: [good, wrong] });
  const report = files.missing("report.xml");
  const { code, out } = await holdfast(["test", file, "--junit", report]);
  assert.equal(code, 1);
  assert.match(
    out,
    /FAIL a thief\n +\S+bad\.yaml:1:\d+\n +verdict +expected +allow\n +got +deny\n +\S+bad\.yaml:1:\d+\n +reason +expected +ok\n +got +spiffe_mismatch\n/,
  );
  assert.match(out, /deny: spiffe_mismatch\. The token is for another workload/);
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

it("the places are those of the values, by line and column", async () => {
  const lines = [
    `policy: ${JSON.stringify(policy)}`,
    "tests:",
    "  - name: health",
    "    request: { path: /healthz }",
    "    expect:",
    "      verdict: allow",
    "      reason: ok",
  ];
  const { out } = await holdfast(["test", files.write("lines.yaml", lines.join("\n"))]);
  assert.match(out, /lines\.yaml:7:15\n +reason +expected +ok\n +got +token_not_required\n/);
  const wrong = [
    ...lines.slice(0, 3),
    "    request: { path: /healthz, peer: { mtls: 1 } }",
    ...lines.slice(4),
  ];
  const { err } = await holdfast(["test", files.write("lines.yaml", wrong.join("\n"))]);
  assert.match(err, /lines\.yaml:4:46: "peer\.mtls": expected true or false\n$/);
});

describe("coverage", () => {
  const bind = [
    { spiffe: { claim: "sub" } },
    { anyOf: [{ spiffe: { patterns: ["spiffe://cluster.local/ns/**"] } }, { actor: {} }] },
    { network: { serverNames: ["orders"] } },
  ];
  const rules = [...policy.rules.slice(0, 1), { name: "orders", bind }];
  const covered = { ...base, policy: { ...policy, rules } };

  it("says of each rule and binding how often it was asked, held and refused", async () => {
    const { out } = await holdfast(["test", files.write("c.yaml", { ...covered, tests: [stolen, good] })]);
    const rows = out
      .split("\n")
      .flatMap(
        (line) => /^ {2,4}(\S.*?) +((?:\d+|never)(?: +(?:\d+|never))*)$/.exec(line)?.slice(1, 3) ?? [],
      );
    const table = rows.flatMap((name, i) =>
      i % 2 === 0 ? [[name, ...(rows[i + 1] ?? "").split(/ +/)]] : [],
    );
    assert.deepEqual(table, [
      ["health", "never"],
      ["orders", "2"],
      ['spiffe {"claim":"sub"}', "1", "1"],
      ['spiffe {"patterns":["spiffe://cluster.local/ns/**"]}', "1", "never"],
      ["actor {}", "never", "never"],
      [table[5]?.[0], "1", "never"],
      ['network {"serverNames":["orders"]}', "never", "1"],
    ]);
    assert.match(table[5]?.[0] ?? "", /^anyOf /);
  });

  it("of the default is that of cnf or sub", async () => {
    const { out } = await holdfast(["test", files.write("c.yaml", { ...base, tests: [good, stolen] })]);
    assert.match(out, /^ {2}orders +2\n {4}default +1 +1$/m);
  });

  it("of a certificate has what its token's cnf was refused for", async () => {
    const claims = { iss: "https://idp.example", aud: "orders", cnf: { "x5t#S256": "a".repeat(43) } };
    const tokens = { bound: { key: "idp", claims } };
    const rules = [{ name: "orders", bind: [{ certificate: {} }] }];
    const asked = {
      path: "/",
      token: "bound",
      peer: { mtls: true, uriSan: web, certSha256: "0".repeat(64) },
    };
    const tests = [{ name: "another", request: asked, expect: { verdict: "deny" } }];
    const plan = { ...base, policy: { ...policy, rules }, tokens, tests };
    const { out } = await holdfast(["test", files.write("cnf.yaml", plan)]);
    assert.match(out, /^ {4}certificate \{\} +never +1$/m);
  });

  it("is in the JUnit report", async () => {
    const report = files.missing("coverage.xml");
    await holdfast(["test", files.write("c.yaml", { ...base, tests: [good] }), "--junit", report]);
    const text = readFileSync(report, "utf8");
    assert.ok(
      text.includes('<property name="rule orders, binding default" value="held 1, refused 0"/>'),
      text,
    );
  });
});

it("the tests may be of another Envoy, which does not say who was validated", async () => {
  const byEnvoy = { ...policy, presenter: { validatedBy: "envoy" } };
  const request = { ...good.request, peer: { mtls: true, validated: true, uriSan: web } };
  const file = files.write("old.yaml", { ...base, policy: byEnvoy, tests: [{ ...good, request }] });
  assert.equal((await holdfast(["test", file])).code, 0);
  const { code, out } = await holdfast(["test", file, "--envoy", "1.37.0"]);
  assert.equal(code, 1);
  assert.match(out, /peer_not_validated/);
});

describe("--watch", () => {
  it("runs again when the tests or their policy are written, outlives what it cannot read, and ends with Ctrl-C", async () => {
    const policyFile = files.write("watched.json", policy);
    const plan = { ...base, policy: "watched.json" };
    const file = files.write("watched.yaml", { ...plan, tests: [good] });
    const running = start(["test", "--watch", file]);
    await running.until(/1 passed, 0 failed\nwaiting/);
    files.write("watched.yaml", { ...plan, tests: [good, stolen] });
    await running.until(/2 passed, 0 failed\nwaiting/);
    files.write("watched.yaml", { ...plan, tests: 1 });
    await running.until(/"tests": expected a list\n/);
    files.write("watched.yaml", { ...plan, tests: [good, forged] });
    await running.until(/2 passed, 0 failed\nwaiting/);
    writeFileSync(policyFile, JSON.stringify({ ...policy, rules: [{ name: "none", token: "none" }] }));
    await running.until(/0 passed, 2 failed\nwaiting/);
    const { out, err } = await running.interrupt();
    assert.ok(!out.includes("\u001b"), "nothing is cleared in a pipe");
    assert.doesNotMatch(err, /\n\s+at /, "no stack trace");
  });
});

describe("a wrong file", () => {
  const cases: Readonly<Record<string, readonly [content: unknown, err: RegExp]>> = {
    "no YAML": ["a: [b\nc: d", /:\d+:\d+: no YAML/],
    "no tests": [{ policy }, /wrong\.yaml:1:1: expected a member "tests"/],
    "an unknown member": [
      { ...base, tests: [], polcy: 1 },
      /wrong\.yaml:1:\d+: no such member "polcy"; did you mean "policy"\?/,
    ],
    "a key that is not there": [
      { ...base, tokens: { web: { key: "idb" } }, tests: [] },
      /no key "idb"; did you mean "idp"\?/,
    ],
    "a token that is not there": [
      { ...base, tests: [{ ...good, request: asked("x", web) }] },
      /no token "x"/,
    ],
    "an issuer that is not there": [
      { ...base, issuerKeys: { x: "idp" }, tests: [] },
      /no issuer of the policy "x"; expected one of corp/,
    ],
    "an expectation of something else": [
      { ...base, tests: [{ ...good, expect: { verdikt: "allow" } }] },
      /no such member "verdikt"; did you mean "verdict"\?/,
    ],
    "a request with an unknown member": [
      { ...base, tests: [{ ...good, request: { pth: "/" } }] },
      /no such member "pth"; did you mean "path"\?/,
    ],
    "a reason that is none": [
      { ...base, tests: [{ ...good, expect: { reason: "spiffe_missmatch" } }] },
      /no reason "spiffe_missmatch"; did you mean "spiffe_mismatch"\?/,
    ],
    "a verdict that is none": [
      { ...base, tests: [{ ...good, expect: { verdict: "permit" } }] },
      /"tests\.0\.expect\.verdict": expected one of allow, deny, strip/,
    ],
    "nothing expected": [
      { ...base, tests: [{ ...good, expect: {} }] },
      /wrong\.yaml:1:\d+: expected at least one of verdict/,
    ],
    "a value of another type": [{ ...base, now: "today", tests: [] }, /"now": expected a number/],
    "a policy that is none": [{ ...base, policy: 7, tests: [] }, /"policy": expected a string or/],
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
