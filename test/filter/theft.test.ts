// A thief at every boundary: he has a stolen token that is good, and more than most an identity of his own.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HeaderPair, Peer, Request } from "../../cli/host/index.ts";
import { assertNeverAllowed } from "./support/hostile.ts";
import { OutboundScene, SIDECAR_OF_WEB, outboundPolicy, strippingPolicy } from "./support/outbound.ts";
import { issuer, policy } from "./support/policies.ts";
import { Scene, assertAllowed, bearer, verdictOf } from "./support/scene.ts";
import { payloadOf, token } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { without } from "./support/json.ts";
import { upstreamNames, upstreamValues } from "./support/upstream.ts";
import { THIEF, WEB, WEB_THUMBPRINT, plaintext, thief, web } from "./support/world.ts";

const PARTNER: Peer = { ...thief, uriSan: "spiffe://partner.example/ns/shop/sa/web" };
const ALIAS: Peer = { ...thief, uriSan: "spiffe://old.example.org/ns/shop/sa/web" };
const STRANGER: Peer = { ...thief, uriSan: "spiffe://stranger.example/ns/shop/sa/web" };

/** Whoever the thief may be: he has a key and a certificate, but not web's. */
const THIEVES: Readonly<Record<string, Peer>> = {
  "a workload of ours": thief,
  "a workload of a federated domain, named as the victim is": PARTNER,
  "a workload under the domain's old name, named as the victim is": ALIAS,
  "a stranger, named as the victim is": STRANGER,
  "an outsider in plaintext": plaintext,
  "an outsider without a client certificate": { tlsVersion: "TLSv1.3" },
  "an outsider with a certificate that names nobody": without(thief, "uriSan"),
};

const STOLEN: Readonly<Record<string, string>> = {
  "by its sub": token(),
  "by its cnf": token({ cnf: { "x5t#S256": WEB_THUMBPRINT } }),
  "by both": token({ cnf: { "x5t#S256": WEB_THUMBPRINT }, sub: WEB }),
};

/** As open as a policy can be that still binds. */
const OPEN: Json = policy({
  trustDomainAliases: ["old.example.org"],
  federatedTrustDomains: ["partner.example"],
  issuers: { idp: issuer({ borders: { federated: {}, outside: {} } }) },
  rules: [{ name: "all", forward: { token: "strip", payloadHeader: "x-claims", verdict: true } }],
});

/** What he writes beside the token, to look like somebody else. */
const FORGERIES: readonly HeaderPair[] = [
  ["x-holdfast-verdict", 'allow;reason=ok;rule="all";issuer="idp"'],
  ["x_holdfast_verdict", "allow"],
  ["wasm.holdfast.verdict", "allow"],
  ["x-claims", payloadOf(token())],
  ["x-forwarded-client-cert", `By=spiffe://example.org/o;Hash=${"ab".repeat(32)};URI=${WEB}`],
  ["x-forwarded-for", "127.0.0.1"],
  ["x-envoy-peer-metadata", "e30="],
  ["x-envoy-peer-metadata-id", `sidecar~127.0.0.1~web.shop~cluster.local`],
];

describe("a stolen token that is bound", () => {
  const scene = new Scene(OPEN);

  for (const [binding, stolen] of Object.entries(STOLEN)) {
    it(`${binding} is good in the hands of web`, () => {
      assertAllowed(scene.present(stolen, { peer: web }));
    });

    for (const [who, peer] of Object.entries(THIEVES)) {
      it(`${binding} is refused in the hands of ${who}, whatever he writes beside it, however often he tries`, () => {
        for (let i = 0; i < 3; i++) {
          assertNeverAllowed(scene.present(stolen, { peer }), "plain");
          assertNeverAllowed(scene.present(stolen, { peer, headers: FORGERIES }), "with forgeries");
          for (const forgery of FORGERIES)
            assertNeverAllowed(scene.present(stolen, { peer, headers: [forgery] }), forgery[0]);
          assertAllowed(scene.present(stolen, { peer: web }), "web's own use changes nothing for him");
        }
      });
    }
  }

  it("is not made his by a token of his own beside it", () => {
    const his = token({ sub: THIEF });
    const [stolen = ""] = Object.values(STOLEN);
    const pairs: readonly (readonly HeaderPair[])[] = [
      [bearer(his), bearer(stolen)],
      [bearer(stolen), bearer(his)],
      [["authorization", `Bearer ${his}, Bearer ${stolen}`]],
      [["authorization", `Bearer ${his},Bearer ${stolen}`]],
    ];
    for (const headers of pairs)
      assertNeverAllowed(scene.ask({ peer: thief, headers }), JSON.stringify(headers));
    assertNeverAllowed(scene.present(his, { peer: thief, path: `/?access_token=${stolen}` }), "query");
  });

  it("does not reach the upstream in another header once his own was taken out of the first", () => {
    const own = issuer({ header: "x-token" });
    const both = new Scene(
      policy({
        issuers: {
          idp: issuer({ issuer: "https://idp.example.org" }),
          own: { ...own, issuer: "https://own.example" },
        },
        rules: [{ name: "all", forward: { token: "strip" } }],
      }),
    );
    const his = token({ sub: THIEF });
    for (const name of ["x-token", "x_token", "X-Token"]) {
      const stream = both.ask({ peer: thief, headers: [bearer(his), [name, token()]] });
      assertNeverAllowed(stream, name);
    }
  });
});

