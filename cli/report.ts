import { colors } from "./colors.ts";
import { LINTS } from "./lint/index.ts";

/** Something in a file that somebody should look at. */
export interface Report {
  /** A note is to be known, and nothing to be mended for certain. */
  readonly level: "error" | "warning" | "note";
  /** What kind of thing it is. */
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

type Reporter = (reports: readonly Report[], files: number) => string;

/** How findings are written, by the name of the format. */
export const reporters: Readonly<Record<string, Reporter>> = { text: asText, json: asJson, sarif: asSarif };

const words = { error: colors.red("error"), warning: colors.yellow("warning"), note: colors.cyan("note") };

function asText(reports: readonly Report[], files: number): string {
  const lines = reports.map(({ level, rule, file, line, column, message }) => {
    return `${file}:${line}:${column}: ${words[level]}: ${message} ${colors.dim(`[${rule}]`)}\n`;
  });
  if (lines.length > 0) return lines.join("");
  return `${colors.green("ok")}: ${files} ${files === 1 ? "file" : "files"}\n`;
}

function asJson(reports: readonly Report[]): string {
  return `${JSON.stringify(reports, null, 2)}\n`;
}

/** https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
function asSarif(reports: readonly Report[]): string {
  const rules = [...new Set(reports.map(({ rule }) => rule))].map((id) => ({ id, ...descriptionOf(id) }));
  const results = reports.map(({ level, rule, file, line, column, message }) => ({
    ruleId: rule,
    level,
    message: { text: message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: file },
          region: { startLine: line, startColumn: column },
        },
      },
    ],
  }));
  const driver = { name: "holdfast", rules };
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver }, results }],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

const ERRORS: Readonly<Record<string, string>> = {
  "policy-absent": "something loads holdfast without a policy",
  "policy-refused": "the filter refuses the policy",
  "policy-schema": "what else is wrong with a policy that the filter refuses",
};

/** What a rule finds, in a few words, for those that have any. */
function descriptionOf(id: string): { readonly shortDescription?: { readonly text: string } } {
  const text = ERRORS[id] ?? LINTS.find((one) => one.id === id)?.what;
  return text === undefined ? {} : { shortDescription: { text: text.replaceAll("`", "") } };
}
