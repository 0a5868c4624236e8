// `examineCertificate` in a real Envoy: it sees the certificate since 1.40, and an older one refuses the policy.

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectHttp2 } from "node:http2";
import { EnvoyExited } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { spiffeIds } from "../../envoy/setup/materials.ts";
import { type Client, tlsOptions } from "./support/client.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { bundle } = world.authority;
const token = await world.issuer.sign(webClaims());
const examining = makePolicy(inlineKeys(world.issuer), {
  presenter: { validatedBy: "listener", examineCertificate: true },
});
const orders = listener({
  name: "orders",
  filters: [holdfast(examining)],
  transport: mtls({ server: world.server, bundle }),
});

/** Whether this Envoy shows certificates. */
const isNewEnough = (version: string) => Number(version.split(".")[1]) >= 40;

for (const version of testedEnvoys()) {
  describe(`a certificate that is to be looked at, Envoy ${version}`, () => {
    const teardown = new Teardown();
    after(() => teardown.run());

    if (!isNewEnough(version)) {
      it("is not shown, and the policy is refused", async () => {
        await assert.rejects(startLaboratory(version, { listeners: [orders] }, teardown), (failure) => {
          assert.ok(failure instanceof EnvoyExited);
          assert.match(failure.log, /refused at "\/presenter\/examineCertificate": expected Envoy 1\.40/);
          return true;
        });
      });
      return;
    }

    it("lets its holder in, until it ends on a connection that is kept", async () => {
      const envoy = await startLaboratory(version, { listeners: [orders] }, teardown);
      const client: Client = { port: envoy.port("orders"), credential: world.web, bundle };
      assert.deepEqual(await decide(envoy, client, bearer(token)), allowed);

      const seconds = 4;
      const short = await world.authority.withValidity({ now: new Date(), seconds }).issue(spiffeIds.web);
      const session = connectHttp2(`https://127.0.0.1:${client.port}`, {
        ...tlsOptions({ ...client, credential: short }),
      });
      try {
        assert.equal(await statusOver(session), 200);
        await sleep((seconds + 2) * 1_000);
        assert.equal(await statusOver(session), 401);
        assert.equal(await envoy.stat("wasmcustom.holdfast.deny.certificate_expired"), 1);
      } finally {
        session.destroy();
      }
      const two = await world.authority.issue(spiffeIds.web, spiffeIds.thief);
      const ambiguous = await decide(envoy, { ...client, credential: two }, bearer(token));
      assert.deepEqual(ambiguous, denied(401, "certificate_ambiguous"), "its first URI is the token's");
      await assertNoVmFailed(envoy);
    });
  });
}

function statusOver(session: ReturnType<typeof connectHttp2>): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":path": "/orders/1",
      ":authority": "orders.example.org",
      authorization: `Bearer ${token}`,
    });
    stream.once("error", reject);
    stream.once("response", (headers) => {
      resolve(headers[":status"] ?? 0);
      stream.resume();
    });
  });
}
