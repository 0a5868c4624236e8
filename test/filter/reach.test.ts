// How far tokens travel, in counters that are handed over on a tick.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Peer, Request } from "../../cli/host/index.ts";
import { verified } from "./support/jwt-authn.ts";
import { OutboundScene, outboundPolicy, strippingPolicy } from "./support/outbound.ts";
import { issuer, policy, policyWithIssuer, policyWithRule } from "./support/policies.ts";
import { lastRecord } from "./support/records.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { CLAIMS, token, tokenOf } from "./support/tokens.ts";
import { without } from "./support/json.ts";
import type { Json } from "./support/json.ts";
import { NOW, THIEF, WEB, WEB_THUMBPRINT, plaintext, thief, web } from "./support/world.ts";

const reachOf = (scene: Scene, family = ""): Record<string, number> => {
  const prefix = `reach.${family}`;
  return Object.fromEntries(
    Object.entries(scene.counted(prefix)).map(([name, value]) => [
      name.slice(prefix.length).replace(/^\./, ""),
      value,
    ]),
  );
};

const peerNamed = (name: string): Peer => ({ ...web, uriSan: `spiffe://example.org/ns/shop/sa/${name}` });
const anybody = policyWithRule({ bind: [{ spiffe: { patterns: ["spiffe://example.org/**"] } }] });

describe("what is counted", () => {
  it("is handed over on the next tick and not before, and once", () => {
    const scene = new Scene();
    scene.present(token());
    assert.equal(scene.host.counter("holdfast.reach.uses.bound"), 0);
    scene.vm.tick();
    assert.equal(scene.host.counter("holdfast.reach.uses.bound"), 1);
    scene.vm.tick();
    assert.equal(scene.host.counter("holdfast.reach.uses.bound"), 1);
  });

  it("is handed over within a second, also where the policy asks nobody anything", () => {
    assert.equal(new Scene().plugin.tickPeriodMilliseconds, 1000);
    assert.ok(new Scene(policyWithRule({ token: "none" })).plugin.tickPeriodMilliseconds <= 1000);
  });

  it("is handed over in one call for each counter, however many requests there were", () => {
    const scene = new Scene();
    for (let i = 0; i < 50; i++) scene.present(token());
    scene.host.calls.resetCounts();
    scene.vm.tick();
    assert.ok(scene.host.calls.count("proxy_increment_metric") <= 10);
    scene.host.calls.resetCounts();
    scene.vm.tick();
    assert.equal(scene.host.calls.counts().get("proxy_increment_metric") ?? 0, 0);
  });

  it("is one use of a token, in each family", () => {
    const scene = new Scene();
    scene.present(token());
    assert.deepEqual(reachOf(scene), {
      "token_age.1m": 1,
      "since_check.first": 1,
      "presenters.1": 1,
      "services.1": 1,
      "uses.bound": 1,
      "border.same": 1,
    });
  });

  it("is nothing of a token whose claims nobody has proven", () => {
    const scene = new Scene();
    for (const compact of [
      "a.b",
      token({ iss: "https://elsewhere.example" }),
      `${token().slice(0, -8)}AAAAAAAA`,
    ])
      scene.present(compact);
    scene.present(token(), { peer: plaintext });
    scene.ask();
    new Scene(policyWithRule({ token: "none" })).present(token());
    assert.deepEqual(reachOf(scene), {});
  });

  it("is a use also when the token is refused for what it says, or for who shows it", () => {
    const scene = new Scene();
    scene.present(token({ exp: NOW - 1000, iat: NOW - 2000 }));
    scene.present(token(), { peer: thief });
    const counted = reachOf(scene);
    assert.deepEqual([counted["presenters.1"], counted["border.same"]], [2, 2]);
    assert.deepEqual(
      [counted["uses.bound"], counted["uses.unbound"], counted["services.1"]],
      [undefined, undefined, undefined],
    );
  });

  it("survives a host that takes no counter", () => {
    const scene = new Scene();
    scene.host.calls.inject("proxy_increment_metric", { status: 10 });
    assertAllowed(scene.present(token()));
    scene.vm.tick();
    scene.host.calls.clearFaults();
    assertAllowed(scene.present(token()));
    assert.equal(scene.host.vmFailures, 0);
  });
});

