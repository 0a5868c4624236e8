import { colors } from "./colors.ts";

/** Something in a file that somebody should look at. */
export interface Report {
  readonly level: "error" | "warning";
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

function asText(reports: readonly Report[], files: number): string {
  const lines = reports.map(({ level, rule, file, line, column, message }) => {
    const word = level === "error" ? colors.red("error") : colors.yellow("warning");
    return `${file}:${line}:${column}: ${word}: ${message} ${colors.dim(`[${rule}]`)}\n`;
  });
  if (lines.length > 0) return lines.join("");
  return `${colors.green("ok")}: ${files} ${files === 1 ? "file" : "files"}\n`;
}

function asJson(reports: readonly Report[]): string {
  return `${JSON.stringify(reports, null, 2)}\n`;
}

/** https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
function asSarif(reports: readonly Report[]): string {
  const rules = [...new Set(reports.map(({ rule }) => rule))].map((id) => ({ id }));
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
