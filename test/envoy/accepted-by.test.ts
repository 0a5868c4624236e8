// One policy before several services, each of which shows a certificate of its own.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Credential } from "../../envoy/identity/authority.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, issuer, spiffeIds } from "../../envoy/setup/materials.ts";
import { decidePlaintext } from "./support/decide-plaintext.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
const { bundle } = world.authority;
const token = await world.issuer.sign(webClaims());

/** The same before every service. */
const policy = makePolicy(undefined, {
  issuers: {
    idp: {
      issuer,
      audiences: [audience],
      keys: inlineKeys(world.issuer),
      acceptedBy: [spiffeIds.orders, "spiffe://example.org/ns/stock/**"],
      borders: { outside: {} },
    },
  },
});

/** What each service shows; the first two are those whom the policy means. */
const services: Readonly<Record<string, Credential>> = {
  orders: world.server,
  stock: await world.authority.issue("spiffe://example.org/ns/stock/sa/store"),
  billing: await world.authority.issue("spiffe://example.org/ns/shop/sa/billing"),
  "of another trust domain": await world.authority.issue(
    spiffeIds.orders.replace("example.org", "evil.example"),
  ),
  "of no SPIFFE ID": await world.authority.issue("https://orders.example.org"),
  // Envoy shows a filter the first of several names.
  "of two names": await world.authority.issue("spiffe://example.org/ns/shop/sa/billing", spiffeIds.orders),
};

const listeners = [
  ...Object.entries(services).map(([name, server]) =>
    listener({ name, filters: [holdfast(policy)], transport: mtls({ server, bundle }) }),
  ),
  listener({ name: "plaintext", filters: [holdfast(policy)] }),
];

for (const version of testedEnvoys()) {
  describe(`the services that accept an issuer's tokens, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    const present = (name: string, credential: Credential) =>
      decide(envoy, { port: envoy.port(name), credential, bundle }, bearer(token));

    for (const name of ["orders", "stock"]) {
      it(`${name}: the token is accepted, of whom it is for`, async () => {
        assert.deepEqual(await present(name, web), allowed);
        assert.deepEqual(await present(name, thief), denied(401, "spiffe_mismatch"));
      });
    }

    for (const name of ["billing", "of another trust domain", "of no SPIFFE ID", "of two names"]) {
      it(`${name}: the same token is refused`, async () => {
        assert.deepEqual(await present(name, web), denied(403, "service_not_admitted"));
      });
    }

    it("a service that shows no certificate is none of them", async () => {
      const decision = await decidePlaintext(envoy, envoy.port("plaintext"), {
        authorization: `Bearer ${token}`,
      });
      assert.deepEqual(decision, denied(403, "service_not_admitted"));
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
