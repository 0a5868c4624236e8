// `holdfast replay` of what the filter has logged: the same verdicts by the same policy, and others by another.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Request } from "../../cli/host/index.ts";
import type { Json } from "../filter/support/json.ts";
import { without } from "../filter/support/json.ts";
import { OutboundScene, outboundPolicy } from "../filter/support/outbound.ts";
import { issuer, policy, policyWithRule } from "../filter/support/policies.ts";
import { Scene, bearer } from "../filter/support/scene.ts";
import { boundToken } from "../filter/support/proofs.ts";
import { CLAIMS, token, tokenOfText, tokenSignedBy } from "../filter/support/tokens.ts";
import { NOW, THIEF, WEB, WEB_THUMBPRINT, plaintext, thief, web } from "../filter/support/world.ts";
import { MOMENTARY } from "../../cli/reenactment.ts";
import { Files, holdfast } from "./support.ts";

const files = new Files();
const LOGGED = { decisionLog: { claims: true, sampleAllowed: 1 } };
const GATEWAY = "spiffe://example.org/ns/istio-system/sa/gateway";

/** What a filter with this policy logs of these requests, as Envoy writes it. */
function logOf(
  rules: Json,
  requests: readonly Request[],
  scene = new Scene({ ...rules, ...LOGGED }),
): string[] {
  for (const request of requests) {
    scene.now += 1;
    scene.ask(request);
  }
  return scene.host.logs
    .filter(({ message }) => message.startsWith("holdfast {"))
    .map(
      ({ message }) => `[2027-01-15 08:00:00.000][21][warning][wasm] [source/x.cc:1] wasm log x: ${message}`,
    );
}

async function replay(lines: readonly string[], rules: Json, args: readonly string[] = []) {
  const file = files.write("policy.json", rules);
  const { code, out, err } = await holdfast(["replay", "-p", file, ...args], lines.join("\n"));
  return {
    code,
    err,
    answers: out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Json),
  };
}

const withToken = (compact: string, request: Request = {}): Request => ({
  path: "/orders",
  ...request,
  headers: [...(request.headers ?? []), bearer(compact)],
});

