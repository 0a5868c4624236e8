import type { Command } from "commander";
import { POLICY_SCHEMA } from "../policy-schema.ts";

export function addSchema(program: Command): void {
  program
    .command("schema")
    .summary("print the JSON Schema of policies, for editors")
    .description(
      "Prints the JSON Schema (draft 2020-12) of policies, for editors and other programs. What it cannot say, the filter does: see holdfast check.",
    )
    .addHelpText("after", HELP)
    .action(() => {
      process.stdout.write(`${JSON.stringify(POLICY_SCHEMA, plain, 2)}\n`);
    });
}

const HELP = `
A policy has no "$schema" member: the filter refuses it, as every member that it does not know. Tell the editor instead:

  VS Code, in .vscode/settings.json:
    "json.schemas": [{ "fileMatch": ["policy.json"], "url": "./holdfast.schema.json" }]
  YAML, as the first line of a file that is a policy:
    # yaml-language-server: $schema=holdfast.schema.json

Examples:
  holdfast schema > holdfast.schema.json`;

/** The descriptions have links into the documents, which lead nowhere from here. */
function plain(name: string, value: unknown): unknown {
  const isText = name === "description" && typeof value === "string";
  return isText ? value.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1") : value;
}
