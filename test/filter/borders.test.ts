// Borders: which of them an issuer's tokens cross, and what has to hold there on top of what the rule asks for.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import type { Peer, Request } from "../../cli/host/index.ts";
import { Authority } from "../../envoy/identity/authority.ts";
import { verified } from "./support/jwt-authn.ts";
import { CLUSTER, FetchingScene, answerWith, fetchingPolicy } from "./support/key-server.ts";
import { issuer, policy } from "./support/policies.ts";
import {
  Scene,
  assertAllowed,
  assertDenied,
  assertWouldDeny,
  bearer,
  reasonOf,
  verdictOf,
} from "./support/scene.ts";
import { without } from "./support/json.ts";
import type { Json } from "./support/json.ts";
import { key, token } from "./support/tokens.ts";
import { THIEF, WEB, WEB_THUMBPRINT, plaintext, thief, web } from "./support/world.ts";

const PARTNER = "partner.example";
const PARTNER_WEB = `spiffe://${PARTNER}/ns/shop/sa/web`;
const partner: Peer = { ...web, uriSan: PARTNER_WEB, certSha256: "ab".repeat(32) };
const partnersToken = token({ sub: PARTNER_WEB });
const stranger: Peer = { ...partner, uriSan: "spiffe://stranger.example/ns/shop/sa/web" };

const BOUND = { cnf: { "x5t#S256": WEB_THUMBPRINT } };
const boundToken = token(BOUND);
/** A validated certificate without a SPIFFE ID: the one that bound tokens here name. */
const unnamed: Peer = without(web, "uriSan");

function bordered(borders: Json | undefined, members: Json = {}, ofIssuer: Json = {}): Scene {
  const idp = issuer({ ...(borders === undefined ? {} : { borders }), ...ofIssuer });
  return new Scene(policy({ federatedTrustDomains: [PARTNER], issuers: { idp }, ...members }));
}

const sources = (...ranges: readonly string[]) => ({ network: { sources: ranges } });

describe("a border that the policy does not speak of", () => {
  for (const borders of [undefined, {}, { outside: {} }] as const) {
    const scene = bordered(borders);

    it(`is closed to federated presenters: ${JSON.stringify(borders)}`, () => {
      const stream = scene.present(partnersToken, { peer: partner });
      assertDenied(stream, "border_closed");
      assert.equal(stream.reply?.status, 403);
    });
  }

  it("leaves who shows no SPIFFE ID what he was: absent", () => {
    for (const borders of [undefined, {}, { federated: {} }]) {
      const scene = bordered(borders);
      assertDenied(scene.present(boundToken, { peer: plaintext }), "peer_absent");
      assertDenied(scene.present(boundToken, { peer: unnamed }), "spiffe_id_absent");
    }
  });

  it("is no border within: our own workloads are where they were", () => {
    for (const borders of [undefined, {}, { federated: "deny", outside: "deny" }]) {
      assertAllowed(bordered(borders).present(token()));
      assertDenied(bordered(borders).present(token(), { peer: thief }), "spiffe_mismatch");
    }
  });
});

describe("a stranger's trust domain", () => {
  it("stays foreign, however open the borders are", () => {
    const scene = bordered({ federated: {}, outside: {} });
    const strangers = token({ sub: stranger.uriSan });
    assertDenied(scene.present(strangers, { peer: stranger }), "trust_domain_foreign");
    assertDenied(scene.present(boundToken, { peer: stranger }), "trust_domain_foreign");
  });
});

