// `holdfast explain`: what becomes of one request, step by step.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Json } from "../filter/support/json.ts";
import { makeKey } from "../filter/support/keys.ts";
import { issuer, policy, policyWithIssuer, policyWithRule } from "../filter/support/policies.ts";
import { boundToken, clientKey, LATER, ORIGIN, proof, thumbprintOf } from "../filter/support/proofs.ts";
import { token } from "../filter/support/tokens.ts";
import { NOW, OTHER_THUMBPRINT, THIEF, thief, WEB, web, WEB_THUMBPRINT } from "../filter/support/world.ts";
import { Files, holdfast } from "./support.ts";

const files = new Files();
const usual = files.write("usual.json", policy());
const compact = token();
const flags = ["explain", "-p", usual, "--now", String(NOW), "-H", `Authorization: Bearer ${compact}`];

interface Step {
  readonly step: string;
  readonly name?: string;
  readonly says: string;
  readonly expected?: string;
  readonly found?: string;
  readonly holds?: boolean;
}

interface Told {
  readonly verdict: string;
  readonly reason: string;
  readonly status: number;
  readonly steps: readonly Step[];
  readonly text: string;
}

/** What is told of a request under a policy. */
async function explain(under: Json, request: Json, ...more: readonly string[]): Promise<Told> {
  const files_ = ["-p", files.write("policy.json", under), "-r", files.write("request.json", request)];
  const { code, out, err } = await holdfast(["explain", ...files_, "--json", ...more]);
  assert.deepEqual([code, err], [0, ""]);
  return { ...(JSON.parse(out) as Told), text: out };
}

function request(claims: Json = {}, peer: unknown = web, members: Json = {}): Json {
  const headers = [["authorization", `Bearer ${token(claims)}`]];
  return { now: NOW, path: "/orders", peer, headers, ...members };
}

function stepOf({ steps }: Told, step: string, name?: string): Step | undefined {
  return steps.find((one) => one.step === step && one.name === name);
}

it("a policy may stand in the manifest that loads it", async () => {
  const manifest = { apiVersion: "a/v1", kind: "WasmPlugin", spec: { pluginConfig: policy() } };
  const under = files.write("wasmplugin.yaml", manifest);
  const { code, err } = await holdfast(["explain", "-p", under, "--path", "/"]);
  assert.deepEqual([code, err], [0, ""]);
});

it("a request that is let in shows what held", async () => {
  const { code, out } = await holdfast([...flags, "--path", "/orders", "--peer", WEB]);
  assert.equal(code, 0);
  for (const line of [/^ {2}request +GET \/orders$/m, /^ {2}rule +default$/m, /^\+ lifetime exp +holds: /m])
    assert.match(out, line);
  assert.match(
    out,
    new RegExp(`^\\+ binding spiffe +holds\n +expected +${WEB} \\(sub\\)\n +found +${WEB}$`, "m"),
  );
  assert.match(out, /^\+ verdict +allow: ok\n\nThe client gets 200\.$/m);
});

it("a stolen token shows whose it is, who came with it, and what to do; and never itself", async () => {
  const { out } = await holdfast([...flags, "--path", "/orders", "--peer", THIEF]);
  assert.match(
    out,
    new RegExp(
      `^x binding spiffe +does not hold: spiffe_mismatch\n +expected +${WEB} \\(sub\\)\n +found +${THIEF}$`,
      "m",
    ),
  );
  assert.match(out, /^x verdict +deny: spiffe_mismatch\n\nThe client gets 401\.\nThe token is for another/m);
  for (const part of compact.split(".")) assert.ok(!out.includes(part));
});

it("the same as JSON, from a file", async () => {
  const told = await explain(policy(), request({}, thief));
  assert.deepEqual([told.verdict, told.reason, told.status], ["deny", "spiffe_mismatch", 401]);
  assert.deepEqual(stepOf(told, "binding", "spiffe"), {
    step: "binding",
    name: "spiffe",
    says: "does not hold: spiffe_mismatch",
    expected: `${WEB} (sub)`,
    found: THIEF,
    holds: false,
  });
  assert.deepEqual(told.steps.at(-1), { step: "verdict", says: "deny: spiffe_mismatch", holds: false });
});

