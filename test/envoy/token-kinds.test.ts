import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Credential } from "../../envoy/identity/authority.ts";
import { type Claims, TokenIssuer } from "../../envoy/identity/token-issuer.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, issuer, spiffeIds, trustDomain } from "../../envoy/setup/materials.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { keySet, startKeyLaboratory } from "./support/key-laboratory.ts";
import { send } from "./support/answers.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
const { iat = 0, exp = 0 } = webClaims();

const svidKey = await TokenIssuer.create("svid-1", "ES256", "jwt-svid");
const witSvidKey = await TokenIssuer.create("wit-svid-1", "ES256", "wit-svid");
const edwards = await TokenIssuer.create("edwards-1", "EdDSA");
const clusterKey = await TokenIssuer.create("cluster-1", "RS256");
const clusterIssuer = "https://kubernetes.default.svc";

/** One listener for each kind: each policy has that one issuer. */
const kinds = {
  access: { issuer, audiences: [audience], keys: inlineKeys(world.issuer) },
  named: { issuer, audiences: [audience], header: "x-user-token", keys: inlineKeys(world.issuer) },
  svid: { kind: "jwt-svid", trustDomain, audiences: [audience], keys: inlineKeys(svidKey) },
  "wit-svid": { kind: "wit-svid", trustDomain, keys: inlineKeys(witSvidKey) },
  wit: { kind: "wit", trustDomain, keys: inlineKeys(world.issuer) },
  kubernetes: {
    kind: "kubernetes",
    issuer: clusterIssuer,
    audiences: [audience],
    keys: inlineKeys(clusterKey),
  },
};

const listeners = Object.entries(kinds).map(([name, kind]) =>
  listener({
    name,
    filters: [holdfast(makePolicy(undefined, { issuers: { [name]: kind } }))],
    transport: mtls({ server: world.server, bundle: world.authority.bundle }),
  }),
);

const svidClaims: Claims = { sub: spiffeIds.web, aud: audience, exp };
const toCertificate: Claims = { cnf: { "x5t#S256": web.thumbprint } };

const serviceAccount = "system:serviceaccount:shop:web";
const account = { name: "web", uid: "0ed0ba42-56a5-4bdf-b5a4-d8d8c3b46ac9" };
/** As the API server has issued them since 1.21: bound to a pod, with an end. */
const boundAccount: Claims = {
  iss: clusterIssuer,
  sub: serviceAccount,
  aud: [audience],
  iat,
  nbf: iat,
  exp,
  "kubernetes.io": { namespace: "shop", serviceaccount: account, pod: { name: "web-1", uid: account.uid } },
};
/** As they were before, and as Secrets of their type still have them. */
const flatAccount: Claims = {
  iss: clusterIssuer,
  sub: serviceAccount,
  aud: [audience],
  exp,
  "kubernetes.io/serviceaccount/namespace": "shop",
  "kubernetes.io/serviceaccount/secret.name": "web-token-x7k2p",
  "kubernetes.io/serviceaccount/service-account.name": account.name,
  "kubernetes.io/serviceaccount/service-account.uid": account.uid,
};

/** A WIT: it names the key that its holder proves to have. */
function witClaims(sub: string): Claims {
  const { kty, crv, x, y } = world.issuer.jwk;
  return { sub, exp, iat, cnf: { jwk: { kty, crv, x, y, alg: "ES256" } } };
}

function without(claims: Claims, ...names: readonly string[]): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)));
}

