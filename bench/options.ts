import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ExplainedError } from "../envoy/process/explained-error.ts";
import { groups } from "./groups/index.ts";
import type { Plan } from "./run-group.ts";

/** The figures that do not come from load: memory, start, size. */
export const VM_FIGURES = "vm";

const names = [...groups.map(({ id }) => id), VM_FIGURES];

export const usage = `Usage: npm run bench [-- <option> ...]

Measures what holdfast costs a real Envoy beside Envoy's own filters: CPU time of the server's Envoy for each request.

  --only <groups>      only these, with commas: ${names.join(" ")}
  --columns <columns>  of each group only these, and what they are compared with
  --rounds <n>         each has every column once (25)
  --requests <n>       of a column in a round (1500)
  --quick              2 rounds of 200: shows that it works, and measures nothing
  --output <folder>    for the report (build/bench)
  --write-docs         puts the result into docs/performance.md and docs/performance.svg
  --help               print this

Environment:
  ENVOY_BIN, ENVOY_VERSION                    as for the demo
  BENCH_RUST_WASM, BENCH_GO_WASM, BENCH_OPA   filters of others to measure beside, see bench/peers/README.md

Needs Linux and h2load. Leaves a .json of each group, report.md and report.svg.
Ends with 0 whatever the figures are, 2 when it could not measure.
`;

/** What the command was asked to do. */
export interface Options extends Plan {
  readonly help: boolean;
  /** Groups, by ID. */
  readonly only: readonly string[];
  readonly isQuick: boolean;
  /** Where the report goes. */
  readonly output: string;
  readonly writesDocs: boolean;
}

/** @throws ExplainedError when an option is unknown or has no such value. */
export function readOptions(args: readonly string[]): Options {
  const given = parse(args);
  const isQuick = given.quick;
  const only = list(given.only) ?? names;
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new ExplainedError(
      `--only: there is no group ${unknown.join(", ")}; expected some of: ${names.join(", ")}`,
    );
  const requests = count("requests", given.requests, isQuick ? 200 : 1_500);
  return {
    help: given.help,
    only,
    columns: list(given.columns),
    extent: {
      rounds: count("rounds", given.rounds, isQuick ? 2 : 25),
      requests,
      warmUp: isQuick ? requests : 4_000,
    },
    isQuick,
    output: given.output ?? fileURLToPath(new URL("../build/bench", import.meta.url)),
    writesDocs: given["write-docs"],
  };
}

function parse(args: readonly string[]) {
  const flag = { type: "boolean", default: false } as const;
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ help: flag, quick: flag, "write-docs": flag },
        ...{ only: text, columns: text, rounds: text, requests: text, output: text },
      },
    }).values;
  } catch (failure) {
    throw new ExplainedError(`${failure instanceof Error ? failure.message : String(failure)}\n\n${usage}`);
  }
}

function list(text: string | undefined): string[] | undefined {
  return text?.split(",").map((name) => name.trim());
}

function count(name: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new ExplainedError(`--${name} is "${text}"; expected a whole number above 0.`);
}
