import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Credential } from "../../envoy/identity/authority.ts";
import { type Claims, TokenIssuer } from "../../envoy/identity/token-issuer.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, issuer, spiffeIds } from "../../envoy/setup/materials.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { holdfast, jwtAuthn } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { mainTestedEnvoy, testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
/** Another workload of the same trust domain, whose name differs from web's in the namespace only. */
const namesakeId = "spiffe://example.org/ns/batch/sa/web";
const namesake = await world.authority.issue(namesakeId);
/** What web has after its SVID was rotated. */
const renewed = await world.authority.issue(spiffeIds.web);
const partner = await TokenIssuer.create("partner-1");
const partnerIssuer = "https://partner.example";
const exchangeIssuer = "https://sts.example.org";

const toWeb = { "x5t#S256": web.thumbprint };
const toThief = { "x5t#S256": thief.thumbprint };
const proxies = "proxy-principals#spiffe";
/** Nobody can prove it here. */
const toKey = { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" };

function account(namespace: unknown, name: unknown): Claims {
  return {
    sub: `system:serviceaccount:${String(namespace)}:${String(name)}`,
    "kubernetes.io": { namespace, serviceaccount: { name } },
  };
}

function actors(length: number): object {
  return length === 1 ? { sub: spiffeIds.web } : { sub: spiffeIds.web, act: actors(length - 1) };
}

/** What is wrong with a token that web presents, what it says beside the usual, and the reason that is given. */
type Refusal = readonly [flaw: string, claims: Claims, reason: string];

interface Method {
  readonly bind: readonly object[];
  /** Members of the issuer beside the usual, where the filter verifies its tokens itself: jwt_authn's are all of one kind. */
  readonly issuer?: object;
  /** What a token says that web may present. */
  readonly own: Claims;
  /** Why nobody else may present it. */
  readonly reason: string;
  /** Why web may not when only jwt_authn's metadata shows the claims; absent: it may. */
  readonly unreadable?: string;
  readonly refusals: readonly Refusal[];
}

const methods = {
  claim: {
    bind: [{ spiffe: { claim: "workload.id" } }],
    own: { workload: { id: spiffeIds.web } },
    reason: "spiffe_mismatch",
    refusals: [
      ["names nobody", {}, "spiffe_claim_absent"],
      ["names a list", { workload: { id: [spiffeIds.web] } }, "spiffe_claim_malformed"],
      ["is another workload's", { workload: { id: namesakeId } }, "spiffe_mismatch"],
    ],
  },
  template: {
    bind: [
      {
        spiffe: {
          template:
            "spiffe://{trustDomain}/ns/{kubernetes.io.namespace}/sa/{kubernetes.io.serviceaccount.name}",
        },
      },
    ],
    own: account("shop", "web"),
    reason: "spiffe_mismatch",
    refusals: [
      ["lacks a claim", account("shop", undefined), "spiffe_claim_absent"],
      ["has a claim that is no segment", account("shop", "web/x"), "spiffe_claim_malformed"],
      ["makes another workload's ID", account("shop", "thief"), "spiffe_mismatch"],
    ],
  },
  patterns: {
    bind: [{ spiffe: { patterns: ["spiffe://example.org/ns/shop/sa/*"] } }],
    own: { sub: "alice" },
    reason: "spiffe_mismatch",
    refusals: [],
  },
  certificate: {
    bind: [{ certificate: {} }],
    own: { sub: "alice", cnf: toWeb },
    reason: "certificate_mismatch",
    refusals: [
      ["is bound to nothing", {}, "certificate_unbound"],
      ["is bound to another certificate", { cnf: toThief }, "certificate_mismatch"],
      ["is bound to a key as well", { cnf: { ...toWeb, ...toKey } }, "cnf_unsupported"],
      ["lists proxies", { cnf: { ...toWeb, [proxies]: [spiffeIds.web] } }, "cnf_unsupported"],
      ["has a digest that is none", { cnf: { "x5t#S256": "short" } }, "cnf_malformed"],
    ],
  },
  client: {
    bind: [
      {
        client: {
          presenters: {
            web: ["spiffe://example.org/ns/shop/**"],
            batch: ["spiffe://example.org/ns/batch/**"],
          },
        },
      },
    ],
    own: { sub: "alice", client_id: "web" },
    reason: "client_mismatch",
    refusals: [
      ["names no client", { sub: "alice" }, "client_absent"],
      ["names two clients", { client_id: "web", azp: "batch" }, "client_malformed"],
      ["names a client that is not in the table", { azp: "other" }, "client_unknown"],
      ["is another client's", { azp: "batch" }, "client_mismatch"],
    ],
  },
  actor: {
    bind: [{ actor: {} }],
    own: { sub: "alice", act: { sub: spiffeIds.web, act: { sub: namesakeId } } },
    reason: "actor_mismatch",
    refusals: [
      ["has no actor", { sub: spiffeIds.web }, "actor_absent"],
      ["says only who may act", { sub: "alice", may_act: { sub: spiffeIds.web } }, "actor_absent"],
      ["has an actor without a name", { sub: "alice", act: {} }, "actor_malformed"],
      ["has nine actors", { sub: "alice", act: actors(9) }, "actor_malformed"],
      [
        "says that web acted before",
        { sub: "alice", act: { sub: namesakeId, act: { sub: spiffeIds.web } } },
        "actor_mismatch",
      ],
      [
        "has another issuer's name for the actor",
        { sub: "alice", act: { sub: spiffeIds.web, iss: exchangeIssuer } },
        "actor_mismatch",
      ],
    ],
  },
  "prior actors": {
    bind: [{ actor: { issuers: [exchangeIssuer], priorActors: ["spiffe://example.org/ns/shop/**"] } }],
    own: { sub: "alice", act: { sub: spiffeIds.web, iss: exchangeIssuer, act: { sub: spiffeIds.orders } } },
    reason: "actor_mismatch",
    unreadable: "actor_malformed",
    refusals: [
      [
        "has a prior actor from elsewhere",
        { sub: "alice", act: { sub: spiffeIds.web, act: { sub: namesakeId } } },
        "prior_actor_mismatch",
      ],
    ],
  },
  "proxy principals": {
    bind: [{ proxyPrincipals: {} }],
    own: { sub: "alice", cnf: { ...toThief, [proxies]: [spiffeIds.orders, spiffeIds.web] } },
    reason: "certificate_mismatch",
    unreadable: "cnf_malformed",
    refusals: [
      ["is bound to nothing", {}, "certificate_unbound"],
      ["lists others", { cnf: { [proxies]: [spiffeIds.orders] } }, "certificate_unbound"],
      ["has no list", { cnf: { [proxies]: spiffeIds.web } }, "cnf_malformed"],
      ["is bound to a key as well", { cnf: { [proxies]: [spiffeIds.web], ...toKey } }, "cnf_unsupported"],
    ],
  },
  kubernetes: {
    bind: [{ kubernetes: {} }],
    issuer: { kind: "kubernetes" },
    own: account("shop", "web"),
    reason: "kubernetes_mismatch",
    refusals: [
      ["is another account's", account("shop", "thief"), "kubernetes_mismatch"],
      ["has no account", { sub: "system:serviceaccount:shop:web" }, "claim_absent"],
      ["has a namespace that is no segment", account("shop/sa", "web"), "claim_malformed"],
    ],
  },
  "any of": {
    bind: [{ anyOf: [{ certificate: {} }, { spiffe: { claim: "workload" } }] }],
    own: { sub: "alice", workload: spiffeIds.web },
    reason: "no_alternative_held",
    refusals: [
      ["fulfils neither", { workload: namesakeId }, "no_alternative_held"],
      ["is bound to another certificate", { workload: spiffeIds.web, cnf: toThief }, "certificate_mismatch"],
    ],
  },
} as const satisfies Record<string, Method>;

type MethodName = keyof typeof methods;
const entries = Object.entries(methods) as [MethodName, Method][];

const transport = mtls({ server: world.server, bundle: world.authority.bundle });

/** One listener for each method, which is all that its policy asks for. */
const verifyingHere = entries.map(([name, method]) =>
  listener({
    name,
    filters: [holdfast(policyFor(method, { keys: inlineKeys(world.issuer), ...method.issuer }))],
    transport,
  }),
);

const jwtAuthnFilter = jwtAuthn([world.issuer.jwk], { payload_in_metadata: "payload" });
const behindJwtAuthn = entries.map(([name, method]) =>
  listener({
    name: `${name} behind jwt_authn`,
    filters: [jwtAuthnFilter, holdfast(policyFor(method, { keys: "jwt_authn" }))],
    transport,
  }),
);

function policyFor({ bind }: Method, members: object): object {
  return makePolicy(undefined, {
    issuers: { idp: { issuer, audiences: [audience], ...members } },
    rules: [{ name: "all", bind }],
  });
}

const withPresenters = listener({
  name: "presenters",
  filters: [
    holdfast(
      makePolicy(undefined, {
        issuers: {
          idp: { issuer, presenters: [spiffeIds.web], keys: inlineKeys(world.issuer) },
          partner: {
            issuer: partnerIssuer,
            presenters: ["spiffe://example.org/ns/batch/**"],
            keys: inlineKeys(partner),
          },
        },
      }),
    ),
  ],
  transport,
});

function present(envoy: EnvoyProcess, listenerName: string, credential: Credential, token: string) {
  const client = { port: envoy.port(listenerName), credential, bundle: world.authority.bundle };
  return decide(envoy, client, bearer(token));
}

for (const version of testedEnvoys()) {
  describe(`bindings, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners: [...verifyingHere, withPresenters] }, teardown);
    });
    after(() => teardown.run());

    for (const [name, { own, reason }] of entries) {
      it(`${name}: allows whom the token is for, and denies its namesake`, async () => {
        const token = await world.issuer.sign(webClaims(own));
        assert.deepEqual(await present(envoy, name, web, token), allowed);
        assert.deepEqual(await present(envoy, name, namesake, token), denied(401, reason));
      });
    }

    it("an issuer's presenters: allows them, and nobody else, though the token is his own", async () => {
      const ask = async (credential: Credential, sub: string, from = world.issuer, iss = issuer) =>
        present(envoy, "presenters", credential, await from.sign(webClaims({ sub, iss })));
      const refused = denied(403, "presenter_not_admitted");
      assert.deepEqual(await ask(web, spiffeIds.web), allowed);
      assert.deepEqual(await ask(thief, spiffeIds.thief), refused);
      assert.deepEqual(await ask(namesake, namesakeId), refused);
      assert.deepEqual(await ask(namesake, namesakeId, partner, partnerIssuer), allowed);
      assert.deepEqual(await ask(web, spiffeIds.web, partner, partnerIssuer), refused);
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}

describe(`bindings in detail, Envoy ${mainTestedEnvoy()}`, () => {
  const teardown = new Teardown();
  let envoy: EnvoyProcess;

  before(async () => {
    const listeners = [...verifyingHere, ...behindJwtAuthn];
    envoy = await startLaboratory(mainTestedEnvoy(), { listeners }, teardown);
  });
  after(() => teardown.run());

  const ask = async (name: MethodName, credential: Credential, claims: Claims) =>
    present(envoy, name, credential, await world.issuer.sign(webClaims(claims)));

  for (const [name, { refusals }] of entries) {
    for (const [flaw, claims, reason] of refusals) {
      it(`${name}: denies a token that ${flaw}`, async () => {
        assert.deepEqual(await ask(name, web, claims), denied(401, reason));
      });
    }
  }

  it("patterns: admits every workload that they match", async () => {
    assert.deepEqual(await ask("patterns", thief, methods.patterns.own), allowed);
  });

  it("certificate: holds until the SVID is rotated", async () => {
    const { own } = methods.certificate;
    assert.deepEqual(await ask("certificate", renewed, own), denied(401, "certificate_mismatch"));
  });

  it("proxy principals: leaves the certificate's holder his token", async () => {
    assert.deepEqual(await ask("proxy principals", thief, methods["proxy principals"].own), allowed);
  });

  it("any of: takes the other binding as well", async () => {
    assert.deepEqual(await ask("any of", web, { sub: "alice", cnf: toWeb }), allowed);
  });

  for (const [name, { own, reason, unreadable }] of entries) {
    const outcome = unreadable === undefined ? "as without it" : "denies what its metadata does not show";
    it(`${name} behind jwt_authn: ${outcome}`, async () => {
      const listenerName = `${name} behind jwt_authn`;
      const token = await world.issuer.sign(webClaims(own));
      const expected = unreadable === undefined ? allowed : denied(401, unreadable);
      assert.deepEqual(await present(envoy, listenerName, web, token), expected);
      if (unreadable === undefined)
        assert.deepEqual(await present(envoy, listenerName, namesake, token), denied(401, reason));
    });
  }

  it("fails no VM", () => assertNoVmFailed(envoy));
});
