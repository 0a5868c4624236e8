/**
 * A failure to feign. `status` is returned and nothing is done. A `result` is Ok with
 * - `empty`: nothing done; spans are pointer 0 and size 0, numbers stay unwritten;
 * - `short`: the first half of the true result, or one zero byte where there was none;
 * - `large`: 2 MiB of `A`, truly allocated from the guest;
 * - `oversized`: a size word of 0x7FFFFFFF over the true result, which runs past memory;
 * - `garbage`: pseudo-random bytes in the size of the true result, 64 where there was none; numbers are all ones.
 *
 * For a call that gives no result, every `result` is Ok with nothing done.
 */
export type Fault = { readonly status: number } | { readonly result: FaultyResult };

export const FAULTY_RESULTS = ["empty", "short", "large", "oversized", "garbage"] as const;
export type FaultyResult = (typeof FAULTY_RESULTS)[number];

/** One import as seen from the host: how often it was called, and whether the next calls are to fail. */
export interface CallSite {
  readonly name: string;
  calls: number;
  fault: Fault | undefined;
  /** 0: every call fails. n > 0: the nth call from now fails, once. */
  countdown: number;
}

/** Host calls of all VMs of one host, by the name of the import. */
export class HostCalls {
  readonly #sites = new Map<string, CallSite>();

  site(name: string): CallSite {
    let site = this.#sites.get(name);
    if (site === undefined)
      this.#sites.set(name, (site = { name, calls: 0, fault: undefined, countdown: 0 }));
    return site;
  }

  /** Every import of every module loaded so far. */
  names(): string[] {
    return [...this.#sites.keys()];
  }

  /**
   * Calls of that import since the start or the last reset; feigned failures count too.
   *
   * @throws RangeError when no loaded module imports `name`
   */
  count(name: string): number {
    return this.#loadedSite(name).calls;
  }

  /** Every import called since the start or the last reset. */
  counts(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#sites.values()].filter((site) => site.calls > 0).map((site) => [site.name, site.calls]),
    );
  }

  resetCounts(): void {
    for (const site of this.#sites.values()) site.calls = 0;
  }

  /**
   * Makes calls of `name` fail: every one from now on, or only the `nth` (counted from 1) from now.
   *
   * @throws RangeError when no loaded module imports `name`, or `nth` is not a positive integer.
   */
  inject(name: string, fault: Fault, nth?: number): void {
    const site = this.#loadedSite(name);
    if (nth !== undefined && !(Number.isSafeInteger(nth) && nth > 0)) {
      throw new RangeError(`nth is ${nth}; expected a positive integer, counted from 1`);
    }
    site.fault = fault;
    site.countdown = nth ?? 0;
  }

  /** Ends all injected faults. */
  clearFaults(): void {
    for (const site of this.#sites.values()) {
      site.fault = undefined;
      site.countdown = 0;
    }
  }

  #loadedSite(name: string): CallSite {
    const site = this.#sites.get(name);
    if (site !== undefined) return site;
    throw new RangeError(`no loaded module imports ${name}; expected one of: ${this.names().join(", ")}`);
  }
}

/** The fault that this call of the site must show, if any. Counts the call towards the nth. */
export function dueFault(site: CallSite): Fault | undefined {
  if (site.countdown === 0) return site.fault;
  site.countdown -= 1;
  if (site.countdown > 0) return undefined;
  const fault = site.fault;
  site.fault = undefined;
  return fault;
}
