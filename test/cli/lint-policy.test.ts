// What is legal and unwise in a policy, whatever loads it.

import { describe, it } from "node:test";
import { issuer, policy, policyWithIssuer, policyWithRule } from "../filter/support/policies.ts";
import { type Expected, finds } from "./findings.ts";

const jwtAuthn = { jwt_authn: { payloadHeader: "x-jwt-payload" } };
const witSvid = { kind: "wit-svid", trustDomain: "example.org", keys: { cluster: "spire", path: "/bundle" } };
const patterns = { spiffe: { patterns: ["spiffe://example.org/ns/shop/**"] } };
const sub = { spiffe: { claim: "sub" } };
const near = { network: { sources: ["10.0.0.0/8"] } };
const feed = (members: object) => ({ feed: { cluster: "security", path: "/feed", ...members } });
const waypoint = { from: "waypoint" };
const lists = (members: object) => ({
  statusLists: [{ uri: "https://idp.example.org/1", cluster: "idp", path: "/1", ...members }],
  keys: { cluster: "idp", path: "/jwks" },
});

const flaws: Readonly<Record<string, readonly [policy: unknown, ...expected: Expected[]]>> = {
  "that observes": [policy({ mode: "observe" }), ["observe-mode", '"observe"']],
  "with a rule that observes": [policyWithRule({ mode: "observe" }), ["observe-mode", '"observe"']],
  "with an issuer without audiences": [
    policyWithIssuer({ audiences: undefined }),
    ["no-audience", '{"issuer":'],
  ],
  "with a rule that names none either": [
    policy({
      issuers: { idp: { ...issuer(), audiences: undefined } },
      rules: [{ name: "orders", when: { path: "/orders" }, audiences: ["orders"] }, { name: "others" }],
    }),
    ["no-audience", '{"issuer":'],
  ],
  "with a certificate binding that nobody renews": [
    policyWithRule({ bind: [{ certificate: {} }] }),
    ["rotation-off", '{"certificate"'],
  ],
  "that binds by patterns only": [policyWithRule({ bind: [patterns] }), ["unbound-token", '{"spiffe"']],
  "that binds by patterns and an expression": [
    policyWithRule({ bind: [{ cel: "true" }, patterns] }),
    ["unbound-token", '{"spiffe"'],
  ],
  "with a network as an alternative": [
    policyWithRule({ bind: [{ anyOf: [sub, near] }] }),
    ["unbound-token", '{"anyOf"'],
  ],
  "with an expression as an alternative": [
    policyWithRule({ bind: [{ anyOf: [sub, { cel: "true" }] }] }),
    ["unbound-token", '{"anyOf"'],
  ],
  "for a waypoint, without a binding": [policy({ presenter: waypoint }), ["waypoint-cnf", '"waypoint"']],
  "for a waypoint, with a rule without one": [
    policy({ presenter: waypoint, rules: [{ name: "all" }] }),
    ["waypoint-cnf", '{"name":"all"'],
  ],
  "that looks for proxies in jwt_authn's metadata": [
    policy({
      issuers: { idp: issuer({ keys: "jwt_authn" }) },
      rules: [{ name: "all", bind: [{ proxyPrincipals: {} }] }],
    }),
    ["metadata-only", '{"proxyPrincipals"'],
  ],
  "that looks for earlier actors there": [
    policy({
      issuers: { idp: issuer({ keys: "jwt_authn" }) },
      rules: [{ name: "all", bind: [{ actor: { priorActors: ["spiffe://example.org/ns/**"] } }] }],
    }),
    ["metadata-only", '{"actor"'],
  ],
  "for WITs, that judges no proofs": [
    policy({ issuers: { mesh: witSvid } }),
    ["wit-without-wpt", '"wit-svid"'],
  ],
  "that takes proofs for any host": [policy({ dpop: { origins: "routed" } }), ["routed-origins", '"routed"']],
  "with an unsigned feed": [policy({ revoked: feed({ unsigned: true }) }), ["unsigned-feed", "true"]],
  "whose status list may be out": [policyWithIssuer(lists({ onStale: "warn" })), ["stale-passes", '"warn"']],
};

const innocents: Readonly<Record<string, unknown>> = {
  "without rules": policy(),
  "whose rules name the audiences": policy({
    issuers: { idp: { ...issuer(), audiences: undefined } },
    rules: [
      { name: "health", when: { path: "/healthz" }, token: "none" },
      { name: "all", audiences: ["orders"] },
    ],
  }),
  "whose opaque tokens only the upstream knows": policy({
    issuers: { old: { header: "x-api-token", introspection: "upstream" } },
    rules: [{ name: "all", bind: [{ firstUse: {} }] }],
  }),
  "with a certificate binding and rotation": policyWithRule({
    bind: [{ certificate: { rotation: { claim: "sub", window: "1h" } } }],
  }),
  "that binds by patterns and a claim": policyWithRule({ bind: [patterns, sub] }),
  "that binds by an expression, beside which the default holds": policyWithRule({ bind: [{ cel: "true" }] }),
  "that binds by a network, beside which the default holds": policyWithRule({ bind: [near] }),
  "with two alternatives that read the token": policyWithRule({
    bind: [{ anyOf: [sub, { network: { addressClaim: "ip" } }] }],
  }),
  "that binds WITs, which need a proof, by patterns": policy({
    wpt: { origins: ["https://orders.example.org"] },
    issuers: { mesh: witSvid },
    rules: [{ name: "all", bind: [patterns] }],
  }),
  "for a waypoint, with a binding": policy({ presenter: waypoint, rules: [{ name: "all", bind: [sub] }] }),
  "for a waypoint, with a rule that takes no token": policy({
    presenter: waypoint,
    rules: [
      { name: "health", when: { path: "/healthz" }, token: "none" },
      { name: "all", bind: [sub] },
    ],
  }),
  "that looks for proxies in the payload": policy({
    issuers: { idp: issuer({ keys: jwtAuthn }) },
    rules: [{ name: "all", bind: [{ proxyPrincipals: {} }] }],
  }),
  "that takes proofs for its own origin": policy({ dpop: { origins: ["https://orders.example.org"] } }),
  "whose status list has to be there": policyWithIssuer(lists({})),
};

describe("a policy", { concurrency: 2 }, () => {
  for (const [flaw, [content, ...expected]] of Object.entries(flaws))
    it(`${flaw}: ${expected.map(([rule]) => rule).join(", ")}`, () =>
      finds([["policy.json", content]], expected));

  for (const [name, content] of Object.entries(innocents))
    it(`${name}: nothing`, () => finds([["policy.json", content]], []));

  it("in YAML has its findings where they stand there", () =>
    finds(
      [
        [
          "policy.yaml",
          `# ours
mode: observe
presenter: { validatedBy: listener }
issuers:
  corp:
    issuer: https://idp.example
    keys: { cluster: idp, path: /jwks }
`,
        ],
      ],
      [
        ["observe-mode", "observe"],
        ["no-audience", "issuer: https"],
      ],
    ));
});