for (const version of testedEnvoys()) {
  describe(`kinds of token, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    const present = (name: keyof typeof kinds, credential: Credential, headers: readonly string[]) =>
      decide(envoy, { port: envoy.port(name), credential, bundle: world.authority.bundle }, headers);

    it("access token: takes a plain JWT and at+jwt, and no other kind", async () => {
      for (const typ of ["JWT", "at+jwt", "application/at+jwt"]) {
        const token = await world.issuer.sign(webClaims(), typ);
        assert.deepEqual(await present("access", web, bearer(token)), allowed, typ);
      }
      for (const typ of ["wit+jwt", "dpop+jwt", "logout+jwt"]) {
        const token = await world.issuer.sign(webClaims(), typ);
        assert.deepEqual(
          await present("access", web, bearer(token)),
          denied(401, "token_type_unsupported"),
          typ,
        );
      }
    });

    it("access token: takes no ID token", async () => {
      for (const mark of [{ nonce: "n" }, { at_hash: "h" }, { c_hash: "h" }, { typ: "ID" }]) {
        const token = await world.issuer.sign(webClaims(mark));
        assert.deepEqual(await present("access", web, bearer(token)), denied(401, "id_token"));
      }
    });

    it("named header: takes the token from there, and from nowhere else", async () => {
      const token = await world.issuer.sign(webClaims());
      assert.deepEqual(await present("named", web, ["x-user-token", token]), allowed);
      assert.deepEqual(await present("named", web, ["x-user-token", `Bearer ${token}`]), allowed);
      const stolen = await present("named", thief, ["x-user-token", token]);
      assert.deepEqual(stolen, denied(401, "spiffe_mismatch"));
      assert.deepEqual(await present("named", web, bearer(token)), denied(401, "token_absent"));
      const twice = await present("named", web, ["x-user-token", token, "x-user-token", token]);
      assert.deepEqual(twice, denied(400, "token_duplicate"));
    });

    it("JWT-SVID: needs no issuer, but an audience, an end and a subject of the trust domain", async () => {
      const ask = async (claims: Claims, credential = web) =>
        present("svid", credential, bearer(await svidKey.sign(claims)));
      assert.deepEqual(await ask(svidClaims), allowed);
      assert.deepEqual(await ask(svidClaims, thief), denied(401, "spiffe_mismatch"));
      assert.deepEqual(await ask({ ...svidClaims, aud: "payments" }), denied(401, "audience_mismatch"));
      assert.deepEqual(await ask(without(svidClaims, "aud")), denied(401, "claim_absent"));
      assert.deepEqual(await ask(without(svidClaims, "exp")), denied(401, "expiry_absent"));
      const foreign = { ...svidClaims, sub: "spiffe://partner.example/ns/shop/sa/web" };
      assert.deepEqual(await ask(foreign), denied(401, "issuer_unknown"));
    });

    it("WIT-SVID and WIT: are denied where no proofs of workloads are judged", async () => {
      const svid = await witSvidKey.sign(witClaims(spiffeIds.web), "wit+jwt");
      const wit = await world.issuer.sign(witClaims(`wimse://${trustDomain}/web`), "wit+jwt");
      const unproven = denied(401, "cnf_unsupported");
      assert.deepEqual(await present("wit-svid", web, ["workload-identity-token", svid]), unproven);
      assert.deepEqual(await present("wit", web, ["workload-identity-token", wit]), unproven);
      assert.deepEqual(await present("wit-svid", web, bearer(svid)), denied(401, "token_absent"));
    });

    for (const [layout, claims] of Object.entries({ bound: boundAccount, flat: flatAccount })) {
      it(`Kubernetes, ${layout}: takes a token that ends, and whose subject is its service account`, async () => {
        const ask = async (changed: Claims, credential = web) =>
          present("kubernetes", credential, bearer(await clusterKey.sign({ ...changed, ...toCertificate })));
        assert.deepEqual(await ask(claims), allowed);
        assert.deepEqual(await ask(claims, thief), denied(401, "certificate_mismatch"));
        assert.deepEqual(await ask(without(claims, "exp")), denied(401, "expiry_absent"));
        const somebody = { ...claims, sub: "system:serviceaccount:shop:admin" };
        assert.deepEqual(await ask(somebody), denied(401, "subject_malformed"));
        assert.deepEqual(await ask({ ...claims, iss: issuer }), denied(401, "issuer_unknown"));
      });
    }

    it("Kubernetes: takes no token that says nothing about a service account", async () => {
      const token = await clusterKey.sign({ ...without(boundAccount, "kubernetes.io"), ...toCertificate });
      assert.deepEqual(await present("kubernetes", web, bearer(token)), denied(401, "claim_absent"));
    });

    it("EdDSA: takes a good signature, and denies one over other claims", async (test) => {
      const answer = send(keySet(edwards));
      const { present } = await startKeyLaboratory(test, version, world, { answer });
      const token = await edwards.sign(webClaims());
      assert.deepEqual(await present(web, token), allowed);
      assert.deepEqual(await present(thief, token), denied(401, "spiffe_mismatch"));
      const [header, , signature] = token.split(".");
      const [, payload] = (await edwards.sign(webClaims({ sub: spiffeIds.thief }))).split(".");
      const forged = [header, payload, signature].join(".");
      assert.deepEqual(await present(thief, forged), denied(401, "signature_invalid"));
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