describe("evidence", () => {
  const cases: Readonly<Record<string, readonly [peer: unknown, facts: Readonly<Record<string, string>>]>> = {
    "of mTLS is there": [
      web,
      { mTLS: "present", validated: "present", "SPIFFE ID": "present", "certificate digest": "present" },
    ],
    "of plaintext is not": [
      {},
      {
        mTLS: "absent",
        validated: "absent",
        "SPIFFE ID": "absent",
        "certificate digest": "absent",
        SNI: "absent",
      },
    ],
    "that cannot be read is malformed": [
      { ...web, uriSan: "spiffe://Example.org/a", certSha256: "AB", address: "here" },
      { "SPIFFE ID": "malformed", "certificate digest": "malformed", address: "malformed" },
    ],
    "of the connection is shown": [
      { ...web, sni: "orders.example", address: "192.0.2.1:4000" },
      { SNI: "present", address: "present" },
    ],
  };
  for (const [name, [peer, facts]] of Object.entries(cases))
    it(name, async () => {
      const told = await explain(policy(), request({}, peer));
      for (const [fact, says] of Object.entries(facts))
        assert.equal(stepOf(told, "evidence", fact)?.says, says, fact);
    });

  it("of a token that leaves is the workload beside the proxy", async () => {
    const issuers = { idp: issuer({ egress: { hosts: ["*.partner.example"] } }) };
    const under = policy({ presenter: { from: "self" }, issuers });
    const self = "spiffe://example.org/ns/shop/sa/web";
    const leaving = (authority: string) => explain(under, request({}, {}, { authority }), "--workload", self);
    const [good, bad] = [await leaving("api.partner.example"), await leaving("evil.example")];
    assert.deepEqual([good.reason, stepOf(good, "evidence", "own workload")?.found], ["ok", self]);
    assert.equal(bad.reason, "egress_host_not_admitted");
    assert.deepEqual(stepOf(bad, "boundary", "egress")?.holds, false);
  });

  it("of a gateway is its word about its client, if it is a forwarder", async () => {
    const gateway = "spiffe://example.org/ns/edge/sa/gateway";
    const presenter = {
      validatedBy: "listener",
      forwarders: [gateway],
      forwardClientCertDetails: "FORWARD_ONLY",
    };
    const named = `By=${gateway};URI=${WEB}`;
    const told = async (uriSan: string, xfcc: string) => {
      const { headers, ...rest } = request({}, { mtls: true, uriSan });
      const sent = [...(headers as readonly unknown[]), ["x-forwarded-client-cert", xfcc]];
      return explain(policy({ presenter }), { ...rest, headers: sent });
    };
    const good = await told(gateway, named);
    assert.equal(good.verdict, "allow");
    assert.deepEqual(
      [stepOf(good, "evidence", "forwarder")?.found, stepOf(good, "presenter")?.says],
      [gateway, WEB],
    );
    assert.equal(stepOf(await told(gateway, `${named};;`), "evidence", "XFCC")?.says, "malformed");
    assert.match(stepOf(await told(THIEF, named), "evidence", "XFCC")?.found ?? "", /not read/);
  });

  it("that a certificate was validated is not to be had of Envoy 1.37", async () => {
    const byEnvoy = policy({ presenter: { validatedBy: "envoy" } });
    const [old, newer] = [
      await explain(byEnvoy, request(), "--envoy", "1.37.0"),
      await explain(byEnvoy, request(), "--envoy", "1.40.0"),
    ];
    assert.deepEqual([old.reason, newer.reason], ["peer_not_validated", "ok"]);
    assert.match(stepOf(old, "evidence", "validated")?.found ?? "", /Envoy 1\.37 does not say it/);
  });
});

