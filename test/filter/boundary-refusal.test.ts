// What a policy may not say about boundaries, egress, what goes on and the log: where it is refused, and what was expected.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HOST, OutboundScene, SIDECAR_OF_WEB, outboundPolicy } from "./support/outbound.ts";
import { issuer, policy, policyWithIssuer, policyWithRule } from "./support/policies.ts";
import { PolicyDesk } from "./support/refusal.ts";
import { without } from "./support/json.ts";
import type { Json } from "./support/json.ts";
import { WEB } from "./support/world.ts";

const desk = new PolicyDesk({ node: { metadata: SIDECAR_OF_WEB } });

/** A policy with this value in place, what is refused, where, and with which words. */
type Refusal = readonly [pointer: string, policy: Json, expected: RegExp];

function refuses(list: readonly Refusal[]): void {
  for (const [pointer, wrong, expected] of list) {
    it(`is refused at ${pointer}: ${expected.source}`, () => {
      desk.assertRefused(wrong, pointer, expected);
    });
  }
}

const CLAIM = { spiffe: { claim: "sub" } };
const LONG = Array.from({ length: 257 }, (_, i) => `a${i}`);
const federated = (borders: unknown, members: Json = {}): Json =>
  policy({ federatedTrustDomains: ["partner.example"], issuers: { idp: issuer({ borders }) }, ...members });
const waypoint = (ofIssuer: Json, members: Json = {}): Json =>
  policy({ presenter: { from: "waypoint" }, issuers: { idp: issuer(ofIssuer) }, ...members });
const leaving = (egress: unknown): Json => ({ ...outboundPolicy(), issuers: { idp: issuer({ egress }) } });

describe("trust domains", () => {
  for (const member of ["trustDomainAliases", "federatedTrustDomains"]) {
    const of = (value: unknown, members: Json = {}): Json => policy({ [member]: value, ...members });
    refuses([
      [`/${member}`, without(of(["a.example"]), "trustDomain"), /a policy with "trustDomain"/],
      [`/${member}`, of([]), /a list of at least one string/],
      [`/${member}`, of("a.example"), /a list of at least one string/],
      [`/${member}`, of(null), /a list of at least one string/],
      [`/${member}/0`, of(["example.org"]), /a SPIFFE trust domain .* each one once/],
      [`/${member}/0`, of(["spiffe://a.example"]), /without "spiffe:\/\/"/],
      [`/${member}/0`, of(["A.example"]), /a SPIFFE trust domain/],
      [`/${member}/0`, of(["*.example"]), /a SPIFFE trust domain/],
      [`/${member}/0`, of([""]), /a SPIFFE trust domain/],
      [`/${member}/0`, of([1]), /a SPIFFE trust domain/],
      [`/${member}/1`, of(["a.example", "a.example"]), /not there twice/],
      [`/${member}`, of(LONG), /at most 256/],
    ]);
  }

  refuses([
    [
      "/federatedTrustDomains/1",
      policy({ trustDomainAliases: ["b.example"], federatedTrustDomains: ["a.example", "b.example"] }),
      /not among "trustDomainAliases"/,
    ],
  ]);
});

