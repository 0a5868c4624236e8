// Writes docs/vectors.md from what the tests run. Run by `npm run docs`; a test fails when the file is stale.

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { format, resolveConfig } from "prettier";
import { DIVERGENCES, EVERY_VALID_CASE } from "../../test/vectors/divergences.ts";
import type { Divergence } from "../../test/vectors/divergences.ts";
import { SUITES, WAYS } from "../../test/vectors/suites.ts";
import type { Suite } from "../../test/vectors/suites.ts";

export const VECTORS_PAGE = resolve(import.meta.dirname, "../vectors.md");

export async function vectorsPage(): Promise<string> {
  const suites: readonly Suite[] = SUITES;
  const total = suites.reduce((sum, { cases }) => sum + cases, 0);
  const page = `# Published test cases

Made by \`npm run docs\` from test/vectors/suites.ts and test/vectors/divergences.ts.

The filter is held against ${thousands(total)} cases that others published, in ${suites.length} suites.

- What is published as **valid** has to be let through, or be refused only for something that comes after what the case is
  about: a JWS that signs prose is no token, and a token that is nobody's is not the presenter's. The tests name that reason.
- What is published as **invalid** has to be refused for a reason that fits.
- Every exception is in the list [below](#where-the-filter-and-a-source-disagree). The tests fail when a case disagrees that is not in the
  list, disagrees for another reason than the list's, or is in the list and does not disagree.

The cases themselves are not in this repository. Without them each suite is one skipped test, which says how many cases are
missing.

## Suites

How a case is put to the filter:

${Object.entries(WAYS)
  .map(([way, meaning]) => `- **${way}**: ${meaning}`)
  .join("\n")}

| suite | cases | by | note |
| --- | ---: | --- | --- |
${suites.map(suiteRow).join("\n")}

Besides, more than 100 valid tokens of all algorithms, minted by jose, are changed in every bit and cut after every byte
(test/vectors/mutated-tokens.test.ts). None of the changed ones is accepted.

All signature cases of the algorithms that Envoy verifies for the filter are put to Envoy's own \`verify_signature\`, too, in real Envoys
(test/envoy/verify-signature-vectors.test.ts), and the Node host has to give the same bytes.

## Where the filter and a source disagree

\`policy_refused\`: no policy may have the keys of the case; "3 of 4 keys": the others are passed over. The other names are
[reasons](reasons.md).

| suite | cases | published as | here | why |
| --- | --- | --- | --- | --- |
${DIVERGENCES.map(divergenceRow).join("\n")}
`;
  return format(page, { ...(await resolveConfig(VECTORS_PAGE)), filepath: VECTORS_PAGE });
}

function suiteRow({ path, cases, ways, note = "" }: Suite): string {
  return `| ${path} | ${thousands(cases)} | ${ways.join(", ")} | ${note} |`;
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
