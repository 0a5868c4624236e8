// `holdfast replay` of what the filter has logged: the same verdicts by the same policy, and others by another.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Request } from "../../cli/host/index.ts";
import type { Json } from "../filter/support/json.ts";
import { OutboundScene, outboundPolicy } from "../filter/support/outbound.ts";
import { policy, policyWithRule } from "../filter/support/policies.ts";
import { Scene, bearer } from "../filter/support/scene.ts";
import { boundToken } from "../filter/support/proofs.ts";
import { token, tokenSignedBy } from "../filter/support/tokens.ts";
import { NOW, THIEF, WEB, WEB_THUMBPRINT, plaintext, thief, web } from "../filter/support/world.ts";
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
    for (const { verdict, reason, recorded } of answers) assert.deepEqual({ verdict, reason }, recorded);
    assert.equal(answers.length, 2);
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
    assert.equal(code, 2);
    for (const { error } of answers) assert.match(String(error), /expected one request or decision record/);
  });
});
