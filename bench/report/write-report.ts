import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExplainedError } from "../../envoy/process/explained-error.ts";
import type { Measured } from "../goals.ts";
import type { Machine } from "../machine.ts";
import { renderMarkdown } from "./markdown.ts";
import { renderSvg } from "./svg.ts";

const page = fileURLToPath(new URL("../../docs/performance.md", import.meta.url));
const picture = fileURLToPath(new URL("../../docs/performance.svg", import.meta.url));

const BEGIN = "<!-- bench -->";
const END = "<!-- /bench -->";

/** The report of a run, in its forms. */
export interface Report {
  readonly markdown: string;
  readonly svg: string;
}

/**
 * Leaves what was measured in a folder.
 * @param missing what was not measured, since its binary was not given
 */
export async function writeReport(
  output: string,
  measured: Measured,
  machine: Machine,
  missing: readonly string[],
): Promise<Report> {
  await mkdir(output, { recursive: true });
  const { groups, figures } = measured;
  const report = { markdown: await renderMarkdown(measured, machine, missing), svg: renderSvg(groups) };
  const json = (name: string, content: object) =>
    writeFile(join(output, `${name}.json`), `${JSON.stringify({ machine, ...content }, null, 2)}\n`);
  for (const group of groups) await json(group.id, group);
  if (figures.length > 0) await json("vm", { figures });
  await writeFile(join(output, "report.md"), report.markdown);
  await writeFile(join(output, "report.svg"), report.svg);
  return report;
}

/**
 * Puts a report into the page that users read.
 * @throws ExplainedError when the page has lost its markers.
 */
export async function writeDocs({ markdown, svg }: Report): Promise<void> {
  const text = await readFile(page, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new ExplainedError(
      `docs/performance.md has no lines ${BEGIN} and ${END}; put them where the figures belong.`,
    );
  await writeFile(page, `${text.slice(0, begin + BEGIN.length)}\n\n${markdown}\n${text.slice(end)}`);
  await writeFile(picture, svg);
}
