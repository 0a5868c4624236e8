import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { SignJWT } from "jose";
import { TokenIssuer } from "../../envoy/identity/token-issuer.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const issuers = await Promise.all(
  ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"].map((alg) => TokenIssuer.create(`key-${alg}`, alg)),
);
const listeners = [
  listener({
    name: "orders",
    filters: [holdfast(makePolicy(inlineKeys(...issuers)))],
    transport: mtls({ server: world.server, bundle: world.authority.bundle }),
  }),
];

for (const version of testedEnvoys()) {
  describe(`signature algorithms, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    const present = (token: string) => {
      const client = { port: envoy.port("orders"), credential: world.web, bundle: world.authority.bundle };
      return decide(envoy, client, bearer(token));
    };

    for (const issuer of issuers) {
      const { alg, kid } = issuer.jwk;

      it(`${alg ?? ""}: takes a good signature`, async () => {
        assert.deepEqual(await present(await issuer.sign(webClaims())), allowed);
      });

      it(`${alg ?? ""}: denies a signature of another key`, async () => {
        const impostor = await TokenIssuer.create(kid ?? "", alg);
        const token = await impostor.sign(webClaims());
        assert.deepEqual(await present(token), denied(401, "signature_invalid"));
      });

      it(`${alg ?? ""}: denies a signature over other claims`, async () => {
        const [header, , signature] = (await issuer.sign(webClaims())).split(".");
        const [, payload] = (await issuer.sign(webClaims({ jti: "other" }))).split(".");
        const token = [header, payload, signature].join(".");
        assert.deepEqual(await present(token), denied(401, "signature_invalid"));
      });
    }

    it("denies HS256 with a public key as the secret", async () => {
      const [{ jwk }] = issuers as [TokenIssuer];
      const secret = new TextEncoder().encode(JSON.stringify(jwk));
      const token = await new SignJWT(webClaims())
        .setProtectedHeader({ alg: "HS256", kid: "key-RS256" })
        .sign(secret);
      assert.deepEqual(await present(token), denied(401, "algorithm_unsupported"));
    });

    it("denies a token whose algorithm is not its key's", async () => {
      const [rs256] = issuers as [TokenIssuer];
      const stranger = await TokenIssuer.create(rs256.jwk.kid ?? "", "ES256");
      const token = await stranger.sign(webClaims());
      assert.deepEqual(await present(token), denied(401, "algorithm_mismatch"));
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