describe("the federated border", () => {
  it("that is denied is closed, also for a token that names its presenter and his certificate", () => {
    const scene = bordered({ federated: "deny" });
    assertDenied(scene.present(partnersToken, { peer: partner }), "border_closed");
    const own = token({ cnf: { "x5t#S256": Buffer.alloc(32, 0xab).toString("base64url") } });
    assertDenied(scene.present(own, { peer: partner }), "border_closed");
  });

  it("that is open asks for what the rule asks for, and for no more", () => {
    const scene = bordered({ federated: {} });
    assertAllowed(scene.present(partnersToken, { peer: partner }));
    assertDenied(scene.present(token(), { peer: partner }), "spiffe_mismatch");
    assertDenied(
      scene.present(partnersToken, { peer: { ...partner, uriSan: `${PARTNER_WEB}2` } }),
      "spiffe_mismatch",
    );
  });

  it("with bind asks for that as well, there and nowhere else", () => {
    const scene = bordered({ federated: { bind: [sources("10.0.0.0/8")] } });
    const near = { ...partner, address: "10.1.2.3:4000" };
    assertAllowed(scene.present(partnersToken, { peer: near }));
    assertDenied(scene.present(partnersToken, { peer: partner }), "source_not_admitted");
    assertDenied(
      scene.present(token(), { peer: near }),
      "spiffe_mismatch",
      "the rule's own bind still holds",
    );
    assertAllowed(scene.present(token()), "within, nobody asks for an address");
  });

  it("with several bindings asks for each of them", () => {
    const scene = bordered({ federated: { bind: [{ certificate: {} }, sources("127.0.0.0/8")] } });
    const own = (sub: string) =>
      token({ sub, cnf: { "x5t#S256": Buffer.alloc(32, 0xab).toString("base64url") } });
    assertAllowed(scene.present(own(PARTNER_WEB), { peer: partner }));
    assertDenied(scene.present(partnersToken, { peer: partner }), "certificate_unbound");
    const away = { ...partner, address: "10.1.2.3:4000" };
    assertDenied(scene.present(own(PARTNER_WEB), { peer: away }), "source_not_admitted");
  });

  it("takes an anyOf, a template and a claim there", () => {
    const anyOf = [
      { spiffe: { claim: "partner" } },
      { spiffe: { template: "spiffe://partner.example/ns/{ns}/sa/web" } },
    ];
    const scene = bordered({ federated: { bind: [{ anyOf }] } });
    const claims = (more: Json) => token({ sub: PARTNER_WEB, ...more });
    assertAllowed(scene.present(claims({ partner: PARTNER_WEB }), { peer: partner }));
    assertAllowed(scene.present(claims({ ns: "shop" }), { peer: partner }));
    assertDenied(scene.present(claims({ ns: "x" }), { peer: partner }), "no_alternative_held");
  });

  it("is each issuer's own", () => {
    const other = issuer({ issuer: "https://other.example" });
    const scene = bordered(undefined, {
      issuers: { idp: issuer({ borders: { federated: {} } }), other },
    });
    assertAllowed(scene.present(partnersToken, { peer: partner }));
    const others = token({ sub: PARTNER_WEB, iss: "https://other.example" });
    assertDenied(scene.present(others, { peer: partner }), "border_closed");
  });

  it("is told before the signature is checked", () => {
    const scene = bordered({ federated: "deny" });
    scene.host.calls.resetCounts();
    assertDenied(scene.present(partnersToken, { peer: partner }), "border_closed");
    assert.equal(scene.host.calls.count("proxy_call_foreign_function"), 0);
  });

  it("is no way round the issuer's presenters", () => {
    const scene = bordered({ federated: {} }, {}, { presenters: ["spiffe://example.org/**"] });
    assertDenied(scene.present(partnersToken, { peer: partner }), "presenter_not_admitted");
  });

  it("is observed as everything is", () => {
    const scene = bordered(undefined, { mode: "observe" });
    assertWouldDeny(scene.present(partnersToken, { peer: partner }), "border_closed");
  });

  it("is held with the claims that jwt_authn leaves in its metadata", () => {
    const borders = { federated: { bind: [{ spiffe: { claim: "partner" } }] } };
    const scene = bordered(borders, {}, { keys: "jwt_authn" });
    const from = (claims: Json) =>
      scene.ask({ peer: partner, metadata: verified({ sub: PARTNER_WEB, ...claims }) });
    assertAllowed(from({ partner: PARTNER_WEB }));
    assertDenied(from({}), "spiffe_claim_absent");
    assertDenied(from({ partner: WEB }), "spiffe_mismatch");
  });
});

describe("the outside border, denied", () => {
  it("is closed, and says so: somebody was there, and has no business here", () => {
    const scene = bordered({ outside: "deny" });
    for (const peer of [plaintext, unnamed]) {
      const stream = scene.present(boundToken, { peer });
      assertDenied(stream, "border_closed");
      assert.equal(stream.reply?.status, 403);
    }
  });
});

