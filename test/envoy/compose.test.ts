import assert from "node:assert/strict";
import { access, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { runCommand } from "../../envoy/process/run-command.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { makeMaterials } from "../../envoy/setup/materials.ts";
import { readFixedPorts } from "../../envoy/setup/relocate.ts";
import { writeSetup } from "../../envoy/setup/write-setup.ts";

const composeFile = fileURLToPath(new URL("../../envoy/compose.yaml", import.meta.url));
const configFolder = fileURLToPath(new URL("../../envoy/config", import.meta.url));
const preparedFolder = fileURLToPath(new URL("../../build/setup", import.meta.url));

/** The part of a compose file that is looked at here. */
interface Compose {
  readonly services: Record<string, Service>;
}

interface Service {
  readonly image: string;
  readonly command: readonly string[];
  readonly volumes: readonly string[];
  readonly ports?: readonly string[];
}

const compose = parse(await readFile(composeFile, "utf8")) as Compose;
const services = Object.entries(compose.services);

describe("envoy/compose.yaml", () => {
  const teardown = new Teardown();
  let setup: string;

  before(async () => {
    setup = join(await makeRunFolder(teardown), "setup");
    await writeSetup(setup, await makeMaterials({ now: new Date(), seconds: 60 }));
  });
  after(() => teardown.run());

  /** Where a file of a container lies after `npm run demo -- --prepare`, with the test's folder for build/setup. */
  function onThisMachine(path: string, service: Service): string {
    for (const volume of service.volumes) {
      const [source = "", target = ""] = volume.split(":");
      assert.equal(
        resolve(dirname(composeFile), source) + "/",
        preparedFolder + "/",
        "only what was prepared is mounted",
      );
      if (path.startsWith(`${target}/`)) return join(setup, path.slice(target.length));
    }
    return path;
  }

  for (const [name, service] of services) {
    it(`${name}: pins its image`, () => {
      assert.match(service.image, /:v?\d+\.\d+\.\d+/);
    });

    it(`${name}: mounts every file that it is started with, and every file that those name`, async () => {
      const started = service.command.filter((argument) => argument.startsWith("/"));
      assert.notEqual(started.length, 0);
      for (const path of started) {
        const text = await readFile(onThisMachine(path, service), "utf8");
        for (const [named] of text.matchAll(/\/etc\/holdfast\/[\w./-]+\w/g)) {
          await access(onThisMachine(named, service));
        }
      }
    });

    it(`${name}: is reachable from this machine alone`, () => {
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:(\d+):\1$/);
    });
  }

  it("opens every way in that the callers' Envoy has", async () => {
    const ports = readFixedPorts(await readFile(join(configFolder, "caller.yaml"), "utf8"));
    const opened = compose.services["caller"]?.ports?.map((port) => Number(port.split(":").at(-1)));
    assert.deepEqual(opened, [...ports.values()]);
  });

  it("starts Envoy with the configurations of the demo, the policy filled in and nothing else changed", async () => {
    const source = await readFile(join(configFolder, "caller.yaml"), "utf8");
    assert.equal(await readFile(join(setup, "caller.yaml"), "utf8"), source);
    const withoutPolicies = (text: string) => JSON.stringify(parse(text, withoutPolicy));
    const prepared = await readFile(join(setup, "server.yaml"), "utf8");
    assert.equal(
      withoutPolicies(prepared),
      withoutPolicies(await readFile(join(configFolder, "server.yaml"), "utf8")),
    );
  });

  it("is valid for docker compose", async (test) => {
    const commands = [["docker", "compose"], ["docker-compose"]] as const;
    for (const [command, ...args] of commands) {
      const version = await runCommand(command, [...args, "version"]).catch(() => undefined);
      if (version?.code !== 0) continue;
      const { code, output } = await runCommand(command, [
        ...args,
        "--file",
        composeFile,
        "config",
        "--quiet",
      ]);
      assert.equal(code, 0, output);
      return;
    }
    test.skip("1 check skipped: no docker compose on this machine");
  });
});

/** Leaves out what a policy is put into. */
function withoutPolicy(key: unknown, value: unknown): unknown {
  return key === "configuration" ? "a policy" : value;
}
