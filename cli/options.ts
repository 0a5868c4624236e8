import { type Command, Option } from "commander";
import type { EnvoyVersion } from "./host/index.ts";

const ENVOYS: Readonly<Record<string, EnvoyVersion>> = {
  "1.37": "1.37",
  "1.37.0": "1.37",
  "1.40": "1.40",
  "1.40.0": "1.40",
};

/** Options of all commands that put requests to the filter. */
export interface ProxyChoice {
  readonly envoy: string;
  readonly wasm?: string;
  readonly workload?: string;
}

export function wasmOption(): Option {
  return new Option("--wasm <file>", "another build of the filter");
}

export function workloadOption(): Option {
  return new Option("--workload <id>", 'whom the proxy stands beside, for a policy with "from": "self"');
}

export function envoyOption(): Option {
  return new Option("--envoy <version>", "as which Envoy to run it")
    .choices(Object.keys(ENVOYS))
    .default("1.40.0");
}

/** What differs in that Envoy. @param version one of the choices */
export function envoyOf(version: string): EnvoyVersion {
  return ENVOYS[version] ?? "1.40";
}

/** Takes an option that may be there several times. */
export function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}

/** Adds commands that may be copied as they are to what `--help` shows. */
export function addExamples(command: Command, ...lines: readonly string[]): Command {
  const title = lines.length === 1 ? "Example" : "Examples";
  return command.addHelpText("after", `\n${title}:\n${lines.map((line) => `  ${line}`).join("\n")}`);
}
