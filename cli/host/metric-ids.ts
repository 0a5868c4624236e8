import { MetricType, Status } from "./abi.ts";
import type { Samples, Scalar, Stats } from "./stats.ts";

const TYPE_BITS = 2;
const TYPE_MASK = (1 << TYPE_BITS) - 1;

/**
 * The metric ids of one VM. As in Envoy the low two bits of an id are its type, and each definition gives a new
 * id, also for a name that was defined before; both ids then move the same metric.
 */
export class MetricIds {
  readonly #stats: Stats;
  readonly #scalars: (Scalar | undefined)[][] = [[], []];
  readonly #histograms: Samples[] = [];

  constructor(stats: Stats) {
    this.#stats = stats;
  }

  /** The new id, or undefined when there is no such type. */
  define(type: number, name: string): number | undefined {
    switch (type) {
      case MetricType.Counter:
        return idOf(type, this.#scalars[type]?.push(this.#stats.counter(name)));
      case MetricType.Gauge:
        return idOf(type, this.#scalars[type]?.push(this.#stats.gauge(name)));
      case MetricType.Histogram:
        return idOf(type, this.#histograms.push(this.#stats.histogram(name)));
      default:
        return undefined;
    }
  }

  increment(id: number, offset: number): Status {
    const type = id & TYPE_MASK;
    if (type > MetricType.Gauge) return Status.BadArgument;
    const scalar = this.#scalar(id);
    if (scalar === undefined) return Status.NotFound;
    if (type === MetricType.Counter && offset <= 0) return Status.BadArgument;
    scalar.value += offset;
    return Status.Ok;
  }

  record(id: number, value: number): Status {
    const type = id & TYPE_MASK;
    if (type === MetricType.Histogram) return this.#sample(id, value);
    const scalar = this.#scalar(id);
    if (scalar === undefined) return Status.NotFound;
    scalar.value = type === MetricType.Counter ? scalar.value + value : value;
    return Status.Ok;
  }

  /** The value of a counter or gauge, or the status that says why there is none. */
  get(id: number): { readonly value: number } | Status {
    if ((id & TYPE_MASK) > MetricType.Gauge) return Status.BadArgument;
    return this.#scalar(id) ?? Status.NotFound;
  }

  #scalar(id: number): Scalar | undefined {
    return this.#scalars[id & TYPE_MASK]?.[(id >>> TYPE_BITS) - 1];
  }

  #sample(id: number, value: number): Status {
    const samples = this.#histograms[(id >>> TYPE_BITS) - 1];
    if (samples === undefined) return Status.NotFound;
    samples.count += 1;
    samples.sum += value;
    return Status.Ok;
  }
}

function idOf(type: number, ordinal = 0): number {
  return (ordinal << TYPE_BITS) | type;
}
