import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { hasGrown } from "../../envoy/attempts/read-evidence.ts";
import { Authority, type Credential, selfSign } from "../../envoy/identity/authority.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { spiffeIds } from "../../envoy/setup/materials.ts";
import { type Client, connectTls, getOver, obtainSession } from "./support/client.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, validity, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { bundle } = world.authority;
const token = await world.issuer.sign(webClaims());
const transport = mtls({ server: world.server, bundle });

/** One listener for each way in which a policy can know that a certificate was validated. */
const listeners = [
  listener({ name: "listener-validates", filters: [holdfast(validatedBy("listener"))], transport }),
  listener({ name: "envoy-validates", filters: [holdfast(validatedBy("envoy"))], transport }),
  listener({
    name: "nobody-validates",
    filters: [holdfast(validatedBy("envoy"))],
    transport: mtls({ server: world.server, bundle, acceptUntrusted: true }),
  }),
];

function validatedBy(who: "envoy" | "listener"): object {
  return makePolicy(inlineKeys(world.issuer), { presenter: { from: "peer", validatedBy: who } });
}

for (const version of testedEnvoys()) {
  describe(`the presenter, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    /** Envoy says whether it validated the peer's certificate since 1.40. */
    let saysValidated: boolean;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
      saysValidated = !/\/1\.37\./.test(await envoy.admin("/server_info"));
    });
    after(() => teardown.run());

    const clientOf = (name: string, credential: Credential): Client => ({
      port: envoy.port(name),
      credential,
      bundle,
    });
    const present = (name: string, credential: Credential) =>
      decide(envoy, clientOf(name, credential), bearer(token));

    it("is let in with a validated SVID", async () => {
      assert.deepEqual(await present("listener-validates", world.web), allowed);
    });

    it("has to be validated where the policy leaves that to Envoy", async () => {
      const expected = saysValidated ? allowed : denied(401, "peer_not_validated");
      assert.deepEqual(await present("envoy-validates", world.web), expected);
    });

    it("is denied with a certificate that has no SPIFFE ID", async () => {
      const credential = await world.authority.issue();
      assert.deepEqual(await present("listener-validates", credential), denied(401, "spiffe_id_absent"));
    });

    for (const malformed of [
      "spiffe://example.org/ns//sa/web",
      "spiffe://Example.org/ns/shop/sa/web",
      "spiffe://example.org/ns/shop/sa/web/",
    ]) {
      it(`is denied with the malformed SPIFFE ID ${malformed}`, async () => {
        const credential = await world.authority.issue(malformed);
        assert.deepEqual(await present("listener-validates", credential), denied(401, "spiffe_id_malformed"));
      });
    }

    it("is denied with a self-signed certificate that claims the right SPIFFE ID", async () => {
      const forged = await selfSign(validity, spiffeIds.web);
      assert.deepEqual(await present("nobody-validates", forged), denied(401, "peer_not_validated"));
    });

    it("is denied with the right SPIFFE ID from a foreign authority", async () => {
      const foreign = await Authority.create("example.org", validity);
      const forged = await foreign.issue(spiffeIds.web);
      assert.deepEqual(await present("nobody-validates", forged), denied(401, "peer_not_validated"));
    });

    it("does not get past a listener that validates with a certificate of a foreign authority", async () => {
      const foreign = await Authority.create("example.org", validity);
      const forged = await foreign.issue(spiffeIds.web);
      await assert.rejects(present("listener-validates", forged));
    });

    for (const protocol of ["TLSv1.3", "TLSv1.2"] as const) {
      const resume = async (client: Client) => {
        const session = await obtainSession(client, protocol);
        const socket = await connectTls(client, { session, maxVersion: protocol });
        assert.equal(socket.getProtocol(), protocol);
        assert.ok(socket.isSessionReused(), "the session was resumed");
        const { status } = await getOver(socket, "/orders/1", bearer(token));
        return status;
      };

      it(`stays who it is on a resumed ${protocol} session`, async () => {
        assert.equal(await resume(clientOf("listener-validates", world.web)), 200);
        assert.equal(await resume(clientOf("listener-validates", world.thief)), 401);
      });

      it(`is denied on a resumed ${protocol} session where Envoy would have to say that it validated`, async () => {
        const counter = "wasmcustom.holdfast.deny.peer_not_validated";
        const before = await envoy.stat(counter);
        assert.equal(await resume(clientOf("envoy-validates", world.web)), 401);
        assert.ok(await hasGrown(envoy, counter, before));
      });
    }

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
