/** What a series of measurements says. All in the unit of its values. */
export interface Summary {
  readonly median: number;
  readonly minimum: number;
  /** The median is in here with a confidence of at least 95 %; of fewer than six values, all that was seen. */
  readonly interval: readonly [low: number, high: number];
}

/** @throws RangeError when there are no values. */
export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError("no values to summarize; expected one or more");
  const sorted = [...values].sort((a, b) => a - b);
  const outer = outerValues(sorted.length);
  return {
    median: median(sorted),
    minimum: at(sorted, 0),
    interval: [at(sorted, outer), at(sorted, sorted.length - 1 - outer)],
  };
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  return (at(sorted, Math.ceil(middle) - 1) + at(sorted, Math.floor(middle))) / 2;
}

/**
 * How many values may be left out at each end. Whether a value is below the median is a toss of a coin, so the number of those that
 * are is binomial: the confidence is one minus both tails, whatever the distribution of the values.
 */
function outerValues(count: number): number {
  let [outer, term, tail] = [0, 0.5 ** count, 0.5 ** count];
  for (;;) {
    term *= (count - outer) / (outer + 1);
    tail += term;
    if (2 * tail > 0.05) return outer;
    outer++;
  }
}

/** The value below which `share` (0 to 1) of the values are. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return at(sorted, Math.min(sorted.length - 1, Math.floor(share * sorted.length)));
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? Number.NaN;
}