describe("the age of a token", () => {
  const BUCKETS: readonly (readonly [string, readonly number[]])[] = [
    ["1m", [-30, 0, 60]],
    ["5m", [61, 300]],
    ["15m", [301, 900]],
    ["1h", [901, 3600]],
    ["8h", [3601, 28_800]],
    ["24h", [28_801, 86_400]],
    ["more", [86_401, 1_000_000]],
  ];

  for (const [bucket, ages] of BUCKETS) {
    it(`of ${ages.join(", ")} s is in ${bucket}`, () => {
      const scene = new Scene();
      for (const age of ages) scene.present(token({ iat: NOW - age }));
      assert.deepEqual(reachOf(scene, "token_age"), { [bucket]: ages.length });
    });
  }

  it("is not counted where the token does not say when it was issued", () => {
    const scene = new Scene();
    assertAllowed(scene.present(tokenOf({ alg: "ES256", kid: "k1" }, without(CLAIMS, "iat"))));
    assert.deepEqual(reachOf(scene, "token_age"), {});
    assert.deepEqual(reachOf(scene, "uses"), { bound: 1 });
  });

  it("is counted at each use, and grows with it", () => {
    const scene = new Scene();
    const compact = token({ exp: NOW + 4000 });
    for (const later of [0, 60, 61, 301]) {
      scene.now = NOW + later;
      scene.present(compact);
    }
    assert.deepEqual(reachOf(scene, "token_age"), { "1m": 2, "5m": 1, "15m": 1 });
  });
});

describe("the time since a token was here last", () => {
  it("is none the first time, and then counted from use to use", () => {
    const scene = new Scene();
    const compact = token({ exp: NOW + 1_000_000 });
    let at = NOW;
    for (const pause of [0, 0, 1, 10, 60, 600, 3600, 3601]) {
      at += pause;
      scene.now = at;
      scene.present(compact);
    }
    assert.deepEqual(reachOf(scene, "since_check"), {
      first: 1,
      "1s": 2,
      "10s": 1,
      "1m": 1,
      "10m": 1,
      "1h": 1,
      more: 1,
    });
  });

  it("is never negative, though the clock was set back", () => {
    const scene = new Scene();
    const compact = token({ nbf: NOW - 100, iat: NOW - 100 });
    scene.present(compact);
    scene.now = NOW - 30;
    scene.present(compact);
    assert.deepEqual(reachOf(scene, "since_check"), { first: 1, "1s": 1 });
  });

  it("is each token's own", () => {
    const scene = new Scene();
    for (const jti of ["a", "b", "c"]) scene.present(token({ jti }));
    assert.deepEqual(reachOf(scene, "since_check"), { first: 3 });
  });
});

