import assert from "node:assert/strict";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type EnvoyProcess, EnvoyExited } from "../../envoy/process/envoy-process.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { typeUrl } from "./support/config.ts";
import { bearer, decide, denied, allowed } from "./support/decide.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const token = await world.issuer.sign(webClaims());
const transport = mtls({ server: world.server, bundle: world.authority.bundle });
const policy = makePolicy(inlineKeys(world.issuer));

const refused = [
  { flaw: "is not JSON", policy: "{", says: [] },
  { flaw: "is empty", policy: "", says: [] },
  { flaw: "has an unknown member", policy: { ...policy, isuers: {} }, says: ["/isuers", "issuers"] },
  {
    flaw: "has a mode that does not exist",
    policy: { ...policy, mode: "observer" },
    says: ["/mode", "observe"],
  },
  {
    flaw: "has an issuer with a wrong type",
    policy: { ...policy, issuers: { idp: 7 } },
    says: ["/issuers/idp"],
  },
];

for (const version of testedEnvoys()) {
  describe(`a policy at start, Envoy ${version}`, () => {
    const teardown = new Teardown();
    after(() => teardown.run());

    for (const { flaw, policy, says } of refused) {
      it(`keeps Envoy from starting when it ${flaw}, and the log says where and why`, async () => {
        const listeners = [listener({ name: "orders", filters: [holdfast(policy)], transport })];
        await assert.rejects(startLaboratory(version, { listeners }, teardown), (failure) => {
          assert.ok(failure instanceof EnvoyExited);
          const complaint =
            failure.log.split("\n").find((line) => /\[error\]\[wasm\].*holdfast/.test(line)) ?? "";
          assert.notEqual(complaint, "", failure.message);
          for (const words of says) assert.ok(complaint.includes(words), `${complaint} should name ${words}`);
          return true;
        });
      });
    }
  });

  describe(`a policy update, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let watchedFile: string;

    before(async () => {
      watchedFile = join(await makeRunFolder(teardown), "listeners.json");
      await publish(policy);
      envoy = await startLaboratory(version, { watchedFile }, teardown);
    });
    after(() => teardown.run());

    /** Puts a policy in force, or tries to: Envoy watches for files that are moved into place. */
    async function publish(next: object): Promise<void> {
      const orders = listener({ name: "orders", filters: [holdfast(next)], transport });
      const resources = [{ "@type": typeUrl("envoy.config.listener.v3.Listener"), ...orders }];
      await writeFile(`${watchedFile}.next`, JSON.stringify({ resources }));
      await rename(`${watchedFile}.next`, watchedFile);
    }

    const present = () => {
      const client = { port: envoy.port("orders"), credential: world.thief, bundle: world.authority.bundle };
      return decide(envoy, client, bearer(token));
    };

    it("that is refused leaves the policy in force that was", async () => {
      await publish({ ...policy, isuers: {} });
      await reach(envoy, "listener_manager.lds.update_rejected", 1);
      assert.deepEqual(await present(), denied(401, "spiffe_mismatch"));
    });

    it("that is taken decides the next request", async () => {
      const updates = await envoy.stat("listener_manager.lds.update_success");
      await publish({ ...policy, rules: [{ name: "open", token: "none" }] });
      await reach(envoy, "listener_manager.lds.update_success", updates + 1);
      await reach(envoy, "listener_manager.total_listeners_draining", 0);
      assert.deepEqual(await present(), allowed);
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}

/** Waits until a statistic has a value. */
async function reach(envoy: EnvoyProcess, statistic: string, value: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while ((await envoy.stat(statistic)) !== value) {
    assert.ok(Date.now() < deadline, `${statistic} did not become ${value} within 10 s`);
    await sleep(50);
  }
}