describe("decision records", () => {
  const requests = [
    withToken(token()),
    withToken(token(), { peer: thief }),
    withToken(token({ cnf: { "x5t#S256": WEB_THUMBPRINT } })),
    withToken(token({ cnf: { "x5t#S256": WEB_THUMBPRINT } }), { peer: thief }),
    withToken(token({ exp: NOW - 3600 })),
    withToken(token({ aud: "billing" })),
    withToken(token(), { peer: plaintext }),
    withToken(token(), { method: "DELETE", path: "/orders/7?x=1" }),
    { path: "/orders" },
  ];

  it("are decided as they were by the policy that has decided them, in order, and say what is assumed", async () => {
    const lines = logOf(policy(), requests);
    assert.equal(lines.length, requests.length);
    const { code, answers, err } = await replay(lines, policy());
    assert.equal(code, 0);
    for (const { verdict, reason, recorded } of answers) assert.deepEqual({ verdict, reason }, recorded);
    assert.deepEqual(
      answers.map(({ reason }) => reason),
      [
        "ok",
        "spiffe_mismatch",
        "ok",
        "certificate_mismatch",
        "token_expired",
        "audience_mismatch",
        "peer_absent",
        "ok",
        "token_absent",
      ],
    );
    assert.deepEqual(answers[0]?.["assumed"], ["signature"]);
    assert.match(err, /^9 decision records: 0 are decided otherwise/);
  });

  it("show what another policy would do", async () => {
    const lines = logOf(policy(), requests.slice(0, 2));
    const next = policyWithRule({ when: { pathPrefix: "/billing" } });
    const { answers, err } = await replay(lines, next);
    assert.deepEqual(
      answers.map(({ verdict, reason, recorded }) => [verdict, reason, (recorded as Json)["verdict"]]),
      [
        ["deny", "no_rule", "allow"],
        ["deny", "no_rule", "deny"],
      ],
    );
    assert.match(err, /^2 decision records: 1 are decided otherwise/);
  });

  it("are the same without Envoy's words before them", async () => {
    const lines = logOf(policy(), requests.slice(0, 2)).map((line) => line.slice(line.indexOf("{")));
    const { answers } = await replay(lines, policy());
    assert.deepEqual(
      answers.map(({ reason }) => reason),
      ["ok", "spiffe_mismatch"],
    );
  });

  it("tell one token from another, as a token that belongs to its first presenter shows", async () => {
    const rules = policyWithRule({ bind: [{ firstUse: {} }] });
    const [first, second] = [token({ sub: "a" }), token({ sub: "b" })];
    const lines = logOf(rules, [
      withToken(first),
      withToken(second, { peer: thief }),
      withToken(first, { peer: thief }),
      withToken(first),
    ]);
    const { answers } = await replay(lines, rules);
    assert.deepEqual(
      answers.map(({ reason }) => reason),
      ["ok", "ok", "first_use_mismatch", "ok"],
    );
  });

  it("know whom a gateway has named", async () => {
    const presenter = {
      validatedBy: "listener",
      forwarders: [GATEWAY],
      forwardClientCertDetails: "APPEND_FORWARD",
    };
    const hash = web.certSha256 ?? "";
    const of = (id: string): [string, string] => [
      "x-forwarded-client-cert",
      `By=${GATEWAY};Hash=${hash};URI=${id},By=spiffe://example.org/o;URI=${GATEWAY}`,
    ];
    const peer = { ...web, uriSan: GATEWAY };
    const bound = token({ cnf: { "x5t#S256": WEB_THUMBPRINT } });
    const lines = logOf(policy({ presenter }), [
      withToken(token(), { peer, headers: [of(WEB)] }),
      withToken(token(), { peer, headers: [of(THIEF)] }),
      withToken(bound, { peer, headers: [of(WEB)] }),
    ]);
    const { answers } = await replay(lines, policy({ presenter }));
    assert.deepEqual(
      answers.map(({ reason }) => reason),
      ["ok", "spiffe_mismatch", "ok"],
    );
  });

  it("know who leaves by an outbound listener", async () => {
    const scene = new OutboundScene({ ...outboundPolicy(), ...LOGGED });
    const lines = logOf({}, [withToken(token()), withToken(token({ sub: THIEF }))], scene);
    const { answers } = await replay(lines, outboundPolicy(), ["--workload", WEB]);
    assert.equal(answers.length, 2);
    for (const { verdict, reason, recorded } of answers) assert.deepEqual({ verdict, reason }, recorded);
  });

  it("know who is named at a waypoint", async () => {
    const rules = policy({ presenter: { from: "waypoint" } });
    const at = (id: string): Request => ({
      peer: plaintext,
      properties: { "filter_state.io.istio.peer_principal": id },
    });
    const lines = logOf(rules, [withToken(token(), at(WEB)), withToken(token(), at(THIEF))]);
    const { answers } = await replay(lines, rules);
    assert.deepEqual(
      answers.map(({ reason }) => reason),
      ["ok", "spiffe_mismatch"],
    );
  });

  it("stand as they are where they say too little", async () => {
    const lines = logOf(policy(), [withToken(tokenSignedBy(Buffer.alloc(64, 1))), withToken(boundToken())]);
    const without = logOf(policy({ decisionLog: { sampleAllowed: 1 } }), [withToken(token())]).map((line) =>
      line.replace(/,"method".*\}/, "}"),
    );
    const { answers, err } = await replay([...lines, ...without], policy());
    for (const { verdict, reason, recorded, assumed } of answers)
      assert.deepEqual([{ verdict, reason }, assumed], [recorded, ["verdict"]]);
    assert.equal(answers.length, 3);
    assert.match(err, /3 say too little/);
  });

  it("stand as they are where the token, or how it was sent, was refused before it was known", async () => {
    const rules = policyWithRule({ token: "optional" });
    const twice: Request = { path: "/", headers: [bearer(token()), bearer(token())] };
    const lines = logOf(rules, [
      { path: "/", headers: [["authorization", "Basic YWxpY2U6cw=="]] },
      twice,
      { path: `/?access_token=${token()}` },
      { path: "/", headers: [["authorization", "Bearer a b"]] },
      { path: "/", headers: [["authorization", `Bearer ${"a".repeat(17_000)}`]] },
      { path: "/", headers: [["authorization", `DPoP ${token()}`]] },
      withToken(token(), { headers: [["early-data", "1"]] }),
      { path: "/" },
    ]);
    const { answers, err } = await replay(lines, rules);
    for (const { verdict, reason, recorded } of answers) assert.deepEqual({ verdict, reason }, recorded);
    assert.deepEqual(
      answers.map(({ assumed }) => (assumed as string[])[0]),
      [...Array.from({ length: 7 }, () => "verdict"), undefined],
    );
    assert.match(err, /0 are decided otherwise by this policy, 7 say too little/);
  });

  it("say what the connection was like, and nothing is made up for it", async () => {
    const peer = {
      ...web,
      tlsVersion: "TLSv1.2",
      address: "203.0.113.9:4000",
      localAddress: "10.0.0.9:9999",
    };
    const seen = { ...peer, sni: "orders.example", localUriSan: "spiffe://example.org/orders" };
    const lines = logOf(policy(), [withToken(token(), { peer: seen })]);
    const bound = (network: Json) => policyWithRule({ bind: [{ spiffe: { claim: "sub" } }, { network }] });
    const cases: readonly (readonly [Json, string])[] = [
      [bound({ minTlsVersion: "TLSv1.3" }), "deny"],
      [bound({ minTlsVersion: "TLSv1.2" }), "allow"],
      [bound({ localPorts: [8443] }), "deny"],
      [bound({ localPorts: [9999] }), "allow"],
      [bound({ sources: ["127.0.0.0/8"] }), "deny"],
      [bound({ sources: ["203.0.113.0/24"] }), "allow"],
      [bound({ serverNames: ["orders.example"] }), "allow"],
      [policy({ issuers: { idp: issuer({ acceptedBy: ["spiffe://example.org/orders"] }) } }), "allow"],
      [policy({ issuers: { idp: issuer({ acceptedBy: ["spiffe://example.org/other"] }) } }), "deny"],
    ];
    for (const [rules, verdict] of cases) {
      const { answers } = await replay(lines, rules);
      assert.deepEqual([answers[0]?.["verdict"], answers[0]?.["assumed"]], [verdict, ["signature"]]);
    }
    const without = lines.map((line) => line.replace(/,"address":"[^"]*"/, ""));
    const { answers } = await replay(without, bound({ sources: ["127.0.0.0/8"] }));
    assert.deepEqual([answers[0]?.["verdict"], answers[0]?.["assumed"]], ["allow", ["verdict"]]);
  });

  it("stand as they are where a policy's expressions may look at more", async () => {
    const cel = policyWithRule({
      bind: [{ spiffe: { claim: "sub" } }, { cel: "request.headers['x'] == 'y'" }],
    });
    const { answers } = await replay(logOf(policy(), [withToken(token())]), cel);
    assert.deepEqual([answers[0]?.["verdict"], answers[0]?.["assumed"]], ["allow", ["verdict"]]);
  });

  it("keep the spelling of numbers", async () => {
    const payload = JSON.stringify(CLAIMS).replace(`"exp":${CLAIMS.exp}`, `"exp":${CLAIMS.exp}.0`);
    const lines = logOf(policy(), [withToken(tokenOfText('{"alg":"ES256","kid":"k1"}', payload))]);
    const { answers } = await replay(lines, policy());
    assert.deepEqual(
      [answers[0]?.["reason"], answers[0]?.["recorded"]],
      ["claim_malformed", { verdict: "deny", reason: "claim_malformed" }],
    );
  });

  it("know an outsider by his certificate", async () => {
    const rules = policy({
      issuers: { idp: issuer({ borders: { outside: { bind: [{ certificate: {} }] } } }) },
    });
    const peer = without(web, "uriSan");
    const lines = logOf(rules, [withToken(token({ cnf: { "x5t#S256": WEB_THUMBPRINT } }), { peer })]);
    const { answers } = await replay(lines, rules);
    assert.deepEqual([answers[0]?.["reason"], answers[0]?.["assumed"]], ["ok", ["signature"]]);
  });

  it("are found in the members of a JSON log", async () => {
    const lines = logOf(policy(), [withToken(token(), { peer: thief })]);
    const { answers } = await replay(
      lines.map((msg) => JSON.stringify({ level: "warning", msg })),
      policy(),
    );
    assert.deepEqual([answers[0]?.["reason"], answers[0]?.["assumed"]], ["spiffe_mismatch", ["signature"]]);
  });

  it("that are not as the filter writes them give an error in their place, and the rest goes on", async () => {
    const [line = ""] = logOf(policy(), [withToken(token())]).map((one) => one.slice(one.indexOf("{")));
    const wrong = (member: string, value: unknown) =>
      JSON.stringify({ ...(JSON.parse(line) as Json), [member]: value });
    const { code, answers } = await replay(
      [
        wrong("claims", null),
        wrong("header", 5),
        wrong("time", -1),
        wrong("time", 1e300),
        wrong("path", null),
        wrong("presenter", {}),
        wrong("verdict", "nonsense"),
        wrong("address", 7),
        line,
      ],
      policy(),
    );
    assert.deepEqual([code, answers.length], [2, 9]);
    for (const { error } of answers.slice(0, -1)) assert.match(String(error), /^"\w+": expected /);
    assert.equal(answers.at(-1)?.["verdict"], "allow");
  });

  it("that are cut off in a log give an error in their place, and the rest goes on", async () => {
    const [line = ""] = logOf(policy(), [withToken(token())]);
    const { code, answers } = await replay(['x holdfast {"verdict":"deny",}', line], policy());
    assert.equal(code, 2);
    assert.match(String(answers[0]?.["error"]), /expected one request or decision record/);
    assert.equal(answers[1]?.["reason"], "ok");
  });

  it("are the same with their members in another order", async () => {
    const [line = ""] = logOf(policy(), [withToken(token())]);
    const { claims, ...rest } = JSON.parse(line.slice(line.indexOf("{"))) as Json;
    const reordered = [
      { claims, ...rest },
      { ...rest, claims, zone: { name: "a" } },
    ];
    const { code, answers } = await replay(
      reordered.map((one) => JSON.stringify(one)),
      policy(),
    );
    assert.equal(code, 0);
    assert.deepEqual(
      answers.map(({ reason, assumed }) => [reason, assumed]),
      reordered.map(() => ["ok", ["signature"]]),
    );
  });

  it("of the moment are all those that clients are told to come again for", () => {
    const page = readFileSync(new URL("../../docs/reasons.md", import.meta.url), "utf8");
    const told = [...page.matchAll(/^\| `(\w+)`[^\n]*\| 503\b/gm)].map(([, reason]) => reason);
    assert.ok(told.length > 10, String(told.length));
    assert.deepEqual([...MOMENTARY].sort(), told.sort());
  });

  it("of observed denies are denies that clients did not see", async () => {
    const rules = policy({ mode: "observe" });
    const { answers } = await replay(logOf(rules, [withToken(token(), { peer: thief })]), policy());
    assert.deepEqual(
      [answers[0]?.["verdict"], answers[0]?.["status"], answers[0]?.["recorded"]],
      ["deny", 401, { verdict: "would-deny", reason: "spiffe_mismatch" }],
    );
  });

  it("that are no records give an error in their place", async () => {
    const { code, answers } = await replay(
      ["[2027-01-15 08:00:00.000][21][info] starting", '[x] wasm log x: holdfast {"verdict":"deny",}'],
      policy(),
    );
    assert.deepEqual([code, answers.length], [2, 2]);
    for (const { error } of answers) assert.match(String(error), /expected one request or decision record/);
  });
});