describe("the presenters of a token", () => {
  it("are counted when a new one comes, and each once", () => {
    const scene = new Scene(anybody);
    const compact = token();
    for (const name of ["a", "b", "a", "c", "b", "a", "d", "d"])
      scene.present(compact, { peer: peerNamed(name) });
    assert.deepEqual(reachOf(scene, "presenters"), { 1: 1, 2: 1, 3: 1, 4: 1 });
  });

  it("are told apart up to five, and a flood of others counts no more", () => {
    const scene = new Scene(anybody);
    const compact = token();
    for (let i = 0; i < 40; i++) scene.present(compact, { peer: peerNamed(`p${i}`) });
    assert.deepEqual(reachOf(scene, "presenters"), { 1: 1, 2: 1, 3: 1, 4: 1, more: 1 });
  });

  it("are a thief, too, whom the binding refuses: that is what shows a theft", () => {
    const scene = new Scene();
    const compact = token();
    assertAllowed(scene.present(compact));
    assertDenied(scene.present(compact, { peer: thief }), "spiffe_mismatch");
    assert.deepEqual(reachOf(scene, "presenters"), { 1: 1, 2: 1 });
  });

  it("outside of every mesh are told apart by their address, without the port", () => {
    const borders = { outside: {} };
    const scene = new Scene(policyWithIssuer({ borders }));
    const compact = token({ cnf: { "x5t#S256": WEB_THUMBPRINT } });
    const unnamed = without(web, "uriSan");
    for (const address of ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1", "[2001:db8::1]:1", "[2001:db8::1]:2"])
      assertAllowed(scene.present(compact, { peer: { ...unnamed, address } }));
    assert.deepEqual(reachOf(scene, "presenters"), { 1: 1, 2: 1, 3: 1 });
    assert.deepEqual(reachOf(scene, "border"), { outside: 5 });
  });

  it("are not known where jwt_authn verified the token and took it away: nobody remembers it", () => {
    const scene = new Scene(policyWithIssuer({ keys: "jwt_authn" }));
    assertAllowed(scene.ask({ metadata: verified() }));
    assert.deepEqual(reachOf(scene), { "token_age.1m": 1, "uses.bound": 1, "border.same": 1 });
  });

  it("are not those of a token that jwt_authn verified and took away, but came next", () => {
    const authn = issuer({ issuer: "https://authn.example", keys: "jwt_authn" });
    const members = { issuers: { idp: issuer(), authn }, decisionLog: { sampleAllowed: 1 } };
    const scene = new Scene(policy(members));
    const compact = token();
    assertAllowed(scene.present(compact));
    const claims = { iss: "https://authn.example", sub: THIEF };
    assertAllowed(scene.ask({ peer: thief, metadata: verified(claims), authority: "b.example" }));
    const { presenters, services, sinceCheck } = lastRecord(scene, "info");
    assert.deepEqual([presenters, services, sinceCheck], [undefined, undefined, undefined]);
    assertAllowed(scene.present(compact));
    assert.equal(lastRecord(scene, "info")["presenters"], 1, "nobody else has shown the first token");
    assert.deepEqual(reachOf(scene, "presenters"), { 1: 1 });
  });

  it("are counted for opaque tokens as well", () => {
    const issuers = { as: { introspection: { cluster: "as", path: "/i" } } };
    const rules = [{ name: "all", bind: [{ spiffe: { patterns: ["spiffe://example.org/**"] } }] }];
    const scene = new Scene(policy({ issuers, rules }), { clusters: ["as"] });
    const first = scene.plugin.request({ peer: web, headers: [["authorization", "Bearer opaque"]] });
    scene.vm.httpCalls[0]?.respond({
      status: 200,
      body: JSON.stringify({ active: true, exp: NOW + 300, iat: NOW }),
    });
    assertAllowed(first);
    assertAllowed(scene.present("opaque", { peer: peerNamed("b") }));
    assert.deepEqual(reachOf(scene, "presenters"), { 1: 1, 2: 1 });
    assert.deepEqual(reachOf(scene, "since_check"), { first: 1, "1s": 1 });
  });
});

describe("the services of a token", () => {
  const sendTo = (scene: Scene, authority: string, compact: string, peer: Peer = web) =>
    scene.present(compact, { authority, peer });

  it("are the hosts that have accepted it, each once", () => {
    const scene = new Scene();
    const compact = token();
    for (const host of ["a.example", "b.example", "a.example", "c.example"]) sendTo(scene, host, compact);
    assert.deepEqual(reachOf(scene, "services"), { 1: 1, 2: 1, 3: 1 });
  });

  it("are told apart up to five", () => {
    const scene = new Scene();
    const compact = token();
    for (let i = 0; i < 40; i++) sendTo(scene, `h${i}.example`, compact);
    assert.deepEqual(reachOf(scene, "services"), { 1: 1, 2: 1, 3: 1, 4: 1, more: 1 });
  });

  it("are none that have refused it", () => {
    const scene = new Scene();
    const compact = token();
    assertDenied(sendTo(scene, "a.example", compact, thief), "spiffe_mismatch");
    assert.deepEqual(reachOf(scene, "services"), {});
    const out = new OutboundScene(strippingPolicy());
    out.present(token({ sub: THIEF }));
    assert.deepEqual(reachOf(out, "services"), {});
  });

  it("are one, however its name is written", () => {
    const scene = new Scene();
    const compact = token();
    for (const host of ["a.example", "A.example", "a.EXAMPLE", "a.example."])
      assertAllowed(sendTo(scene, host, compact));
    assert.deepEqual(reachOf(scene, "services"), { 1: 1 });
  });
});

describe("what ties a token to who presents it", () => {
  const NAMES = { "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" } }, ns: "shop" };
  const CNF = { cnf: { "x5t#S256": WEB_THUMBPRINT } };
  const patterns = { spiffe: { patterns: ["spiffe://example.org/**"] } };
  const sources = { network: { sources: ["127.0.0.0/8"] } };

  const BOUND: readonly (readonly [string, Json | undefined, Json])[] = [
    ["nothing but sub", undefined, {}],
    ["cnf", undefined, CNF],
    ["a claim", { spiffe: { claim: "sub" } }, {}],
    ["a template of claims", { spiffe: { template: "spiffe://{trustDomain}/ns/{ns}/sa/web" } }, NAMES],
    ["the certificate", { certificate: {} }, CNF],
    ["a client", { client: { presenters: { shop: [WEB] } } }, { azp: "shop" }],
    ["an actor", { actor: {} }, { act: { sub: WEB } }],
    ["a service account", { kubernetes: {} }, NAMES],
    [
      "an address in a claim",
      { anyOf: [{ network: { addressClaim: "ip" } }, { certificate: {} }] },
      { ip: "127.0.0.1" },
    ],
    ["one of several that does", { anyOf: [patterns, { spiffe: { claim: "sub" } }] }, CNF],
    ["cnf beside patterns", patterns, CNF],
  ];
  for (const [name, binding, claims] of BOUND) {
    it(`is ${name}`, () => {
      const scene = new Scene(policyWithRule(binding === undefined ? {} : { bind: [binding] }));
      assertAllowed(scene.present(token(claims)));
      assert.deepEqual(reachOf(scene, "uses"), { bound: 1 });
    });
  }

  const UNBOUND: readonly (readonly [string, Json])[] = [
    ["patterns", patterns],
    ["an address, one of several", { anyOf: [sources, { certificate: {} }] }],
    ["patterns, the first of several that hold", { anyOf: [patterns, { spiffe: { claim: "sub" } }] }],
  ];
  for (const [name, binding] of UNBOUND) {
    it(`is not ${name}`, () => {
      const scene = new Scene(policyWithRule({ bind: [binding] }));
      assertAllowed(scene.present(token()));
      assert.deepEqual(reachOf(scene, "uses"), { unbound: 1 });
    });
  }

  it("is not a template without a claim, which is a pattern", () => {
    const scene = new Scene(
      policyWithRule({ bind: [{ spiffe: { template: "spiffe://{trustDomain}/ns/shop/sa/web" } }] }),
    );
    assertAllowed(scene.present(token({ sub: THIEF })), "it names nobody whom the token names");
    assert.deepEqual(reachOf(scene, "uses"), { unbound: 1 });
  });

  it("is not kept from the request before", () => {
    const scene = new Scene(policyWithRule({ bind: [{ anyOf: [{ certificate: {} }, patterns] }] }));
    scene.present(token(CNF));
    scene.present(token());
    assert.deepEqual(reachOf(scene, "uses"), { bound: 1, unbound: 1 });
  });

  it("is no question without a token", () => {
    const scene = new Scene(policyWithRule({ token: "optional" }));
    assertAllowed(scene.ask());
    assert.deepEqual(reachOf(scene), {});
  });
});

