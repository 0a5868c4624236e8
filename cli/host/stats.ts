/** A counter or a gauge. Exact up to 2^53; Envoy's are 64-bit. */
export interface Scalar {
  value: number;
}

/** What a histogram has seen. */
export interface Samples {
  count: number;
  sum: number;
}

/** The metrics of one process, by name and without Envoy's `wasmcustom.` prefix. Each kind has its own names. */
export class Stats {
  readonly #counters = new Map<string, Scalar>();
  readonly #gauges = new Map<string, Scalar>();
  readonly #histograms = new Map<string, Samples>();

  counter(name: string): Scalar {
    return getOrPut(this.#counters, name, newScalar);
  }

  gauge(name: string): Scalar {
    return getOrPut(this.#gauges, name, newScalar);
  }

  histogram(name: string): Samples {
    return getOrPut(this.#histograms, name, newSamples);
  }

  /** @throws RangeError when no guest has defined that counter, so that a misspelt name is not taken for 0. */
  counterValue(name: string): number {
    return requireDefined(this.#counters, name, "counter").value;
  }

  /** @throws RangeError when no guest has defined that gauge. */
  gaugeValue(name: string): number {
    return requireDefined(this.#gauges, name, "gauge").value;
  }

  /** @throws RangeError when no guest has defined that histogram. */
  histogramSamples(name: string): Readonly<Samples> {
    return requireDefined(this.#histograms, name, "histogram");
  }

  counterValues(): ReadonlyMap<string, number> {
    return new Map([...this.#counters].map(([name, scalar]) => [name, scalar.value]));
  }
}

function newScalar(): Scalar {
  return { value: 0 };
}

function newSamples(): Samples {
  return { count: 0, sum: 0 };
}

function requireDefined<T>(map: ReadonlyMap<string, T>, name: string, kind: string): T {
  const found = map.get(name);
  if (found !== undefined) return found;
  const known = map.size === 0 ? "none is defined" : `expected one of: ${[...map.keys()].join(", ")}`;
  throw new RangeError(`no guest has defined a ${kind} ${name}; ${known}`);
}

function getOrPut<T>(map: Map<string, T>, name: string, create: () => T): T {
  let found = map.get(name);
  if (found === undefined) map.set(name, (found = create()));
  return found;
}
