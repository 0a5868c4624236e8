import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Credential } from "../../envoy/identity/authority.ts";
import { TokenIssuer } from "../../envoy/identity/token-issuer.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { spiffeIds } from "../../envoy/setup/materials.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import type { Config } from "./support/config.ts";
import { holdfast, jwtAuthn } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const token = await world.issuer.sign(webClaims());
const bound = await world.issuer.sign(webClaims({ cnf: { "x5t#S256": world.web.thumbprint } }));
/** What the thief wishes the issuer had said, signed by himself. */
const impostor = await TokenIssuer.create(world.issuer.jwk.kid ?? "");
const forged = await impostor.sign(webClaims({ sub: spiffeIds.thief }));

const transport = mtls({ server: world.server, bundle: world.authority.bundle });
const verify = (provider: Config) =>
  jwtAuthn([world.issuer.jwk], { payload_in_metadata: "payload", ...provider });
const byHeader = holdfast(makePolicy({ jwt_authn: { payloadHeader: "x-jwt-payload" } }));
const byMetadata = holdfast(makePolicy("jwt_authn"));
const forwarding = { forward: true, forward_payload_header: "x-jwt-payload" };
const elsewhere = { from_headers: [{ name: "x-token" }] };

const listeners = [
  listener({ name: "by-header", filters: [verify(forwarding), byHeader], transport }),
  listener({
    name: "by-header-elsewhere",
    filters: [verify({ ...forwarding, ...elsewhere }), byHeader],
    transport,
  }),
  listener({ name: "by-metadata", filters: [verify({}), byMetadata], transport }),
  listener({ name: "by-metadata-elsewhere", filters: [verify(elsewhere), byMetadata], transport }),
  listener({ name: "unverified", filters: [byMetadata], transport }),
  listener({ name: "unverified-by-header", filters: [byHeader], transport }),
];

for (const version of testedEnvoys()) {
  describe(`behind jwt_authn, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    const present = (name: string, credential: Credential, headers: readonly string[]) =>
      decide(envoy, { port: envoy.port(name), credential, bundle: world.authority.bundle }, headers);

    for (const name of ["by-header", "by-metadata"]) {
      it(`${name}: allows the right workload`, async () => {
        assert.deepEqual(await present(name, world.web, bearer(token)), allowed);
      });

      it(`${name}: denies another workload`, async () => {
        assert.deepEqual(await present(name, world.thief, bearer(token)), denied(401, "spiffe_mismatch"));
      });

      it(`${name}: holds a certificate-bound token to its certificate`, async () => {
        assert.deepEqual(await present(name, world.web, bearer(bound)), allowed);
        assert.deepEqual(
          await present(name, world.thief, bearer(bound)),
          denied(401, "certificate_mismatch"),
        );
      });
    }

    for (const name of ["by-header-elsewhere", "by-metadata-elsewhere"]) {
      it(`${name}: denies a forged token in the header while the verified one is elsewhere`, async () => {
        const headers = ["x-token", token, ...bearer(forged)];
        assert.deepEqual(await present(name, world.thief, headers), denied(401, "jwt_authn_mismatch"));
      });

      it(`${name}: holds the verified token to its workload when there is no other`, async () => {
        assert.deepEqual(await present(name, world.web, ["x-token", token]), allowed);
        const stolen = await present(name, world.thief, ["x-token", token]);
        assert.deepEqual(stolen, denied(401, "spiffe_mismatch"));
      });
    }

    it("denies a payload header of the client's own making", async () => {
      const [, payload = ""] = forged.split(".");
      const headers = ["x-jwt-payload", payload, ...bearer(forged)];
      const decision = await present("unverified-by-header", world.thief, headers);
      assert.deepEqual(decision, denied(401, "jwt_authn_absent"));
    });

    it("denies when nothing was verified", async () => {
      assert.deepEqual(
        await present("unverified", world.web, bearer(token)),
        denied(401, "jwt_authn_absent"),
      );
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