describe("the border that a token was shown across", () => {
  const partner = { ...web, uriSan: "spiffe://partner.example/web" };
  const at = (members: Json, ofIssuer: Json = {}, node: Record<string, string> = {}): Scene =>
    new Scene(policy({ issuers: { idp: issuer(ofIssuer) }, ...members }), { node: { metadata: node } });

  it("is counted: federated, and an alias is none", () => {
    const members = { federatedTrustDomains: ["partner.example"], trustDomainAliases: ["old.example"] };
    const scene = at(members, { borders: { federated: {} } });
    scene.present(token({ sub: partner.uriSan }), { peer: partner });
    scene.present(token({ sub: "spiffe://old.example/web" }), {
      peer: { ...web, uriSan: "spiffe://old.example/web" },
    });
    assert.deepEqual(reachOf(scene, "border"), { federated: 1, same: 1 });
  });

  it("is not one that the token was stopped at: its claims were never looked at", () => {
    const scene = at({ federatedTrustDomains: ["partner.example"] });
    assertDenied(scene.present(token({ sub: partner.uriSan }), { peer: partner }), "border_closed");
    assert.deepEqual(reachOf(scene), {});
  });

  it("is another cluster, where an issuer tells them apart", () => {
    const scene = at(
      { presenter: { from: "waypoint" } },
      { borders: { cluster: {} } },
      { CLUSTER_ID: "east" },
    );
    const from = (cluster: string): Request => ({
      peer: plaintext,
      filterState: { "io.istio.peer_principal": WEB },
      properties: { "filter_state\0downstream_peer\0cluster": cluster },
    });
    scene.present(token(), from("east"));
    scene.present(token(), from("west"));
    assert.deepEqual(reachOf(scene, "border"), { same: 1, cluster: 1 });
  });

  it("is none at an outbound listener", () => {
    const scene = new OutboundScene(outboundPolicy());
    assertAllowed(scene.present(token()));
    assert.deepEqual(reachOf(scene, "border"), { same: 1 });
  });
});
