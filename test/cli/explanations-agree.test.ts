// What `explain` says never contradicts what the filter has decided: many requests, made at random, under several policies.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { explainSteps } from "../../cli/explanation/explain.ts";
import type { Step } from "../../cli/explanation/scene.ts";
import type { Peer } from "../../cli/host/index.ts";
import { Proxy } from "../../cli/proxy.ts";
import { Servers } from "../../cli/servers.ts";
import { filterModule } from "../filter/support/filter-module.ts";
import type { Json } from "../filter/support/json.ts";
import { makeKey } from "../filter/support/keys.ts";
import { issuer, policy, policyWithRule } from "../filter/support/policies.ts";
import { boundToken, clientKey, LATER, ORIGIN, proof, thumbprintOf } from "../filter/support/proofs.ts";
import { token } from "../filter/support/tokens.ts";
import {
  NOW,
  OTHER_THUMBPRINT,
  plaintext,
  THIEF,
  thief,
  WEB,
  web,
  WEB_THUMBPRINT,
} from "../filter/support/world.ts";

const RUNS = 300;
/** The same requests in each run. */
const SEED = 20261122;

const PARTNER = "spiffe://partner.example/web";
const GATEWAY = "spiffe://example.org/ns/edge/sa/gateway";

const policies: Readonly<Record<string, Json>> = {
  "the least": policy(),
  bounded: policy({
    federatedTrustDomains: ["partner.example"],
    presenter: { validatedBy: "listener", forwarders: [GATEWAY], forwardClientCertDetails: "FORWARD_ONLY" },
    revoked: { subjects: ["revoked"], presenters: [THIEF] },
    issuers: {
      idp: issuer({
        maxAge: "10m",
        maxLifetime: "2h",
        presenters: ["spiffe://example.org/**", "spiffe://partner.example/*"],
        borders: { federated: { bind: [{ certificate: {} }] } },
      }),
    },
  }),
  "with alternatives": policyWithRule({
    bind: [
      { anyOf: [{ certificate: {} }, { spiffe: { template: "spiffe://{trustDomain}/ns/{ns}/sa/web" } }] },
      { network: { sources: ["127.0.0.0/8"] } },
    ],
  }),
  "with many bindings": policyWithRule({
    bind: [
      { spiffe: { claim: "sub" } },
      { client: { presenters: { shop: [WEB], batch: [THIEF] } } },
      { actor: {} },
      { kubernetes: {} },
    ],
  }),
  "with proofs": policy({ dpop: { origins: [ORIGIN] }, rules: [{ name: "all", bind: [{ dpop: {} }] }] }),
  "with first use": policyWithRule({ bind: [{ firstUse: {} }, { cel: "request.method == 'GET'" }] }),
};

const stranger = makeKey("ES256", "k1");
const everything = {
  client_id: "shop",
  act: { sub: WEB },
  "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" } },
  ns: "shop",
};
const claims = fc.constantFrom<Json>(
  ...[{}, everything, { ...everything, client_id: "batch" }, { ...everything, act: { sub: THIEF } }],
  ...[{ sub: THIEF }, { sub: PARTNER, cnf: { "x5t#S256": WEB_THUMBPRINT } }, { ns: "a/b" }, { sub: 7 }],
  ...[{ cnf: { "x5t#S256": WEB_THUMBPRINT } }, { cnf: { "x5t#S256": OTHER_THUMBPRINT } }, { cnf: {} }],
  ...[{ cnf: { jkt: thumbprintOf(clientKey) } }, { cnf: { x: 1 } }, { cnf: "x" }, { sub: "revoked" }],
  ...[{ exp: NOW - 100 }, { nbf: NOW + 1e6 }, { iat: NOW + 1e6 }, { iat: "x" }, { exp: 9e15 }, { aud: "x" }],
  ...[{ aud: ["orders", "x"] }, { iss: "other" }, { act: {} }, { "kubernetes.io": {} }, { nonce: "x" }],
);
const lived = fc.constantFrom<Json>(
  {},
  {},
  { iat: NOW - 30, exp: LATER + 60 },
  { iat: LATER - 60, exp: LATER + 60 },
);
const isForged = fc.constantFrom(false, false, false, true);
const made = fc.tuple(claims, lived, isForged).map(([said, times, forged]) => ({
  compact: token({ ...times, ...said }, forged ? stranger : undefined),
  isForged: forged,
}));
const bound = boundToken();