describe("borders", () => {
  refuses([
    ["/issuers/idp/borders", federated([]), /an object/],
    ["/issuers/idp/borders", federated("deny"), /an object/],
    ["/issuers/idp/borders/federate", federated({ federate: {} }), /did you mean "federated"/],
    ["/issuers/idp/borders/same", federated({ same: "deny" }), /a known member/],
    ["/issuers/idp/borders/outside", federated({ outside: "open" }), /"deny", or \{ "bind": \[ \.\.\. \] \}/],
    ["/issuers/idp/borders/outside", federated({ outside: "allow" }), /"deny"/],
    ["/issuers/idp/borders/outside", federated({ outside: "" }), /an object/],
    ["/issuers/idp/borders/outside", federated({ outside: true }), /an object/],
    ["/issuers/idp/borders/outside", federated({ outside: null }), /an object/],
    ["/issuers/idp/borders/outside", federated({ outside: [CLAIM] }), /an object/],
    ["/issuers/idp/borders/outside/binds", federated({ outside: { binds: [] } }), /did you mean "bind"/],
    ["/issuers/idp/borders/outside/bind", federated({ outside: { bind: [] } }), /at least one binding/],
    ["/issuers/idp/borders/outside/bind", federated({ outside: { bind: {} } }), /at least one binding/],
    [
      "/issuers/idp/borders/outside/bind/1",
      federated({ outside: { bind: [CLAIM, CLAIM] } }),
      /not there twice/,
    ],
    [
      "/issuers/idp/borders/federated/bind",
      federated({ federated: { bind: [CLAIM, { cel: "true" }] } }),
      /no "cel", no "rotation", no "firstUse" and no "proxyPrincipals" here/,
    ],
    [
      "/issuers/idp/borders/federated/bind",
      federated({ federated: { bind: [{ anyOf: [CLAIM, { cel: "true" }] }] } }),
      /no "cel"/,
    ],
    [
      "/issuers/idp/borders/federated/bind",
      federated({ federated: { bind: [{ proxyPrincipals: {} }] } }),
      /no "proxyPrincipals"/,
    ],
    [
      "/issuers/idp/borders/federated",
      policyWithIssuer({ borders: { federated: {} } }),
      /"federatedTrustDomains"/,
    ],
    [
      "/issuers/idp/borders/federated",
      policyWithIssuer({ borders: { federated: "deny" } }),
      /"federatedTrustDomains"/,
    ],
    ["/issuers/idp/borders/cluster", federated({ cluster: "deny" }), /only a waypoint is told by the mesh/],
    [
      "/issuers/idp/borders",
      {
        ...outboundPolicy(),
        issuers: { idp: issuer({ egress: { hosts: [HOST] }, borders: { outside: {} } }) },
      },
      /the local workload is within every border; see "egress"/,
    ],
    [
      "/issuers/idp/borders/outside/bind/0/certificate",
      waypoint({ borders: { outside: { bind: [{ certificate: {} }] } } }),
      /no certificate binding but with "peer"/,
    ],
    [
      "/issuers/idp/borders/outside/bind/0/kubernetes/pod",
      federated({ outside: { bind: [{ kubernetes: { pod: true } }] } }),
      /only a waypoint/,
    ],
  ]);

  it("are taken where they make sense", () => {
    desk.assertAccepted(federated({ federated: "deny", outside: { bind: [CLAIM, { certificate: {} }] } }));
    desk.assertAccepted(federated({}));
    desk.assertAccepted(
      waypoint({ borders: { cluster: { bind: [{ kubernetes: { pod: true } }] }, outside: "deny" } }),
    );
    desk.assertAccepted(
      policy({
        issuers: {
          as: { introspection: { cluster: "as", path: "/i" }, borders: { outside: {} }, acceptedBy: [WEB] },
        },
      }),
    );
  });
});

describe("acceptedBy", () => {
  const of = (acceptedBy: unknown): Json => policyWithIssuer({ acceptedBy });
  refuses([
    ["/issuers/idp/acceptedBy", of([]), /a list of at least one string/],
    ["/issuers/idp/acceptedBy", of(WEB), /a list of at least one string/],
    ["/issuers/idp/acceptedBy/0", of(["orders"]), /a SPIFFE ID such as/],
    ["/issuers/idp/acceptedBy/0", of(["spiffe://*/orders"]), /a SPIFFE ID such as/],
    ["/issuers/idp/acceptedBy/1", of([WEB, WEB]), /not there twice/],
    ["/issuers/idp/acceptedBy", of(LONG.map((name) => `spiffe://example.org/${name}`)), /at most 256/],
    [
      "/issuers/idp/acceptedBy",
      waypoint({ acceptedBy: [WEB] }),
      /only with "peer" Envoy shows which service/,
    ],
    [
      "/issuers/idp/acceptedBy",
      { ...outboundPolicy(), issuers: { idp: issuer({ egress: { hosts: [HOST] }, acceptedBy: [WEB] }) } },
      /only with "peer"/,
    ],
  ]);
});

