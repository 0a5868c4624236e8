import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type CommandResult, runCommand } from "../../envoy/process/run-command.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { runOnSignals, Teardown } from "../../envoy/process/teardown.ts";
import { makeMaterials } from "../../envoy/setup/materials.ts";
import { writeSetup } from "../../envoy/setup/write-setup.ts";
import { findTestedEnvoy, testedEnvoys } from "./support/versions.ts";

/** The pages with a whole configuration, and the mark that it stands behind. */
const PAGES: readonly (readonly [page: string, mark: string])[] = [
  ["docs/envoy.md", "<!-- bootstrap -->"],
  ["docs/cookbook/envoy.md", "<!-- file: envoy.yaml -->"],
];

async function configurationIn(page: string, mark: string): Promise<string> {
  const text = await readFile(new URL(`../../${page}`, import.meta.url), "utf8");
  const [, configuration = ""] = /^\s*```yaml\n(.*?)```/s.exec(text.split(mark)[1] ?? "") ?? [];
  return configuration;
}

describe("the configuration in", () => {
  const teardown = new Teardown();
  let folder: string;

  before(async () => {
    runOnSignals(teardown);
    folder = join(await makeRunFolder(teardown), "setup");
    await writeSetup(folder, await makeMaterials({ now: new Date(), seconds: 60 }));
  });
  after(() => teardown.run());

  /** Has Envoy check a configuration as the page says, with our own files in place of those that it names. */
  async function validate(envoy: string, configuration: string): Promise<CommandResult> {
    const { path } = await findTestedEnvoy(envoy, teardown);
    const file = join(folder, "envoy.yaml");
    await writeFile(file, configuration.replaceAll("/etc/holdfast/", `${folder}/`));
    return runCommand(path, ["--mode", "validate", "-c", file]);
  }

  for (const [page, mark] of PAGES)
    for (const envoy of testedEnvoys()) {
      it(`${page} is valid, Envoy ${envoy}`, async () => {
        const documented = await configurationIn(page, mark);
        assert.notEqual(documented, "", `${page} has a yaml block after ${mark}`);
        const { code, output } = await validate(envoy, documented);
        assert.equal(code, 0, output);
      });

      it(`${page} is refused with a mistake in its policy, and the message says where, Envoy ${envoy}`, async () => {
        const documented = await configurationIn(page, mark);
        const mistaken = documented.replace('"audiences"', '"audience"');
        assert.notEqual(mistaken, documented);
        const { code, output } = await validate(envoy, mistaken);
        assert.equal(code, 1, output);
        assert.match(output, /policy refused at "\/issuers\/corp\/audience": .*"audiences"/);
      });
    }
});