type Headers = readonly (readonly [string, string])[];
const credential = fc.oneof(
  { weight: 6, arbitrary: made.map(({ compact, isForged }) => ({ headers: bearer(compact), isForged })) },
  fc.constant({
    headers: [
      ["authorization", `DPoP ${bound}`],
      ["dpop", proof(bound)],
    ] as Headers,
    isForged: false,
  }),
  fc
    .constantFrom<Headers>([], bearer("opaque"), bearer("a.b.c"), [["authorization", "Basic eDp5"]])
    .map((headers) => ({
      headers,
      isForged: true,
    })),
);
const peer = fc.constantFrom<Peer>(
  ...[web, web, web, thief, plaintext, { mtls: true }, { mtls: true, uriSan: "spiffe://Example/x" }],
  ...[
    { ...web, uriSan: PARTNER },
    { ...web, uriSan: "spiffe://foreign.example/x" },
    { ...web, address: "10.0.0.1:9" },
  ],
  ...[
    { ...web, certSha256: "zz" },
    { ...web, uriSan: GATEWAY },
    { mtls: true, uriSan: WEB },
  ],
);
const xfcc = fc.constantFrom<Headers>(
  [],
  [],
  [["x-forwarded-client-cert", `URI=${WEB}`]],
  [["x-forwarded-client-cert", "x"]],
);
const request = fc.record({ credential, peer, xfcc, now: fc.constantFrom(NOW, LATER) });

function bearer(compact: string): Headers {
  return [["authorization", `Bearer ${compact}`]];
}

for (const [name, under] of Object.entries(policies))
  describe(`under a policy ${name}`, () => {
    const text = Buffer.from(JSON.stringify(under));

    it(`${RUNS} requests are told as they were decided`, async () => {
      const proxy = new Proxy(filterModule, text, { now: NOW - 3600, servers: new Servers() });
      for (const asked of fc.sample(request, { numRuns: RUNS, seed: SEED })) {
        const { now, credential, peer, xfcc } = asked;
        const record = {
          now,
          path: "/orders",
          authority: "orders.example",
          peer,
          headers: [...credential.headers, ...xfcc].map(([a, b]): [string, string] => [a, b]),
        };
        const outcome = proxy.decide(record);
        const steps = await explainSteps({
          policy: under,
          request: record,
          outcome,
          now,
          envoy: "1.40",
        });
        const context = JSON.stringify({ peer, outcome: outcome.record, steps }, null, 1);
        assert.equal(steps.at(-1)?.says, `${outcome.verdict}: ${outcome.reason}`, context);
        assertSameBindings(steps, outcome.bindings, context);
        assertOneFlaw(steps, outcome.reason, context);
        assertFits(steps, context);
        assertMarked(steps, credential.isForged, context);
        assertMasked(steps, credential.headers, context);
      }
    });
  });

/** What is said of each binding is what the filter said. */
function assertSameBindings(
  steps: readonly Step[],
  said: readonly { readonly method: string; readonly held: boolean }[],
  context: string,
): void {
  const told = steps.filter(({ step, holds }) => step === "binding" && holds !== undefined);
  assert.deepEqual(
    told.map(({ name, holds }) => [name?.replace(" (border)", ""), holds]),
    said.map(({ method, held }) => [method, held]),
    context,
  );
}

/** A request that passes has no flaw, and one that does not has at most one besides its bindings. */
function assertOneFlaw(steps: readonly Step[], reason: string, context: string): void {
  const flaws = steps.filter(({ step, holds }) => holds === false && !["binding", "verdict"].includes(step));
  assert.ok(flaws.length <= (reason === "ok" ? 0 : 1), context);
  const refused = steps.some(({ step, holds }) => step === "binding" && holds === false);
  if (flaws.length === 1 && flaws[0]?.step !== "state") assert.ok(!refused, context);
}

/** Where identities or certificates were compared, the two that are shown are equal exactly when the binding held. */
function assertFits(steps: readonly Step[], context: string): void {
  for (const { step, name = "", expected, found, holds } of steps) {
    const isCompared = step === "binding" && /^(spiffe|actor|kubernetes|certificate)/.test(name);
    if (!isCompared || holds === undefined || expected === undefined || found === undefined) continue;
    assert.equal(expected.replace(/ \(.*$/, "") === found, holds, context);
  }
}

/** What a token says is marked unless its signature was found good, and never passes as found good when it is not. */
function assertMarked(steps: readonly Step[], isForged: boolean, context: string): void {
  const credential = steps.find(({ step }) => step === "credential")?.says ?? "";
  const isMarked = credential.includes("says (unverified)");
  if (isForged) assert.ok(isMarked || !credential.includes("says"), context);
  const judged = steps.filter(({ step, holds }) => step === "lifetime" && holds !== undefined);
  if (isMarked) assert.deepEqual(judged, [], context);
}

function assertMasked(steps: readonly Step[], headers: Headers, context: string): void {
  const shown = JSON.stringify(steps);
  for (const [, value] of headers)
    for (const part of value.split(/[ .]/).filter((one) => one.length > 20))
      assert.ok(!shown.includes(part), context);
}
