// Other names of our own trust domain: whose workloads are within, and what that does not mean.

import { describe, it } from "node:test";
import { issuer, policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { CLAIMS, token, tokenOf } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { WEB, WEB_THUMBPRINT, web } from "./support/world.ts";

const OLD = "old.example.org";
const OLD_WEB = `spiffe://${OLD}/ns/shop/sa/web`;
const oldWeb = { ...web, uriSan: OLD_WEB };
const aliased = (members: Json = {}): Json => policy({ trustDomainAliases: [OLD], ...members });

describe("an alias of our trust domain", () => {
  const scene = new Scene(aliased());

  it("has its workloads admitted, as those of our own are", () => {
    assertAllowed(scene.present(token({ sub: OLD_WEB }), { peer: oldWeb }));
    assertAllowed(scene.present(token()));
  });

  it("is never implied", () => {
    assertDenied(new Scene().present(token({ sub: OLD_WEB }), { peer: oldWeb }), "trust_domain_foreign");
    const federated = new Scene(policy({ federatedTrustDomains: [OLD] }));
    assertDenied(federated.present(token({ sub: OLD_WEB }), { peer: oldWeb }), "border_closed");
  });

  it("is meant byte for byte, without what is above or below it", () => {
    for (const domain of ["old.example.orgx", "xold.example.org", "old.example.or", "a.old.example.org"]) {
      const uriSan = `spiffe://${domain}/ns/shop/sa/web`;
      assertDenied(
        scene.present(token({ sub: uriSan }), { peer: { ...web, uriSan } }),
        "trust_domain_foreign",
        domain,
      );
    }
  });

  it("makes no identity another: what a claim says of the one name it does not say of the other", () => {
    assertDenied(scene.present(token({ sub: WEB }), { peer: oldWeb }), "spiffe_mismatch");
    assertDenied(scene.present(token({ sub: OLD_WEB }), { peer: web }), "spiffe_mismatch");
    const patterns = new Scene(
      aliased({ rules: [{ name: "all", bind: [{ spiffe: { patterns: [WEB] } }] }] }),
    );
    assertAllowed(patterns.present(token()));
    assertDenied(patterns.present(token(), { peer: oldWeb }), "spiffe_mismatch");
    const presenters = new Scene(aliased({ issuers: { idp: issuer({ presenters: [WEB] }) } }));
    assertDenied(presenters.present(token({ sub: OLD_WEB }), { peer: oldWeb }), "presenter_not_admitted");
  });

  it("leaves a token with cnf bound to its certificate, under either name", () => {
    const bound = token({ cnf: { "x5t#S256": WEB_THUMBPRINT } });
    assertAllowed(scene.present(bound, { peer: oldWeb }));
    assertDenied(
      scene.present(bound, { peer: { ...oldWeb, certSha256: "ab".repeat(32) } }),
      "certificate_mismatch",
    );
  });
});

describe("a template with {trustDomain}", () => {
  const template = (text: string) => [{ name: "all", bind: [{ spiffe: { template: text } }] }];
  const scene = new Scene(aliased({ rules: template("spiffe://{trustDomain}/ns/{ns}/sa/{sa}") }));
  const compact = token({ ns: "shop", sa: "web" });

  it("means ours, or the alias that the presenter has", () => {
    assertAllowed(scene.present(compact));
    assertAllowed(scene.present(compact, { peer: oldWeb }));
    const other = { ...web, uriSan: `spiffe://${OLD}/ns/shop/sa/thief` };
    assertDenied(scene.present(compact, { peer: other }), "spiffe_mismatch");
  });

  it("means no federated one", () => {
    const rules = template("spiffe://{trustDomain}/ns/{ns}/sa/{sa}");
    const borders = { federated: {} };
    const open = new Scene(
      policy({ federatedTrustDomains: [OLD], issuers: { idp: issuer({ borders }) }, rules }),
    );
    assertAllowed(open.present(compact));
    assertDenied(open.present(compact, { peer: oldWeb }), "spiffe_mismatch");
  });

  it("that spells the trust domain out means that one only", () => {
    const spelled = new Scene(aliased({ rules: template("spiffe://example.org/ns/{ns}/sa/{sa}") }));
    assertAllowed(spelled.present(compact));
    assertDenied(spelled.present(compact, { peer: oldWeb }), "spiffe_mismatch");
  });
});

describe("the kubernetes binding", () => {
  it("takes an account under either name of the cluster's trust domain", () => {
    const rules = [{ name: "all", bind: [{ kubernetes: {} }] }];
    const scene = new Scene(aliased({ issuers: { k8s: issuer({ kind: "kubernetes" }) }, rules }));
    const compact = tokenOf(
      { alg: "ES256", kid: "k1" },
      {
        ...CLAIMS,
        sub: "system:serviceaccount:shop:web",
        "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" } },
      },
    );
    assertAllowed(scene.present(compact));
    assertAllowed(scene.present(compact, { peer: oldWeb }));
    const thief = { ...web, uriSan: `spiffe://${OLD}/ns/shop/sa/thief` };
    assertDenied(scene.present(compact, { peer: thief }), "kubernetes_mismatch");
  });
});