describe("each binding is shown with what it expects and what it finds", () => {
  const network = { sources: ["10.0.0.0/8"], serverNames: ["orders.example"] };
  const client = { presenters: { shop: [WEB], other: ["spiffe://example.org/ns/other/**"] } };
  const cases: Readonly<
    Record<
      string,
      readonly [bind: Json, claims: Json, holds: boolean, expected: string, found: string | undefined]
    >
  > = {
    "a claim": [{ spiffe: { claim: "a.b" } }, { a: { b: THIEF } }, false, `${THIEF} (a.b)`, WEB],
    "a claim that is not there": [
      { spiffe: { claim: "w" } },
      {},
      false,
      "the claim w, which the token does not have",
      WEB,
    ],
    "a template": [
      { spiffe: { template: "spiffe://{trustDomain}/ns/{ns}/sa/web" } },
      { ns: "shop" },
      true,
      WEB,
      WEB,
    ],
    patterns: [
      { spiffe: { patterns: ["spiffe://example.org/ns/x/**", "spiffe://example.org/ns/y/**"] } },
      {},
      false,
      "one of spiffe://example.org/ns/x/**, spiffe://example.org/ns/y/**",
      WEB,
    ],
    "a client": [{ client }, { client_id: "shop" }, true, `${WEB}: client shop`, WEB],
    "an actor": [{ actor: {} }, { act: { sub: THIEF } }, false, `${THIEF} (act.sub)`, WEB],
    "a service account": [
      { kubernetes: {} },
      { "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" } } },
      true,
      WEB,
      WEB,
    ],
    "a network": [
      { network },
      {},
      false,
      'sources ["10.0.0.0/8"]; serverNames ["orders.example"]',
      "address 127.0.0.1:40000; SNI none",
    ],
    "an expression": [{ cel: "request.path == '/x'" }, {}, false, "true: request.path == '/x'", undefined],
  };
  for (const [name, [bind, claims, holds, expected, found]] of Object.entries(cases))
    it(name, async () => {
      const told = await explain(policyWithRule({ bind: [bind] }), request(claims));
      const step = stepOf(told, "binding", Object.keys(bind)[0]);
      assert.deepEqual([step?.holds, step?.expected, step?.found], [holds, expected, found]);
    });

  it("a certificate, by the token's cnf", async () => {
    const named = { cnf: { "x5t#S256": OTHER_THUMBPRINT } };
    const told = await explain(policy(), request(named));
    const { holds, expected, found } = stepOf(told, "binding", "cnf") ?? {};
    assert.deepEqual(
      [holds, expected, found],
      [false, `x5t#S256 ${OTHER_THUMBPRINT}`, `x5t#S256 ${WEB_THUMBPRINT}`],
    );
  });

  it("a certificate that was rotated, with what may stand for it", async () => {
    const rotation = { claim: "sub", window: "1h" };
    const named = { cnf: { "x5t#S256": OTHER_THUMBPRINT } };
    const told = await explain(policyWithRule({ bind: [{ certificate: { rotation } }] }), request(named));
    for (const name of ["cnf", "certificate"])
      assert.equal(
        stepOf(told, "binding", name)?.expected,
        `x5t#S256 ${OTHER_THUMBPRINT}, or a newer certificate of the workload in ${WEB} (sub)`,
      );
  });

  it("alternatives, up to the first that holds, and what comes after is not looked at", async () => {
    const anyOf = [{ certificate: {} }, { spiffe: { claim: "sub" } }, { actor: {} }];
    const told = await explain(policyWithRule({ bind: [{ anyOf }] }), request());
    const says = told.steps.filter(({ step }) => step === "binding").map((one) => [one.name, one.holds]);
    assert.deepEqual(says, [
      ["certificate", false],
      ["spiffe", true],
      ["actor", undefined],
      ["anyOf", true],
    ]);
  });

  it("those of a border as such", async () => {
    const borders = { federated: { bind: [{ certificate: {} }] } };
    const federatedTrustDomains = ["partner.example"];
    const partner = "spiffe://partner.example/web";
    const told = await explain(
      { ...policyWithIssuer({ borders }), federatedTrustDomains },
      request({ sub: partner }, { mtls: true, uriSan: partner }),
    );
    assert.equal(stepOf(told, "binding", "certificate (border)")?.holds, false);
    assert.equal(stepOf(told, "boundary", "border")?.expected, "open, with 1 binding more");
  });

  it("a key, by the proof that a curl line has", async () => {
    const bound = boundToken();
    const under = files.write("dpop.json", policy({ dpop: { origins: [ORIGIN] } }));
    const line = `curl -sS -H 'authorization: DPoP ${bound}' \\\n -H "dpop: ${proof(bound)}" ${ORIGIN}/orders`;
    const args = ["--curl", line, "--peer", WEB, "--now", String(LATER), "--json"];
    const { out } = await holdfast(["explain", "-p", under, ...args]);
    const told = { ...(JSON.parse(out) as Told), text: out };
    const { holds, expected, found } = stepOf(told, "binding", "cnf") ?? {};
    const thumbprint = thumbprintOf(clientKey);
    assert.deepEqual(
      [holds, expected, found],
      [true, `a proof by the key ${thumbprint}`, `the key ${thumbprint}`],
    );
    assert.equal(stepOf(told, "state", "replay")?.holds, true);
    assert.equal(told.reason, "ok");
  });
});

