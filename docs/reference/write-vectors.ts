// Writes docs/vectors.md from what the tests run. Run by `npm run docs`; a test fails when the file is stale.

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { format, resolveConfig } from "prettier";
import { DIVERGENCES, EVERY_VALID_CASE } from "../../test/vectors/divergences.ts";
import type { Divergence } from "../../test/vectors/divergences.ts";
import { SUITES } from "../../test/vectors/suites.ts";
import type { Suite } from "../../test/vectors/suites.ts";

export const VECTORS_PAGE = resolve(import.meta.dirname, "../vectors.md");

export async function vectorsPage(): Promise<string> {
  const suites: readonly Suite[] = SUITES;
  const total = suites.reduce((sum, { cases }) => sum + cases, 0);
  const page = `# Published test cases

Made by \`npm run docs\` from test/vectors/suites.ts and test/vectors/divergences.ts.

The filter is held against ${thousands(total)} cases that others published, in ${suites.length} suites. A case that is published as
valid has to be let through, or be refused only by a step that comes after what the case is about: a JWS that signs prose is
no token, a token without a presenter's ID is nobody's. One that is published as invalid has to be refused for a reason that
fits. Every exception is listed below, and in no other place: the tests fail when the filter disagrees with a source and it is
not here, and when it is here and the filter does not disagree.

The cases are not in this repository; without them each suite is one skipped test, which says how many cases are missing.

## Suites

| suite | cases | how each is put to the filter |
| --- | ---: | --- |
${suites.map(suiteRow).join("\n")}

Besides, 100 and more tokens of all algorithms, minted by jose, are changed in every bit and cut after every byte
(test/vectors/mutated-tokens.test.ts): none of the changed ones is accepted.

## Where the filter and a source disagree

\`policy_refused\`: no policy may have the case's keys. All other answers are [reasons](reasons.md).

| suite | cases | published as | here | why |
| --- | --- | --- | --- | --- |
${DIVERGENCES.map(divergenceRow).join("\n")}
`;
  return format(page, { ...(await resolveConfig(VECTORS_PAGE)), filepath: VECTORS_PAGE });
}

function suiteRow({ path, cases, run }: Suite): string {
  return `| ${path} | ${thousands(cases)} | ${run} |`;
}

function divergenceRow({ suite, cases, ours, why }: Divergence): string {
  const names = cases === EVERY_VALID_CASE ? EVERY_VALID_CASE : cases.map((name) => `\`${name}\``).join(", ");
  const published = ours === "accepted" ? "invalid" : "valid";
  return `| ${suite} | ${names} | ${published} | \`${ours}\` | ${why} |`;
}

function thousands(count: number): string {
  return count.toLocaleString("en-US");
}

if (process.argv[1] === import.meta.filename) writeFileSync(VECTORS_PAGE, await vectorsPage());
