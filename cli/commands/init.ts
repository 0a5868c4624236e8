import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { acceptance } from "../acceptance.ts";
import { Failure } from "../failure.ts";
import { ask } from "../init/ask.ts";
import { manifestFor, policyFor } from "../init/documents.ts";
import { complete, type Given, KINDS } from "../init/questions.ts";
import { lint } from "../lint/index.ts";
import { loadModule } from "../module.ts";
import { addExamples } from "../options.ts";
import { findPolicies } from "../policies.ts";

interface Options extends Given {
  readonly yes?: boolean;
  readonly force?: boolean;
}

const POLICY = "policy.json";
const MANIFEST = "wasmplugin.yaml";

export function addInit(program: Command): void {
  const command = program
    .command("init")
    .summary("write a first policy")
    .description(
      `Writes a first policy, which only observes, as ${POLICY} and in ${MANIFEST} for Istio. At a terminal it asks for what is not given.`,
    )
    .argument("[folder]", "where they go", ".")
    .addOption(new Option("--kind <kind>", "what the tokens are").choices(KINDS))
    .option("--issuer <url>", 'who issues them: their "iss"')
    .option("--audience <audience>", 'your service in their "aud"')
    .option("--jwks-cluster <cluster>", "Envoy's cluster that leads to the issuer's keys")
    .option("--jwks-path <path>", "where they are there")
    .option("--trust-domain <name>", "the trust domain of your workloads")
    .option("-y, --yes", "take what is usual, and ask nothing")
    .option("--force", "replace files that are there")
    .action(init);
  addExamples(
    command,
    "holdfast init",
    "holdfast init policies --issuer https://idp.example --audience orders --jwks-cluster 'outbound|443||idp.example' --yes",
    "holdfast init --kind kubernetes --issuer https://kubernetes.default.svc --audience orders --jwks-cluster cluster-keys --yes",
  );
}

async function init(folder: string, { yes, force, ...given }: Options): Promise<void> {
  const files = { policy: join(folder, POLICY), manifest: join(folder, MANIFEST) };
  if (force !== true)
    for (const file of Object.values(files))
      if (existsSync(file)) throw new Failure(`${file}: is there already; --force replaces it`);
  const isAsking = yes !== true && process.stdin.isTTY;
  const answers = complete(isAsking ? await ask(given, process.stdin, process.stderr) : given);
  const policy = policyFor(answers);
  const text = `${JSON.stringify(policy, null, 2)}\n`;
  const { refusal } = acceptance(loadModule(), text);
  if (refusal !== undefined) throw new Failure(`the filter refuses these answers: ${refusal.message}`);
  write(folder, files.policy, text);
  write(folder, files.manifest, manifestFor(policy));
  process.stdout.write(summaryOf(files));
}

function summaryOf({ policy, manifest }: { readonly policy: string; readonly manifest: string }): string {
  const scene = { ...findPolicies([policy, manifest]), envoy: undefined };
  const findings = scene.policies.flatMap((found) => lint(found, scene).map(({ rule }) => rule));
  const lines = [
    `wrote ${policy} and ${manifest}`,
    "",
    "The filter takes it. It only observes: nobody is denied yet.",
    `"holdfast check" will say so: ${[...new Set(findings)].join(", ") || "no finding"}`,
    "",
    "Next:",
    `  1. Put your namespace, label and image into ${manifest}, and apply it.`,
    "  2. Look at the would_deny counters and the log (docs/rollout.md).",
    '  3. When nobody is denied who should not be, set "mode" to "enforce".',
  ];
  return `${lines.join("\n")}\n`;
}

function write(folder: string, file: string, text: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
  } catch {
    throw new Failure(`${file}: cannot be written`);
  }
}