describe("boundary and lifetime", () => {
  const cases: Readonly<
    Record<string, readonly [under: Json, request: Json, step: readonly [string, string], reason: string]>
  > = {
    presenters: [
      policyWithIssuer({ presenters: ["spiffe://example.org/ns/x/**"] }),
      request(),
      ["boundary", "presenters"],
      "presenter_not_admitted",
    ],
    acceptedBy: [
      policyWithIssuer({ acceptedBy: ["spiffe://example.org/ns/x/**"] }),
      request(),
      ["boundary", "acceptedBy"],
      "service_not_admitted",
    ],
    "another trust domain": [
      policy(),
      request({}, { ...web, uriSan: "spiffe://other.example/web" }),
      ["boundary", "trust domain"],
      "trust_domain_foreign",
    ],
    "a closed border": [
      policy({ federatedTrustDomains: ["other.example"] }),
      request({}, { ...web, uriSan: "spiffe://other.example/web" }),
      ["boundary", "border"],
      "border_closed",
    ],
    "an audience": [policy(), request({ aud: "x" }), ["boundary", "audience"], "audience_mismatch"],
    "an end": [policy(), request({ exp: NOW - 60 }), ["lifetime", "exp"], "token_expired"],
    "an age": [
      policyWithIssuer({ maxAge: "1m" }),
      request({ iat: NOW - 120 }),
      ["lifetime", "maxAge"],
      "token_too_old",
    ],
    "a lifetime": [
      policyWithIssuer({ maxLifetime: "1m" }),
      request(),
      ["lifetime", "maxLifetime"],
      "lifetime_too_long",
    ],
    "a revocation": [
      policy({ revoked: { subjects: [WEB] } }),
      request(),
      ["state", "revocation"],
      "token_revoked",
    ],
  };
  for (const [name, [under, asked, [step, part], reason]] of Object.entries(cases))
    it(`${name} that does not hold is the only step that does not`, async () => {
      const told = await explain(under, asked);
      assert.equal(told.reason, reason);
      const failed = told.steps.filter(({ holds }) => holds === false).map((one) => [one.step, one.name]);
      assert.deepEqual(failed, [
        [step, part],
        ["verdict", undefined],
      ]);
    });
});

describe("what nobody has proven", () => {
  it("is marked as such, and what was not looked at is not said to hold", async () => {
    const forged = token({}, makeKey("ES256", "k1"));
    const told = await explain(
      policy(),
      request({}, web, { headers: [["authorization", `Bearer ${forged}`]] }),
    );
    assert.equal(told.reason, "signature_invalid");
    assert.match(stepOf(told, "credential")?.says ?? "", /says \(unverified\) iss/);
    const binding = stepOf(told, "binding", "spiffe");
    assert.deepEqual([binding?.says, binding?.expected], ["not looked at", `${WEB} (sub, unverified)`]);
    assert.match(stepOf(told, "lifetime", "exp")?.found ?? "", /\(unverified\)$/);
    assert.ok(!told.steps.some(({ step, holds }) => step === "lifetime" && holds !== undefined));
  });

  it("is not marked once the signature held", async () => {
    for (const claims of [{}, { aud: "x" }, { exp: NOW - 100 }])
      assert.doesNotMatch((await explain(policy(), request(claims))).text, /unverified/);
  });
});

describe("a token that only its issuer can read", () => {
  const credentials = { clientId: "orders", secretFrom: "IDP_SECRET" };
  const introspection = { cluster: "as", path: "/introspect", credentials };
  const under = policy({ issuers: { as: { audiences: ["orders"], introspection } } });
  const headers = [["authorization", "Bearer 2YotnFZFEjr1zCsicMWpAA"]];
  const servers = (body: Json) => ["--servers", files.write("as.json", { as: { "/introspect": { body } } })];
  const claims = { active: true, sub: WEB, aud: "orders", exp: NOW + 300 };

  it("is asked about, with a secret that need not be here, and nothing is made up of what it says", async () => {
    const told = await explain(under, request({}, thief, { headers }), ...servers(claims));
    assert.equal(told.reason, "spiffe_mismatch");
    const { holds, expected, found } = stepOf(told, "binding", "spiffe") ?? {};
    assert.deepEqual([holds, expected, found], [false, "what the token says in sub", THIEF]);
    assert.ok(!told.steps.some(({ step }) => step === "lifetime"));
  });

  it("is not, once it is taken back", async () => {
    const told = await explain(under, request({}, web, { headers }), ...servers({ active: false }));
    assert.equal(told.reason, "token_inactive");
  });
});