describe("the outside border, open", () => {
  const scene = bordered({ outside: {} });

  it("is crossed by a token that is bound to a validated certificate without a SPIFFE ID", () => {
    assertAllowed(scene.present(boundToken, { peer: unnamed }));
    const another = { ...unnamed, certSha256: "ab".repeat(32) };
    assertDenied(scene.present(boundToken, { peer: another }), "certificate_mismatch");
  });

  it("is crossed by no token without cnf: there is nobody that it could be about", () => {
    for (const peer of [plaintext, unnamed]) {
      for (const compact of [token(), token({ sub: "" }), token({ sub: null })]) {
        const stream = scene.present(compact, { peer });
        assert.equal(stream.outcome, "replied");
      }
      assertDenied(scene.present(token(), { peer }), "spiffe_id_absent");
    }
  });

  it("is crossed by no bound token without its certificate", () => {
    assertDenied(scene.present(boundToken, { peer: plaintext }), "certificate_digest_absent");
    assertDenied(scene.present(boundToken, { peer: { tlsVersion: "TLSv1.3" } }), "certificate_digest_absent");
    assertDenied(
      scene.present(boundToken, { peer: without(unnamed, "certSha256") }),
      "certificate_digest_absent",
    );
  });

  it("needs a certificate that somebody has validated", () => {
    const byEnvoy = bordered({ outside: {} }, { presenter: { validatedBy: "envoy" } });
    assertAllowed(byEnvoy.present(boundToken, { peer: unnamed }));
    const selfSigned = { ...unnamed, validated: false };
    assertDenied(byEnvoy.present(boundToken, { peer: selfSigned }), "peer_not_validated");
  });

  it("takes a malformed SPIFFE ID for no absent one", () => {
    for (const uriSan of ["https://example.org/web", "spiffe://example.org", "spiffe://Example.org/web"])
      assertDenied(scene.present(boundToken, { peer: { ...unnamed, uriSan } }), "spiffe_id_malformed");
  });

  it("is no way out for a thief of our own who leaves his certificate at home", () => {
    assertDenied(scene.present(token(), { peer: plaintext }), "spiffe_id_absent");
    assertDenied(scene.present(token({ sub: THIEF }), { peer: plaintext }), "spiffe_id_absent");
  });

  it("lets nobody in whom the issuer's presenters would have to name", () => {
    const named = bordered({ outside: {} }, {}, { presenters: ["spiffe://example.org/**"] });
    assertDenied(named.present(boundToken, { peer: unnamed }), "presenter_not_admitted");
  });

  it("stays shut for every binding that wants a SPIFFE ID, though the token has an empty name", () => {
    const bindings: readonly (readonly [Json, Json])[] = [
      [{ spiffe: { claim: "who" } }, { who: "" }],
      [{ spiffe: { patterns: ["spiffe://example.org/**"] } }, {}],
      [{ spiffe: { template: "spiffe://{trustDomain}/{who}" } }, { who: "x" }],
      [{ actor: {} }, { act: { sub: "" } }],
      [{ client: { presenters: { shop: ["spiffe://example.org/**"] } } }, { azp: "shop" }],
      [{ kubernetes: {} }, { "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" } } }],
      [{ proxyPrincipals: {} }, { cnf: { "x5t#S256": WEB_THUMBPRINT, "proxy-principals#spiffe": [""] } }],
    ];
    for (const [binding, claims] of bindings) {
      const bound = bordered({ outside: {} }, { rules: [{ name: "all", bind: [binding] }] });
      for (const peer of [plaintext, { ...unnamed, certSha256: "ab".repeat(32) }]) {
        const stream = bound.present(token(claims), { peer });
        assert.equal(stream.outcome, "replied", JSON.stringify(binding));
      }
    }
  });

  it("asks for what its bind asks for", () => {
    const narrow = bordered({ outside: { bind: [{ certificate: {} }, sources("192.0.2.0/24")] } });
    const near = { ...unnamed, address: "192.0.2.7:5000" };
    assertAllowed(narrow.present(boundToken, { peer: near }));
    assertDenied(narrow.present(boundToken, { peer: unnamed }), "source_not_admitted");
  });

  it("is open to a forwarder's client whom it does not name, as far as a binding can hold for him", () => {
    const GATEWAY = "spiffe://example.org/ns/istio-system/sa/gateway";
    const presenter = {
      validatedBy: "listener",
      forwarders: [GATEWAY],
      forwardClientCertDetails: "APPEND_FORWARD",
    };
    const gateway = { ...web, uriSan: GATEWAY };
    const request = (xfcc: string): Request => ({
      peer: gateway,
      headers: [["x-forwarded-client-cert", `${xfcc}By=spiffe://example.org/o;URI=${GATEWAY}`]],
    });
    const closed = bordered(undefined, { presenter });
    const open = bordered({ outside: {} }, { presenter });
    const nameless = `By=${GATEWAY};Hash=${"ab".repeat(32)},`;
    assertDenied(closed.present(boundToken, request("")), "caller_absent");
    for (const xfcc of ["", nameless]) {
      assertDenied(open.present(token(), request(xfcc)), "spiffe_id_absent", xfcc);
      // The gateway's own certificate is the live one, and is not the caller's.
      assertDenied(open.present(boundToken, request(xfcc)), "certificate_digest_absent", xfcc);
    }
    assertDenied(open.present(token({ sub: GATEWAY }), request("")), "spiffe_id_absent");
  });

  it("is open at a waypoint to whom no tunnel names, and no binding holds for him", () => {
    const waypoint = bordered({ outside: {} }, { presenter: { from: "waypoint" } });
    assertDenied(waypoint.present(token(), { peer: plaintext }), "spiffe_id_absent");
    assertDenied(waypoint.present(boundToken, { peer: unnamed }), "certificate_digest_absent");
  });

  it("does not ask of a certificate that is looked at to name somebody", async () => {
    const authority = await Authority.create("example.org", {
      now: new Date(scene.now * 1000),
      seconds: 600,
    });
    const { certificate } = await authority.issue();
    const der = new X509Certificate(certificate);
    const peer: Peer = {
      mtls: true,
      validated: true,
      certPem: `${certificate.trim()}\n`,
      certSha256: der.fingerprint256.replaceAll(":", "").toLowerCase(),
    };
    const presenter = { validatedBy: "listener", examineCertificate: true };
    const examining = bordered({ outside: {} }, { presenter });
    const thumbprint = Buffer.from(peer.certSha256 ?? "", "hex").toString("base64url");
    const own = token({ cnf: { "x5t#S256": thumbprint } });
    assertAllowed(bordered({ outside: {} }).present(own, { peer }), "without the look it passes");
    assertAllowed(examining.present(own, { peer }));
  });
});

