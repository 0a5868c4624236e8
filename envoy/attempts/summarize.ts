import { stolenTokenTitle } from "./list-attempts.ts";
import { isAsExpected, type Result } from "./make-attempt.ts";

/** The table in a sentence or two: how much came as expected, and what became of the stolen token. */
export function summarize(results: readonly Result[]): string {
  const asExpected = results.filter(isAsExpected).length;
  const stolen = results.find(({ attempt }) => attempt.title === stolenTokenTitle);
  if (stolen === undefined) throw new Error(`nobody tried "${stolenTokenTitle}"`);
  const { validatingOnly, status } = stolen.outcome;
  return (
    `${asExpected} of ${results.length} as expected. ` +
    `The stolen token: ${validatingOnly} where tokens are only validated, ${status} with holdfast.`
  );
}
