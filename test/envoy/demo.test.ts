import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { listAttempts } from "../../envoy/attempts/list-attempts.ts";
import { makeAttempt } from "../../envoy/attempts/make-attempt.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { runOnSignals, Teardown } from "../../envoy/process/teardown.ts";
import { makeMaterials } from "../../envoy/setup/materials.ts";
import { type RunningSetup, startSetup } from "../../envoy/setup/start-setup.ts";
import { writeSetup } from "../../envoy/setup/write-setup.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { findTestedEnvoy, testedEnvoys } from "./support/versions.ts";

const materials = await makeMaterials({ now: new Date(), seconds: 3_600 });

for (const envoy of testedEnvoys()) {
  describe(`the demo's attempts, Envoy ${envoy}`, () => {
    const teardown = new Teardown();
    let running: RunningSetup;

    before(async () => {
      runOnSignals(teardown);
      const { path } = await findTestedEnvoy(envoy, teardown);
      const folder = join(await makeRunFolder(teardown), "setup");
      await writeSetup(folder, materials);
      running = await startSetup(path, folder, teardown);
    });
    after(() => teardown.run());

    for (const attempt of listAttempts(materials.tokens)) {
      it(attempt.title, async () => {
        assert.deepEqual(await makeAttempt(running, attempt), {
          status: attempt.expected.status,
          decision: attempt.expected,
          counted: true,
          validatingOnly: attempt.validatingOnly,
        });
      });
    }

    it("turns holdfast's counters into one metric with the labels verdict and reason", async () => {
      const page = await running.server.admin("/stats/prometheus?filter=holdfast");
      assert.match(page, /^holdfast\{verdict="deny",reason="token_expired"\} [1-9]/m);
    });

    it("fails no VM", () => assertNoVmFailed(running.server));
  });
}