describe("a request that has waited for keys", () => {
  it("is held against its border when it is judged, by the policy that it came under", () => {
    const rules = (borders: Json): Json => ({
      ...fetchingPolicy({}, { federatedTrustDomains: [PARTNER] }),
      issuers: { idp: issuer({ borders, keys: { cluster: CLUSTER, path: "/jwks" } }) },
    });
    const open = rules({ federated: { bind: [sources("127.0.0.0/8")] }, outside: {} });
    const waiting = (scene: FetchingScene) =>
      [
        [partnersToken, partner],
        [partnersToken, { ...partner, address: "10.1.2.3:4000" }],
        [boundToken, unnamed],
        [token(), plaintext],
      ].map(([compact, peer]) =>
        scene.plugin.request({ peer: peer as Peer, headers: [bearer(compact as string)] }),
      );

    const scene = new FetchingScene(open);
    const streams = waiting(scene);
    assert.deepEqual(new Set(streams.map(({ outcome }) => outcome)), new Set(["pause"]));
    scene.publish(key.jwk);
    const verdicts = streams.map((stream) => reasonOf(stream) ?? verdictOf(stream));
    assert.deepEqual(verdicts, ["allow", "source_not_admitted", "allow", "spiffe_id_absent"]);

    const closing = new FetchingScene(open);
    const late = waiting(closing);
    assert.ok(closing.plugin.configureListener(JSON.stringify(rules({}))));
    assertDenied(closing.present(partnersToken, { peer: partner }), "border_closed");
    closing.vm.tick();
    for (const call of closing.asked) call.respond(answerWith(key.jwk));
    assert.deepEqual(
      late.map((stream) => reasonOf(stream) ?? verdictOf(stream)),
      verdicts,
      "each by its own root context's policy",
    );
  });
});

