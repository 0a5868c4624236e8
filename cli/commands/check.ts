import type { Command } from "commander";
import { Failure } from "../failure.ts";
import { lint } from "../lint.ts";
import { loadModule } from "../module.ts";
import { type FoundPolicy, findPolicies, type Place } from "../policies.ts";
import { acceptance } from "../acceptance.ts";
import { otherFaults, shownPointer } from "../other-faults.ts";
import { type Report, reporters } from "../report.ts";

interface Options {
  readonly format: string;
  readonly wasm?: string;
}

const EXIT_FINDING = 1;
const EXIT_BAD_POLICY = 2;

export function addCheck(program: Command): void {
  program
    .command("check")
    .summary("tell whether policies are good, and what in them is unwise")
    .description(
      "Finds policies in JSON and YAML files, has the filter read them, and looks for what is legal and unwise.",
    )
    .argument(
      "<files...>",
      "policies, or WasmPlugins, EnvoyFilters, EnvoyExtensionPolicies and Envoy bootstraps that hold some",
    )
    .option("-f, --format <format>", `how to report: ${Object.keys(reporters).join(", ")}`, "text")
    .option("--wasm <file>", "another build of the filter")
    .addHelpText(
      "after",
      "\nExits with 0 for good policies, 1 for findings, 2 for a policy that the filter refuses.\n\nExamples:\n  holdfast check policy.json\n  holdfast check --format sarif manifests/*.yaml > holdfast.sarif",
    )
    .action(check);
}

function check(files: readonly string[], options: Options): void {
  const report = reporters[options.format];
  if (report === undefined)
    throw new Failure(`--format ${options.format}: expected one of ${Object.keys(reporters).join(", ")}`);
  const module = loadModule(options.wasm);
  const reports = files.flatMap((file) => findPolicies(file).flatMap((found) => checkOne(module, found)));
  process.stdout.write(report(reports, files.length));
  if (reports.some(({ level }) => level === "error")) process.exitCode = EXIT_BAD_POLICY;
  else if (reports.length > 0) process.exitCode = EXIT_FINDING;
}

function checkOne(module: WebAssembly.Module, found: FoundPolicy): Report[] {
  const { file } = found;
  const { refusal } = acceptance(module, found.text);
  if (refusal !== undefined) {
    const error = { level: "error", file } as const;
    const others = otherFaults(found.text, refusal).map(({ pointer, expected }) => ({
      ...{ ...error, rule: "policy-schema", message: `${shownPointer(pointer)}: expected ${expected}` },
      ...found.at(pointer),
    }));
    const first = {
      ...error,
      rule: "policy-refused",
      message: refusal.message,
      ...placeOf(found, refusal),
    };
    return [first, ...others].sort((left, right) => left.line - right.line || left.column - right.column);
  }
  return lint(found).map(({ rule, message, place }) => ({ level: "warning", rule, file, message, ...place }));
}

function placeOf(
  found: FoundPolicy,
  { pointer, offset }: { readonly pointer?: string; readonly offset?: number },
): Place {
  if (pointer !== undefined || offset === undefined) return found.at(pointer ?? "");
  if (found.container !== undefined) return found.at("");
  const before = found.text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}