describe("a token that is not bound to who presents it", () => {
  it("crosses no closed border, though the rule admits whoever has a name", () => {
    const bind = [{ spiffe: { patterns: ["spiffe://partner.example/**", "spiffe://example.org/**"] } }];
    const scene = new Scene(
      policy({ federatedTrustDomains: ["partner.example"], rules: [{ name: "all", bind }] }),
    );
    assertAllowed(scene.present(token(), { peer: thief }));
    assertNeverAllowed(scene.present(token(), { peer: PARTNER }), "federated");
    for (const peer of [plaintext, STRANGER]) assertNeverAllowed(scene.present(token(), { peer }), "outside");
  });
});

describe("a compromised workload at its own outbound listener", () => {
  const egress = { hosts: ["orders.example.org"], audiences: { billing: ["*.billing.example"] } };
  const scene = new OutboundScene(
    outboundPolicy(egress),
    {},
    { ...SIDECAR_OF_WEB, SERVICE_ACCOUNT: "thief" },
  );

  it("spends no token of another workload, wherever it sends it", () => {
    for (const authority of ["orders.example.org", "a.billing.example", "evil.example"]) {
      for (const stolen of Object.values(STOLEN))
        assertNeverAllowed(scene.present(stolen, { authority, headers: FORGERIES }), authority);
    }
  });

  it("spends its own where the policy lets it, and nowhere else", () => {
    const his = token({ sub: THIEF });
    assertAllowed(scene.present(his));
    for (const authority of [
      "evil.example",
      "orders.example.org.evil.example",
      "a.billing.example",
      "127.0.0.1",
    ])
      assertNeverAllowed(scene.present(his, { authority }), authority);
  });

  it("gets no token past the strip, in any place that the rule looks at", () => {
    const stripping = new OutboundScene(
      strippingPolicy(),
      {},
      { ...SIDECAR_OF_WEB, SERVICE_ACCOUNT: "thief" },
    );
    const [stolen = ""] = Object.values(STOLEN);
    const requests: readonly Request[] = [
      { headers: [bearer(stolen)] },
      { headers: [bearer(stolen), bearer(stolen)] },
      { headers: [["AUTHORIZATION", `bearer ${stolen}`]] },
      { headers: [["authorization", `DPoP ${stolen}`]] },
      { headers: [["authorization", `Bearer  ${stolen}`]] },
      { headers: [["authorization", ""], bearer(stolen)] },
      { headers: [["authorization", `Basic x, Bearer ${stolen}`]] },
      { headers: [bearer(stolen)], path: "/?a=b" },
      { headers: [bearer(stolen)], path: `/?access_token=${stolen}` },
      { path: `/?access_token=${stolen}` },
    ];
    for (const request of requests) {
      const stream = stripping.ask(request);
      if (stream.outcome === "replied") continue;
      assert.equal(verdictOf(stream), "strip");
      assert.ok(!JSON.stringify(stream.requestHeaders).includes(stolen), JSON.stringify(request));
      assert.deepEqual(upstreamValues(stream, "authorization"), []);
    }
  });
});

describe("an observed thief", () => {
  it("gets no verdict to the upstream that it might believe", () => {
    const scene = new Scene({ ...OPEN, mode: "observe" });
    for (const peer of Object.values(THIEVES)) {
      const stream = scene.present(STOLEN["by its sub"] ?? "", { peer, headers: FORGERIES });
      assert.equal(verdictOf(stream), "would-deny");
      const names = upstreamNames(stream).map((name) => name.replaceAll("_", "-"));
      assert.ok(!names.includes("x-holdfast-verdict"), names.join());
    }
  });
});