describe("an outsider, when a host call fails", () => {
  it("is never let in on less than every fact", () => {
    const scene = bordered({ outside: {} }, { presenter: { validatedBy: "envoy" } });
    const request: Request = { peer: unnamed };
    assertAllowed(scene.present(boundToken, request));
    scene.host.calls.resetCounts();
    scene.present(boundToken, request);
    const reads = scene.host.calls.count("proxy_get_property");
    assert.ok(reads >= 5, String(reads));
    const outcomes: string[] = [];
    for (let nth = 1; nth <= reads; nth++) {
      scene.host.calls.inject("proxy_get_property", { status: 10 }, nth);
      outcomes.push(scene.present(boundToken, request).outcome);
      scene.host.calls.clearFaults();
    }
    assert.equal(scene.host.vmFailures, 0);
    // An earlier verdict that cannot be read is none, and the address only tells outsiders' allowances apart.
    assert.equal(outcomes.filter((outcome) => outcome === "continue").length, 2, outcomes.join(" "));
  });
});

describe("the cluster border, at a waypoint", () => {
  const EAST = "east";
  const at = (cluster: unknown, node: Record<string, string> = { CLUSTER_ID: EAST }) => {
    const idp = issuer(cluster === undefined ? {} : { borders: { cluster } });
    const rules = policy({ presenter: { from: "waypoint" }, issuers: { idp } });
    return new Scene(rules, { node: { metadata: node } });
  };
  const from = (cluster: string | undefined, uriSan = WEB): Request => ({
    peer: plaintext,
    filterState: { "io.istio.peer_principal": uriSan },
    ...(cluster === undefined ? {} : { properties: { "filter_state\0downstream_peer\0cluster": cluster } }),
  });

  it("is none where the policy does not speak of it", () => {
    for (const cluster of [EAST, "west", undefined])
      assertAllowed(at(undefined).present(token(), from(cluster)));
  });

  it("is crossed by who is in another cluster, byte for byte", () => {
    const closed = at("deny");
    assertAllowed(closed.present(token(), from(EAST)));
    for (const cluster of ["west", "East", "east2", "eas", "east "])
      assertDenied(closed.present(token(), from(cluster)), "border_closed", cluster);
  });

  it("that is open, or has conditions that hold, lets in whom the token is meant for", () => {
    assertAllowed(at({}).present(token(), from("west")));
    assertDenied(at({}).present(token(), from("west", THIEF)), "spiffe_mismatch");
    const narrow = at({ bind: [{ spiffe: { patterns: ["spiffe://example.org/ns/edge/**"] } }] });
    assertAllowed(narrow.present(token(), from(EAST)));
    assertDenied(narrow.present(token(), from("west")), "spiffe_mismatch");
    const EDGE = "spiffe://example.org/ns/edge/sa/proxy";
    assertAllowed(narrow.present(token({ sub: EDGE }), from("west", EDGE)));
  });

  it("is not for anybody to cross of whom, or where, the mesh does not say which cluster it is", () => {
    for (const cluster of ["deny", {}]) {
      const scene = at(cluster);
      for (const unknown of [undefined, ""]) {
        const stream = scene.present(token(), from(unknown));
        assertDenied(stream, "cluster_unknown");
        assert.equal(stream.reply?.status, 403);
      }
      assertDenied(at(cluster, {}).present(token(), from(EAST)), "cluster_unknown");
      assertDenied(at(cluster, { CLUSTER_ID: "" }).present(token(), from("")), "cluster_unknown");
    }
  });

  it("is not for a peer to say of himself", () => {
    const scene = at("deny");
    const claim = Buffer.from(JSON.stringify({ CLUSTER_ID: EAST })).toString("base64");
    const headers: [string, string][] = [["x-envoy-peer-metadata", claim]];
    assertDenied(scene.present(token(), { ...from("west"), headers }), "border_closed");
  });
});
