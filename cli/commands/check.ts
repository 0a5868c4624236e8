import type { Command } from "commander";
import { acceptance } from "../acceptance.ts";
import { Failure } from "../failure.ts";
import { type EnvoyVersion, parseEnvoyVersion } from "../envoy-images.ts";
import { lint } from "../lint/index.ts";
import type { Scene } from "../lint/subject.ts";
import { loadModule } from "../module.ts";
import { otherFaults, shownPointer } from "../other-faults.ts";
import { type BarePlugin, type FoundPolicy, findPolicies, placeIn } from "../policies.ts";
import { type Report, reporters } from "../report.ts";

interface Options {
  readonly format: string;
  readonly envoy?: string;
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
      "policies, or WasmPlugins, EnvoyFilters, EnvoyExtensionPolicies and Envoy bootstraps that hold some; with Istio's other manifests, if you like, which are held against them",
    )
    .option("-f, --format <format>", `how to report: ${Object.keys(reporters).join(", ")}`, "text")
    .option("--envoy <version>", "the Envoy that will run, such as 1.37, where the files do not say")
    .option("--wasm <file>", "another build of the filter")
    .addHelpText(
      "after",
      "\nExits with 0 for good policies, with or without notes, 1 for warnings, 2 for a policy that the filter refuses.\n\nExamples:\n  holdfast check policy.json\n  holdfast check --envoy 1.37 envoy.yaml\n  holdfast check --format sarif manifests/*.yaml > holdfast.sarif",
    )
    .action(check);
}

function check(files: readonly string[], options: Options): void {
  const report = reporters[options.format];
  if (report === undefined)
    throw new Failure(`--format ${options.format}: expected one of ${Object.keys(reporters).join(", ")}`);
  const module = loadModule(options.wasm);
  const scene = { ...findPolicies(files), envoy: versionOf(options.envoy) };
  const reports = inOrder(
    [...scene.policies.flatMap((found) => checkOne(module, found, scene)), ...scene.bare.map(reportOfBare)],
    files,
  );
  process.stdout.write(report(reports, files.length));
  if (reports.some(({ level }) => level === "error")) process.exitCode = EXIT_BAD_POLICY;
  else if (reports.some(({ level }) => level === "warning")) process.exitCode = EXIT_FINDING;
}

function versionOf(text: string | undefined): EnvoyVersion | undefined {
  if (text === undefined) return undefined;
  const version = parseEnvoyVersion(text);
  if (version === undefined) throw new Failure(`--envoy ${text}: expected a version such as 1.40 or 1.40.0`);
  return version;
}

/** As they stand in the files, in the order that these were given in. What is around several policies is said once. */
function inOrder(reports: readonly Report[], files: readonly string[]): readonly Report[] {
  const unique = new Map(reports.map((report) => [JSON.stringify(report), report]));
  return [...unique.values()].sort(
    (one, other) =>
      files.indexOf(one.file) - files.indexOf(other.file) ||
      one.line - other.line ||
      one.column - other.column,
  );
}

function reportOfBare({ place, expected, misspelt }: BarePlugin): Report {
  const found = misspelt === undefined ? "" : `, found "${misspelt}"`;
  const message = `a holdfast plugin without a policy: expected "${expected}" with "issuers"${found}`;
  return { level: "error", rule: "policy-absent", message, ...place };
}

function checkOne(module: WebAssembly.Module, found: FoundPolicy, scene: Scene): Report[] {
  const { refusal } = acceptance(module, found.text);
  if (refusal === undefined) return lint(found, scene);
  const others = otherFaults(found.text, refusal).map(({ pointer, expected }): Report => ({
    ...{ level: "error", rule: "policy-schema", message: `${shownPointer(pointer)}: expected ${expected}` },
    ...found.at(pointer),
  }));
  return [
    { level: "error", rule: "policy-refused", message: refusal.message, ...placeIn(found, refusal) },
    ...others,
  ];
}