describe("egress", () => {
  const hosts = (...list: readonly unknown[]): Json => leaving({ hosts: list });
  const AT = "/issuers/idp/egress";
  refuses([
    [
      "/issuers/idp",
      { ...outboundPolicy(), issuers: { idp: issuer() } },
      /"egress": the hosts that its tokens may leave for/,
    ],
    [
      AT,
      policyWithIssuer({ egress: { hosts: [HOST] } }),
      /tokens leave through outbound listeners, with "from": "self"/,
    ],
    [AT, waypoint({ egress: { hosts: [HOST] } }), /with "from": "self"/],
    [AT, leaving([HOST]), /an object/],
    [AT, leaving(HOST), /an object/],
    [`${AT}/host`, leaving({ host: [HOST] }), /did you mean "hosts"/],
    [`${AT}/hosts`, leaving({ hosts: [] }), /a list of at least one string/],
    [`${AT}/hosts`, leaving({ hosts: HOST }), /a list of at least one string/],
    ...[
      "*",
      "*.",
      "*.*.example",
      "a.*.example",
      "x*.example",
      "https://a.example",
      "a.example/x",
      "a b",
      "",
      ".",
      "a:0",
      "a:",
      "a:65536x",
      "a,b",
      1,
      null,
    ].map((host): Refusal => [
      `${AT}/hosts/1`,
      hosts(HOST, host),
      /a host such as "orders\.example", or "\*\.example"/,
    ]),
    [`${AT}/hosts/1`, hosts(HOST, HOST), /not there twice/],
    [`${AT}/hosts`, hosts(...LONG), /at most 256/],
    [`${AT}/audiences`, leaving({ audiences: {} }), /"audiences": \{ "<audience>": \["orders\.example"\] \}/],
    [`${AT}/audiences`, leaving({ audiences: [HOST] }), /"audiences": \{/],
    [`${AT}/audiences/orders`, leaving({ audiences: { orders: [] } }), /a list of at least one string/],
    [`${AT}/audiences/orders`, leaving({ audiences: { orders: HOST } }), /a list of at least one string/],
    [`${AT}/audiences/orders/0`, leaving({ audiences: { orders: ["*"] } }), /a host such as/],
    [`${AT}/audiences/`, leaving({ audiences: { "": [HOST] } }), /an audience/],
    [
      `${AT}/audiences`,
      leaving({ audiences: Object.fromEntries(LONG.map((name) => [name, [HOST]])) }),
      /at most 256 audiences/,
    ],
  ]);

  it("of 256 hosts and 256 audiences is taken", () => {
    const list = LONG.slice(1);
    desk.assertAccepted(hosts(...list));
    desk.assertAccepted(leaving({ audiences: Object.fromEntries(list.map((name) => [name, [HOST]])) }));
  });
});

describe("the local workload as presenter", () => {
  const from = (presenter: Json, members: Json = {}): Json => ({
    ...outboundPolicy(),
    presenter: { from: "self", ...presenter },
    ...members,
  });
  const bind = (binding: Json): Json => outboundPolicy(undefined, { bind: [CLAIM, binding] });
  refuses([
    ["/presenter", without(from({}), "trustDomain"), /a policy with "trustDomain"/],
    ["/presenter/validatedBy", from({ validatedBy: "listener" }), /nothing here/],
    ["/presenter/validatedBy", from({ validatedBy: "envoy" }), /nothing here/],
    ["/presenter/examineCertificate", from({ examineCertificate: true }), /only "peer" sees a certificate/],
    [
      "/presenter/forwarders",
      from({ forwarders: [WEB], forwardClientCertDetails: "APPEND_FORWARD" }),
      /no forwarders but with "peer"/,
    ],
    ["/rules/0/bind/1/certificate", bind({ certificate: {} }), /no certificate binding but with "peer"/],
    ["/rules/0/bind/1/network", bind({ network: { serverNames: ["a"] } }), /no TLS facts but with "peer"/],
    [
      "/rules/0/bind/1/network",
      bind({ network: { minTlsVersion: "TLSv1.3" } }),
      /no TLS facts but with "peer"/,
    ],
    ["/rules/0/bind/1/kubernetes/pod", bind({ kubernetes: { pod: true } }), /only a waypoint/],
    ["/presenter/from", policy({ presenter: { from: "me" } }), /"peer", "waypoint" or "self"/],
  ]);

  it("is not known without node metadata", () => {
    const expected =
      /refused at "\/presenter\/from": expected an Envoy beside one workload, whose node metadata have/;
    assert.throws(() => new OutboundScene(outboundPolicy(), {}, {}), expected);
  });
});

describe("onDeny", () => {
  const optional = { token: "optional", onDeny: "strip" };
  refuses([
    ["/rules/0/onDeny", policyWithRule(optional), /"deny"; "strip" is for tokens that leave/],
    ["/rules/0/onDeny", outboundPolicy(undefined, { onDeny: "strip" }), /"token": "optional"/],
    ["/rules/0/onDeny", outboundPolicy(undefined, { ...optional, onDeny: "drop" }), /"deny" or "strip"/],
    ["/rules/0/onDeny", outboundPolicy(undefined, { ...optional, onDeny: "Strip" }), /did you mean "strip"/],
    ["/rules/0/onDeny", outboundPolicy(undefined, { ...optional, onDeny: true }), /"deny" or "strip"/],
    ["/rules/0/onDeny", outboundPolicy(undefined, { token: "none", onDeny: "strip" }), /nothing here/],
    ["/rules/0/onDeny", policyWithRule({ token: "none", onDeny: "deny" }), /nothing here/],
  ]);

  it("that is deny may stand in any rule", () => {
    desk.assertAccepted(policyWithRule({ onDeny: "deny" }));
    desk.assertAccepted(outboundPolicy(undefined, { onDeny: "deny" }));
  });
});

describe("forward", () => {
  const of = (forward: unknown, members: Json = {}): Json => ({ ...policyWithRule({ forward }), ...members });
  const header = (payloadHeader: unknown, members: Json = {}): Json => of({ payloadHeader }, members);
  const AT = "/rules/0/forward";
  const byAuthn = { jwt_authn: { payloadHeader: "x-authn-payload" } };
  refuses([
    [AT, of("strip"), /an object/],
    [AT, of(true), /an object/],
    [`${AT}/tokens`, of({ tokens: "strip" }), /did you mean "token"/],
    [`${AT}/token`, of({ token: "remove" }), /"keep" or "strip"/],
    [`${AT}/token`, of({ token: true }), /"keep" or "strip"/],
    [`${AT}/verdict`, of({ verdict: "true" }), /true, for a header with the verdict, or false/],
    [`${AT}/verdict`, of({ verdict: null }), /true, for a header/],
    [AT, policyWithRule({ token: "none", forward: { verdict: true } }), /nothing here/],
    ...[
      "authorization",
      "claims",
      "X-Claims",
      "x claims",
      "",
      ":path",
      "x-request-id",
      "x-envoy-x",
      "x-forwarded-for",
      "x-forwarded-client-cert",
      "x-holdfast-verdict",
      "x-holdfast-claims",
      "cookie",
      "host",
      "x".repeat(65),
      1,
      null,
      true,
    ].map((name): Refusal => [
      `${AT}/payloadHeader`,
      header(name),
      /begins with "x-", and is not one of Envoy's or of ours/,
    ]),
    [
      `${AT}/payloadHeader`,
      header("x-token", { issuers: { idp: issuer({ header: "x-token" }) } }),
      /a header that no token comes in/,
    ],
    [
      `${AT}/payloadHeader`,
      header("x-a-token", { issuers: { idp: issuer(), b: issuer({ issuer: "b", header: "x-a_token" }) } }),
      /a header that no token comes in/,
    ],
    [
      `${AT}/payloadHeader`,
      header("x-authn-payload", { issuers: { idp: issuer(), b: issuer({ issuer: "b", keys: byAuthn }) } }),
      /jwt_authn does not write/,
    ],
    [
      `${AT}/payloadHeader`,
      header("x-claims", { issuers: { idp: issuer(), b: issuer({ issuer: "b", keys: "jwt_authn" }) } }),
      /only a token whose signature is checked here has a payload/,
    ],
    [
      `${AT}/payloadHeader`,
      header("x-claims", { issuers: { as: { introspection: { cluster: "as", path: "/i" } } } }),
      /only a token whose signature is checked here/,
    ],
  ]);

  it("with a payload header is taken where the rule takes no tokens of the others", () => {
    const issuers = { idp: issuer(), b: issuer({ issuer: "b", keys: "jwt_authn" }) };
    desk.assertAccepted(
      policy({ issuers, rules: [{ name: "a", issuers: ["idp"], forward: { payloadHeader: "x-claims" } }] }),
    );
  });

  it("with a header that servers take for one of ours or of Envoy's is refused, too", () => {
    for (const name of ["x-holdfast_verdict", "x-envoy_peer-metadata", "x-forwarded_for", "x-request_id"])
      desk.assertRefused(header(name), `${AT}/payloadHeader`);
  });
});

describe("an issuer's header", () => {
  it("is not the one that only holdfast writes", () => {
    for (const name of ["x-holdfast-verdict", "x_holdfast_verdict"])
      desk.assertRefused(policyWithIssuer({ header: name }), "/issuers/idp/header");
  });
});

describe("kubernetes", () => {
  const of = (kubernetes: unknown, make = waypoint): Json =>
    make({}, { rules: [{ name: "all", bind: [{ kubernetes }] }] });
  const atPeer = (_: Json, members: Json = {}) => policy(members);
  refuses([
    [
      "/rules/0/bind/0/kubernetes/pod",
      of({ pod: "true" }),
      /true, where the mesh says which pod a peer is, or false/,
    ],
    ["/rules/0/bind/0/kubernetes/pod", of({ pod: null }), /true, where the mesh/],
    ["/rules/0/bind/0/kubernetes/pods", of({ pods: true }), /did you mean "pod"/],
    [
      "/rules/0/bind/0/kubernetes/pod",
      of({ pod: true }, atPeer),
      /only a waypoint is told by the mesh which pod/,
    ],
    [
      "/rules/0/bind/1",
      waypoint({}, { rules: [{ name: "all", bind: [{ kubernetes: {} }, { kubernetes: { pod: true } }] }] }),
      /not there twice/,
    ],
  ]);

  it("may say that the pod does not matter anywhere", () => {
    desk.assertAccepted(of({ pod: false }, atPeer));
  });
});

describe("the decision log", () => {
  const of = (decisionLog: unknown): Json => policy({ decisionLog });
  refuses([
    ["/decisionLog", of([]), /an object/],
    ["/decisionLog", of(1000), /an object/],
    ["/decisionLog", of({}), /"sampleAllowed": one request in so many/],
    ["/decisionLog/sampleAllow", of({ sampleAllow: 1 }), /did you mean "sampleAllowed"/],
    ...[-1, 1.5, "10", true, null, [], 1_000_001, 1e20].map((value): Refusal => [
      "/decisionLog/sampleAllowed",
      of({ sampleAllowed: value }),
      /0 to 1000000/,
    ]),
  ]);

  it("takes 0 to a million", () => {
    for (const sampleAllowed of [0, 1, 1_000_000]) desk.assertAccepted(of({ sampleAllowed }));
  });
});
