import assert from "node:assert/strict";
import { DIVERGENCES, EVERY_VALID_CASE } from "../divergences.ts";
import { suiteAt } from "./cases.ts";
import type { SuitePath } from "../suites.ts";

/** What a case comes to when nothing is wrong with it. */
export const ACCEPTED = "accepted";
/** What it comes to when no policy may have its keys. */
export const POLICY_REFUSED = "policy_refused";

/** Holds what the filter makes of a suite against what was published, and against the list of divergences. */
export class Agreement {
  readonly #suite: SuitePath;
  readonly #seen = new Set<string>();
  readonly #diverging = new Map<string, string>();
  readonly #valid = new Set<string>();

  constructor(suite: SuitePath) {
    this.#suite = suite;
  }

  /**
   * Notes one case.
   *
   * @param outcome `ACCEPTED`, or the reason for which it is refused
   * @param fitting for a case that is published as invalid: reasons that fit
   */
  note(name: string, isValid: boolean, outcome: string, ...fitting: readonly string[]): void {
    assert.ok(!this.#seen.has(name), `two cases are named ${name}`);
    this.#seen.add(name);
    if (isValid) this.#valid.add(name);
    if ((outcome === ACCEPTED) !== isValid) this.#diverging.set(name, outcome);
    else if (!isValid)
      assert.ok(fitting.includes(outcome), `${name}: ${outcome}, not ${fitting.join(" or ")}`);
  }

  /** Every case was noted, and what diverges is what is listed, for the listed reason. */
  assertComplete(): void {
    assert.equal(this.#seen.size, suiteAt(this.#suite).cases, "cases of the suite");
    assert.deepEqual(sorted(this.#diverging), sorted(this.#listed()));
  }

  #listed(): Map<string, string> {
    const own = DIVERGENCES.filter(({ suite }) => suite === this.#suite);
    return new Map(
      own.flatMap(({ cases, ours }) =>
        [...(cases === EVERY_VALID_CASE ? this.#valid : cases)].map((name) => [name, ours] as const),
      ),
    );
  }
}

function sorted(outcomes: ReadonlyMap<string, string>): readonly string[] {
  return [...outcomes].map(([name, outcome]) => `${name}: ${outcome}`).sort();
}
