// The binding methods beside `certificate` and a claim: each with what it lets through, and what it refuses and why.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { without } from "./support/json.ts";
import type { Json } from "./support/json.ts";
import { verified } from "./support/jwt-authn.ts";
import { issuer, policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { CLAIMS, token, tokenOf } from "./support/tokens.ts";
import { OTHER_THUMBPRINT, THIEF, WEB, WEB_THUMBPRINT, thief, web } from "./support/world.ts";

const HEADER = { alg: "ES256", kid: "k1" };

function bound(...bind: readonly Json[]): Scene {
  return new Scene(policy({ rules: [{ name: "all", bind }] }));
}

describe("spiffe with a template", () => {
  const template =
    "spiffe://{trustDomain}/ns/{kubernetes.io.namespace}/sa/{kubernetes.io.serviceaccount.name}";
  const scene = bound({ spiffe: { template } });
  const account = (namespace: unknown, name: unknown) => ({
    "kubernetes.io": { namespace, serviceaccount: { name } },
  });

  it("holds when the claims together make the presenter's ID", () => {
    assertAllowed(scene.present(token(account("shop", "web"))));
    assertDenied(scene.present(token(account("shop", "web")), { peer: thief }), "spiffe_mismatch");
    assertDenied(scene.present(token(account("shop", "thief"))), "spiffe_mismatch");
    assertAllowed(scene.present(token(account("shop", "thief")), { peer: thief }));
  });

  it("lets no claim reach into another segment, and needs all of them", () => {
    for (const [namespace, name] of [
      ["shop/sa/web", ""],
      ["shop", "web/x"],
      ["..", "web"],
      ["", "web"],
      ["shop", 7],
      ["sh%6Fp", "web"],
    ])
      assertDenied(
        scene.present(token(account(namespace, name))),
        "spiffe_claim_malformed",
        `${namespace} ${name}`,
      );
    assertDenied(scene.present(token(account("shop", undefined))), "spiffe_claim_absent");
    assertDenied(scene.present(token()), "spiffe_claim_absent");
  });

  it("may spell the trust domain out, and mixes text with claims", () => {
    const mixed = bound({ spiffe: { template: "spiffe://example.org/ns/{team}/sa/w{rest}" } });
    assertAllowed(mixed.present(token({ team: "shop", rest: "eb" })));
    assertDenied(mixed.present(token({ team: "shop", rest: "e" })), "spiffe_mismatch");
    assertDenied(mixed.present(token({ team: "shop", rest: "ebb" })), "spiffe_mismatch");
  });

  for (const text of [
    "spiffe://{iss}/ns/x",
    "https://{trustDomain}/x",
    "spiffe://{trustDomain}",
    "spiffe://{trustDomain}/{unclosed",
    "spiffe://{trustDomain}/{}",
    "spiffe:///{sub}",
    "spiffe://EXAMPLE.org/ns/{sub}",
    "spiffe://example.org//{sub}",
    "spiffe://example.org/{sub}/",
    "spiffe://example.org/ns/../{sub}",
    "spiffe://example.org/",
    "spiffe://example.org/x y/{sub}",
    "spiffe://example.org/x}",
    "",
  ]) {
    it(`is refused as ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => bound({ spiffe: { template: text } }),
        /refused at "\/rules\/0\/bind\/0\/spiffe\/template"/,
      );
    });
  }
});

describe("spiffe with patterns", () => {
  const patterns = ["spiffe://example.org/ns/shop/sa/*", "spiffe://example.org/ns/batch/**"];
  const scene = bound({ spiffe: { patterns } });
  const from = (id: string) => scene.present(token(), { peer: { ...web, uriSan: id } });

  it("admits the workloads that they match, whatever the token says", () => {
    for (const id of [WEB, THIEF, "spiffe://example.org/ns/batch/a", "spiffe://example.org/ns/batch/a/b/c"])
      assertAllowed(from(id), id);
  });

  it("refuses the others", () => {
    for (const id of [
      "spiffe://example.org/ns/shop/sa",
      "spiffe://example.org/ns/shop/sa/web/x",
      "spiffe://example.org/ns/batch",
      "spiffe://example.org/ns/batcha/x",
      "spiffe://example.org/ns/other/sa/web",
    ])
      assertDenied(from(id), "spiffe_mismatch", id);
  });

  for (const pattern of [
    "spiffe://*/ns/shop",
    "spiffe://example.org",
    "spiffe://example.org/",
    "spiffe://example.org/**/x",
    "spiffe://example.org/w*",
    "spiffe://example.org//x",
    "spiffe://example.org/../x",
    "*",
    "",
  ]) {
    it(`is refused with ${JSON.stringify(pattern)}`, () => {
      assert.throws(() => bound({ spiffe: { patterns: [pattern] } }), /refused at .*expected a SPIFFE ID/);
    });
  }
});

describe("client", () => {
  const scene = bound({
    client: { presenters: { shop: [WEB], batch: ["spiffe://example.org/ns/batch/**"] } },
  });

  it("holds when the presenter runs the token's client", () => {
    assertAllowed(scene.present(token({ client_id: "shop" })));
    assertAllowed(scene.present(token({ azp: "shop" })));
    assertAllowed(scene.present(token({ azp: "shop", client_id: "shop" })));
    assertDenied(scene.present(token({ client_id: "shop" }), { peer: thief }), "client_mismatch");
    assertDenied(scene.present(token({ client_id: "batch" })), "client_mismatch");
  });

  it("needs one client that the policy knows", () => {
    assertDenied(scene.present(token()), "client_absent");
    assertDenied(scene.present(token({ client_id: "other" })), "client_unknown");
    assertDenied(scene.present(token({ client_id: "Shop" })), "client_unknown");
    assertDenied(scene.present(token({ client_id: "shop", azp: "batch" })), "client_malformed");
    for (const id of [7, null, ["shop"], "", {}])
      assertDenied(scene.present(token({ azp: id })), "client_malformed");
  });
});

describe("actor", () => {
  const user = { sub: "alice" };
  const scene = bound({ actor: {} });
  const present = (act: unknown, of = scene) => of.present(token({ ...user, act }));

  it("holds when the current actor is the presenter", () => {
    assertAllowed(present({ sub: WEB }));
    assertAllowed(present({ sub: WEB, iss: CLAIMS.iss }));
    assertDenied(scene.present(token({ ...user, act: { sub: WEB } }), { peer: thief }), "actor_mismatch");
    assertDenied(present({ sub: THIEF }), "actor_mismatch");
  });

  it("is not somebody who acted before, nor who may act", () => {
    assertDenied(present({ sub: THIEF, act: { sub: WEB } }), "actor_mismatch");
    assertDenied(scene.present(token({ ...user, may_act: { sub: WEB } })), "actor_absent");
    assertDenied(scene.present(token()), "actor_absent");
  });

  it("is named by the token's issuer or one that the policy lists", () => {
    assertDenied(present({ sub: WEB, iss: "https://other.example" }), "actor_mismatch");
    const wide = bound({ actor: { issuers: ["https://other.example"] } });
    assertAllowed(present({ sub: WEB, iss: "https://other.example" }, wide));
    assertAllowed(present({ sub: WEB, iss: CLAIMS.iss }, wide));
    assertDenied(present({ sub: WEB, iss: "https://third.example" }, wide), "actor_mismatch");
    assertDenied(present({ sub: WEB, iss: 7 }, wide), "actor_mismatch");
  });

  it("is an object with a name, in a chain of at most eight", () => {
    for (const act of [WEB, null, [], {}, { sub: 7 }, { sub: "" }])
      assertDenied(present(act), "actor_malformed");
    const chain = (length: number): Json =>
      length === 1 ? { sub: WEB } : { sub: WEB, act: chain(length - 1) };
    assertAllowed(present(chain(8)));
    assertDenied(present(chain(9)), "actor_malformed");
    assertDenied(present({ sub: WEB, act: "x" }), "actor_malformed");
  });

  it("may be asked for its history, where the policy wants it", () => {
    const strict = bound({ actor: { priorActors: ["spiffe://example.org/ns/shop/**"] } });
    assertAllowed(present({ sub: WEB }, strict));
    assertAllowed(present({ sub: WEB, act: { sub: THIEF } }, strict));
    assertDenied(
      present({ sub: WEB, act: { sub: "spiffe://example.org/ns/x/y" } }, strict),
      "prior_actor_mismatch",
    );
    for (const act of [
      {},
      { sub: "spiffe://example.org/ns/shop/" },
      { sub: "spiffe://example.org/ns/shop/../x" },
    ])
      assertDenied(present({ sub: WEB, act }, strict), "prior_actor_mismatch", JSON.stringify(act));
  });
});

describe("proxyPrincipals", () => {
  const LIST = "proxy-principals#spiffe";
  const turnedOn = bound({ proxyPrincipals: {} });
  const off = new Scene();
  const listing = (list: unknown, thumbprint = OTHER_THUMBPRINT) =>
    token({ cnf: { "x5t#S256": thumbprint, [LIST]: list } });

  it("lets a listed proxy present a token that is bound to another certificate, only where it is turned on", () => {
    assertAllowed(turnedOn.present(listing([THIEF, WEB])));
    assertDenied(turnedOn.present(listing([THIEF])), "certificate_mismatch");
    assertDenied(off.present(listing([WEB])), "cnf_unsupported");
  });

  it("leaves the certificate's holder his token", () => {
    assertAllowed(turnedOn.present(listing([THIEF], WEB_THUMBPRINT)));
    assertAllowed(turnedOn.present(token({ cnf: { "x5t#S256": WEB_THUMBPRINT } })));
    assertDenied(turnedOn.present(token({ cnf: { "x5t#S256": OTHER_THUMBPRINT } })), "certificate_mismatch");
  });

  it("is no way in for a token without a cnf, nor past another member of it", () => {
    assertDenied(turnedOn.present(token()), "certificate_unbound");
    assertDenied(turnedOn.present(token({ cnf: { [LIST]: [THIEF] } })), "certificate_unbound");
    assertDenied(turnedOn.present(token({ cnf: { [LIST]: [WEB] } })), "certificate_unbound");
    assertDenied(turnedOn.present(token({ cnf: { [LIST]: [WEB], jkt: "x" } })), "cnf_unsupported");
  });

  it("is no proof of the certificate where the policy asks for that, too", () => {
    const both = bound({ certificate: {} }, { proxyPrincipals: {} });
    assertDenied(both.present(listing([WEB])), "certificate_mismatch");
    assertAllowed(both.present(listing([THIEF], WEB_THUMBPRINT)));
  });

  it("needs a list of IDs", () => {
    for (const list of [WEB, {}, [7], [WEB, null], null])
      assertDenied(turnedOn.present(listing(list)), "cnf_malformed");
    assertDenied(turnedOn.present(listing([WEB], "short")), "cnf_malformed");
  });
});

describe("kubernetes", () => {
  const members = { kind: "kubernetes" };
  const scene = new Scene(
    policy({ issuers: { k8s: issuer(members) }, rules: [{ name: "all", bind: [{ kubernetes: {} }] }] }),
  );
  const sub = "system:serviceaccount:shop:web";
  const bearer = { ...CLAIMS, sub, "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" } } };
  const flat = {
    ...CLAIMS,
    sub,
    "kubernetes.io/serviceaccount/namespace": "shop",
    "kubernetes.io/serviceaccount/service-account.name": "web",
  };

  it("holds when the token's service account is the presenter's, in both forms", () => {
    for (const claims of [bearer, flat]) {
      assertAllowed(scene.present(tokenOf(HEADER, claims)));
      assertDenied(scene.present(tokenOf(HEADER, claims), { peer: thief }), "kubernetes_mismatch");
    }
  });

  it("is the same account of the same cluster: the policy names its trust domain", () => {
    const rules = [{ name: "all", bind: [{ kubernetes: {} }] }];
    assert.throws(() => new Scene(without(policy({ rules }), "trustDomain")), /a policy with "trustDomain"/);
  });

  it("refuses both forms in one token, through jwt_authn's metadata as well", () => {
    const rules = [{ name: "all", bind: [{ kubernetes: {} }] }];
    const byMetadata = new Scene(policy({ issuers: { idp: issuer({ keys: "jwt_authn" }) }, rules }));
    assertAllowed(byMetadata.ask({ metadata: verified(flat) }));
    assertDenied(
      byMetadata.ask({ metadata: verified({ ...flat, "kubernetes.io": { pod: "x" } }) }),
      "claim_malformed",
    );
  });

  it("refuses a token without an account", () => {
    const plain = bound({ kubernetes: {} });
    assertDenied(plain.present(token()), "claim_absent");
    assertDenied(plain.present(token({ "kubernetes.io": {} })), "claim_malformed");
    assertDenied(
      plain.present(token({ "kubernetes.io": { namespace: "a/b", serviceaccount: { name: "c" } } })),
      "claim_malformed",
    );
  });
});

describe("claims from jwt_authn's metadata", () => {
  it("that are more than there is room for are no claims: one that is left out would read as absent", () => {
    const pieces = "{a}{b}{c}{d}{e}{f}{g}{h}";
    const template = (i: number) => ({ spiffe: { template: `spiffe://example.org/x${i}/${pieces}` } });
    const anyOf = [{ spiffe: { patterns: [WEB] } }, ...Array.from({ length: 20 }, (_, i) => template(i))];
    const rules = [{ name: "all", bind: [{ anyOf }, { actor: {} }] }];
    const scene = new Scene(policy({ issuers: { idp: issuer({ keys: "jwt_authn" }) }, rules }));
    const claims = Object.fromEntries(["a", "b", "c", "d", "e", "f", "g", "h"].map((name) => [name, "v"]));
    const act = { sub: WEB, iss: "https://other.example" };
    const metadata = verified({ ...claims, aud: ["orders"], act });
    assertDenied(scene.ask({ metadata }), "claim_malformed");
  });
});

describe("anyOf", () => {
  const scene = bound({ anyOf: [{ certificate: {} }, { spiffe: { claim: "workload" } }] });

  it("holds when one of its bindings does", () => {
    assertAllowed(scene.present(token({ workload: WEB })));
    assertAllowed(scene.present(token({ cnf: { "x5t#S256": WEB_THUMBPRINT } })));
    assertDenied(scene.present(token({ workload: THIEF })), "no_alternative_held");
    assertDenied(scene.present(token()), "no_alternative_held");
  });

  it("is no way round the token's own cnf, nor round the other bindings", () => {
    assertDenied(
      scene.present(token({ workload: WEB, cnf: { "x5t#S256": OTHER_THUMBPRINT } })),
      "certificate_mismatch",
    );
    const more = bound(
      { anyOf: [{ spiffe: { claim: "sub" } }, { spiffe: { claim: "workload" } }] },
      { client: { presenters: { shop: [WEB] } } },
    );
    assertDenied(more.present(token()), "client_absent");
    assertAllowed(more.present(token({ azp: "shop" })));
  });

  for (const [flaw, list] of [
    ["nothing", []],
    ["one binding", [{ certificate: {} }]],
    ["an anyOf within", [{ certificate: {} }, { anyOf: [{ certificate: {} }, { kubernetes: {} }] }]],
    ["proxyPrincipals", [{ certificate: {} }, { proxyPrincipals: {} }]],
  ] as const) {
    it(`with ${flaw} is refused`, () => {
      assert.throws(() => bound({ anyOf: list }), /refused at "\/rules\/0\/bind\/0\/anyOf/);
    });
  }
});
