import { Command } from "commander";
import manifest from "../package.json" with { type: "json" };
import { addCheck } from "./commands/check.ts";
import { addCompletion } from "./commands/completion.ts";
import { addExplain } from "./commands/explain.ts";
import { addInit } from "./commands/init.ts";
import { addReplay } from "./commands/replay.ts";
import { addSchema } from "./commands/schema.ts";
import { addTest } from "./commands/test.ts";
import { addToken } from "./commands/token.ts";
import { addExamples } from "./options.ts";

/** What may be a token in what was typed. */
const TOKEN = /eyJ[\w.-]+/g;

/** The whole command, with all its parts. */
export function makeProgram(): Command {
  const program = new Command("holdfast")
    .description("Answers whether a policy lets a request in, and why: by the same filter that Envoy runs.")
    .version(`holdfast ${manifest.version}`, "-V, --version", "print the version of this command")
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        write(oneLine(text));
      },
    });
  addInit(program);
  addCheck(program);
  addExplain(program);
  addReplay(program);
  addSchema(program);
  addTest(program);
  addToken(program);
  addCompletion(program);
  return addExamples(
    program,
    "holdfast check policy.json",
    "holdfast explain --help",
    "holdfast token jwt --help",
  );
}

/** What is wrong, the nearest name if there is one, and where to read on. */
function oneLine(text: string): string {
  const said = text
    .trim()
    .replace(/^error: /, "")
    .replace(TOKEN, "…")
    .replace(/\s*\n\s*\(Did you mean (.*?)\?\)$/s, "; did you mean $1?")
    .replace(/\s*\n\s*/g, " ");
  return `holdfast: ${said}${/[.?]$/.test(said) ? "" : "."} Try --help.\n`;
}
