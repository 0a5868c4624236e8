// A workload's SVID is replaced while a token that names the old one goes on.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Authority, Credential } from "../../envoy/identity/authority.ts";
import { hasGrown } from "../../envoy/attempts/read-evidence.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { spiffeIds } from "../../envoy/setup/materials.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, validity, webClaims } from "./support/world.ts";

const world = await makeWorld();
const mismatch = denied(401, "certificate_mismatch");

/** Makes certificates that are good from ten minutes before every token on: nobody could take them for renewed ones. */
const earlier = shifted(-600);
/** Its certificates are good from the second on in which every token is issued. */
const later = shifted(60);

/** Authorities here date certificates back by a minute. */
function shifted(seconds: number): Authority {
  const now = new Date(validity.now.getTime() + seconds * 1000);
  return world.authority.withValidity({ now, seconds: validity.seconds });
}

function listenerWith(name: string, certificate: object) {
  const rules = [{ name: "all", bind: [{ certificate }] }];
  return listener({
    name,
    filters: [holdfast(makePolicy(inlineKeys(world.issuer), { rules }))],
    transport: mtls({ server: world.server, bundle: world.authority.bundle }),
  });
}

const listeners = [
  listenerWith("rotating", { rotation: { claim: "sub", window: "1h" } }),
  listenerWith("for a second", { rotation: { claim: "sub", window: "1s" } }),
  listenerWith("not rotating", {}),
];

interface Workload {
  readonly id: string;
  readonly old: Credential;
  readonly next: Credential;
  /** Names the old certificate. */
  readonly token: string;
}

let workloads = 0;

/** What was seen with one workload does not count for another, so each test has its own. */
async function makeWorkload(): Promise<Workload> {
  const id = `spiffe://example.org/ns/rotation/sa/${++workloads}`;
  const [old, next] = [await earlier.issue(id), await earlier.issue(id)];
  return { id, old, next, token: await tokenFor(id, old) };
}

function tokenFor(sub: string, { thumbprint }: Credential): Promise<string> {
  return world.issuer.sign(webClaims({ sub, cnf: { "x5t#S256": thumbprint } }));
}

for (const version of testedEnvoys()) {
  describe(`rotation, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    /** Envoy shows the peer's certificate since 1.40. */
    let showsCertificate: boolean;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
      showsCertificate = !/\/1\.37\./.test(await envoy.admin("/server_info"));
    });
    after(() => teardown.run());

    const present = (credential: Credential, token: string, name = "rotating") =>
      decide(envoy, { port: envoy.port(name), credential, bundle: world.authority.bundle }, bearer(token));

    it("lets a token pass with the new certificate once the old one was seen, and counts it apart", async () => {
      const { old, next, token } = await makeWorkload();
      const counter = "wasmcustom.holdfast.rotation.seen";
      const counted = await envoy.stat(counter);
      assert.deepEqual(await present(next, token), mismatch);
      assert.deepEqual(await present(old, token), allowed);
      assert.equal(await envoy.stat(counter), counted);
      assert.deepEqual(await present(next, token), allowed);
      assert.ok(await hasGrown(envoy, counter, counted));
      assert.deepEqual(await present(old, token), allowed);
    });

    it("refuses it where the policy does not say so, whatever was seen", async () => {
      const { old, next, token } = await makeWorkload();
      assert.deepEqual(await present(old, token), allowed);
      assert.deepEqual(await present(next, token, "not rotating"), mismatch);
    });

    it("refuses it once the window is over", async () => {
      const { old, next, token } = await makeWorkload();
      assert.deepEqual(await present(old, token, "for a second"), allowed);
      await sleep(2_100);
      assert.deepEqual(await present(next, token, "for a second"), mismatch);
      assert.deepEqual(await present(next, token, "rotating"), allowed);
    });

    it("takes a certificate that was made after the token, where Envoy shows it, of its workload only", async () => {
      const { id, token } = await makeWorkload();
      const counter = "wasmcustom.holdfast.rotation.renewed";
      const counted = await envoy.stat(counter);
      assert.deepEqual(await present(await later.issue(id), token), showsCertificate ? allowed : mismatch);
      if (showsCertificate) assert.ok(await hasGrown(envoy, counter, counted));
      assert.deepEqual(await present(await later.issue(spiffeIds.thief), token), mismatch);
    });

    it("refuses a thief, however many certificates he has minted, who drives out nobody's", async () => {
      const { id, old, next, token } = await makeWorkload();
      assert.deepEqual(await present(old, token), allowed);
      const own = await makeWorkload();
      for (let i = 0; i < 10; i++)
        assert.deepEqual(await present(await earlier.issue(own.id), token), mismatch);
      const ofThief = await tokenFor(own.id, old);
      assert.deepEqual(await present(own.next, ofThief), mismatch, "his token, web's certificate");
      assert.deepEqual(await present(own.old, await tokenFor(id, own.old)), allowed, "bound to his own");
      assert.deepEqual(await present(next, await tokenFor(id, own.old)), mismatch, "seen with him only");
      assert.deepEqual(await present(next, token), allowed);
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });

  describe(`rotation with two workers, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners: listeners.slice(0, 1), workers: 2 }, teardown);
    });
    after(() => teardown.run());

    it("lets a token pass at both of them, when one has seen its certificate", async () => {
      const { old, next, token } = await makeWorkload();
      const client = (credential: Credential) => ({
        port: envoy.port("rotating"),
        credential,
        bundle: world.authority.bundle,
      });
      assert.deepEqual(await decide(envoy, client(old), bearer(token)), allowed);
      for (let i = 0; i < 24; i++)
        assert.deepEqual(await decide(envoy, client(next), bearer(token)), allowed);
      const page = await envoy.admin("/stats?filter=worker_[01].downstream_cx_total");
      const connections = [...page.matchAll(/downstream_cx_total: (\d+)/g)].map(([, count]) => Number(count));
      assert.equal(connections.filter((count) => count > 1).length, 2, page);
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