describe("a token is never shown", () => {
  const cases: Readonly<Record<string, Json>> = {
    "in the query": { path: `/orders?access_token=${compact}` },
    "with more behind it": { headers: [["authorization", `${compact} x`]] },
    "in a header of another issuer": { headers: [["x-token", compact]] },
    "in two headers": {
      headers: [
        ["authorization", `Bearer ${compact}`],
        ["authorization", `Bearer ${compact}`],
      ],
    },
  };
  const under = policy({ issuers: { idp: issuer(), other: issuer({ issuer: "x", header: "x-token" }) } });
  for (const [name, members] of Object.entries(cases))
    it(name, async () => {
      const { text } = await explain(under, request({}, web, members));
      for (const part of compact.split(".")) assert.ok(!text.includes(part));
    });

  it("nor in what is said of a wrong command", async () => {
    for (const wrong of [
      ["--path", "/", "-H", compact],
      ["--curl", `curl -H ${compact} https://a.example`],
      ["--curl", `curl https://a.example 'Bearer ${compact}`],
    ]) {
      const { code, out, err } = await holdfast(["explain", "-p", usual, ...wrong]);
      assert.deepEqual([code, out], [2, ""]);
      for (const part of compact.split(".")) assert.ok(!err.includes(part), err);
    }
  });
});

it("control characters in a request do not reach the terminal", async () => {
  const { out } = await holdfast([...flags, "--path", "/\u001b[2J\u202e"]);
  assert.ok(!out.includes("\u001b") && !out.includes("\u202e"), JSON.stringify(out));
});

describe("a wrong command", () => {
  const cases: Readonly<Record<string, readonly [args: readonly string[], err: RegExp]>> = {
    "no request": [["explain", "-p", usual], /expected one request: --path/],
    "two requests": [
      ["explain", "-p", usual, "--path", "/", "--curl", "curl a.example"],
      /expected one request: .*; found --curl and --path$/m,
    ],
    "a path beside a record": [
      ["explain", "-p", usual, "--path", "/", "-r", "x.json"],
      /expected one request: .*; found --request and --path$/m,
    ],
    ...Object.fromEntries(
      ["--peer", "--header", "--method", "--now", "--authority", "--cert-sha256"].map((name) => [
        `${name} beside a record`,
        [
          ["explain", "-p", usual, "-r", "x.json", name, "1"],
          new RegExp(`${name} does not go with --request`),
        ],
      ]),
    ),
    "a policy with a byte-order mark": [
      ["explain", "-p", files.write("mark.json", `\uFEFF${JSON.stringify(policy())}`), "--path", "/"],
      /mark\.json:1:1: begins with a byte-order mark: save it as UTF-8 without one/,
    ],
    "a policy that is torn": [
      ["explain", "-p", files.write("torn.json", '{\n  "issuers": {]'), "--path", "/"],
      /torn\.json:2:\d+: policy refused at byte \d+/,
    ],
    "a manifest without one": [
      ["explain", "-p", files.write("none.yaml", "kind: WasmPlugin\nspec: {}\n"), "--path", "/"],
      /none\.yaml: no policy; expected one: .*yq -o=json '\.spec\.pluginConfig'/,
    ],
    "servers that are no JSON": [
      ["explain", "-p", usual, "--path", "/", "--servers", files.write("s.json", '{\n "a": tru }')],
      /s\.json:2:10: no JSON/,
    ],
    "a certificate of nobody": [
      ["explain", "-p", usual, "--path", "/", "--cert-sha256", "00"],
      /--cert-sha256: .*expected --peer/,
    ],
    "a header without a colon": [
      ["explain", "-p", usual, "--path", "/", "-H", "x"],
      /--header, number 1: expected a name/,
    ],
    "a time that is none": [["explain", "-p", usual, "--path", "/", "--now", "x"], /"now": expected seconds/],
    "a request that is no JSON": [
      ["explain", "-p", usual, "-r", files.write("bad.json", "{")],
      /bad\.json:1:2: no JSON/,
    ],
    "an unknown Envoy": [
      ["explain", "-p", usual, "--path", "/", "--envoy", "1.2"],
      /1\.37\.0, 1\.40, 1\.40\.0/,
    ],
  };
  for (const [flaw, [args, expected]] of Object.entries(cases))
    it(`with ${flaw} says so, and ends with 2`, async () => {
      const { code, out, err } = await holdfast(args);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, expected);
    });
});
