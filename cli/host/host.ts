import { randomFillSync } from "node:crypto";
import type { LogLevel } from "./abi.ts";
import type { EnvoyVersion } from "./envoy-version.ts";
import { HostCalls } from "./faults.ts";
import { Log } from "./log.ts";
import { type Node, NodeProperties } from "./properties/node.ts";
import type { LogLine } from "./log.ts";
import { SharedData } from "./shared-data.ts";
import { Stats } from "./stats.ts";
import type { Samples } from "./stats.ts";

export interface HostOptions {
  /** Default `1.40`. */
  readonly envoy?: EnvoyVersion;
  /** Seconds since the epoch, fractions allowed. Default: the clock of this machine. */
  readonly now?: () => number;
  /** Fills memory with random bytes. Default: those of this machine. A test gives its own, to be repeatable. */
  readonly random?: (bytes: Uint8Array) => void;
  /** Lines below it are dropped, and `proxy_get_log_level` says so. Default `info`, as in Envoy. */
  readonly logLevel?: LogLevel;
  /** Gets every line as it is written. */
  readonly onLog?: (line: LogLine) => void;
  /** Clusters that `proxy_http_call` may name; any other is refused at once with BadArgument. */
  readonly clusters?: Iterable<string>;
  /** What this Envoy says of itself, besides its version. */
  readonly node?: Node;
}

/** One Envoy process: what all of its VMs share. */
export class Host {
  readonly envoy: EnvoyVersion;
  readonly now: () => number;
  readonly random: (bytes: Uint8Array) => void;
  readonly clusters: ReadonlySet<string>;
  readonly node: NodeProperties;
  readonly sharedData = new SharedData();
  readonly stats = new Stats();
  readonly log: Log;
  /** Counts host calls by import name, and makes them fail on demand. */
  readonly calls = new HostCalls();
  #vmFailures = 0;
  #lastConnectionId = 0;
  #lastPluginId = 0;

  constructor(options: HostOptions = {}) {
    this.envoy = options.envoy ?? "1.40";
    this.now = options.now ?? (() => Date.now() / 1000);
    this.random = options.random ?? ((bytes) => void randomFillSync(bytes));
    this.clusters = new Set(options.clusters);
    this.node = new NodeProperties(options.node ?? {}, this.envoy);
    this.log = new Log(options.logLevel ?? "info", options.onLog);
  }

  /** The newest log lines of all VMs, oldest first; at least 10,000 are kept. */
  get logs(): readonly LogLine[] {
    return this.log.lines;
  }

  /** How many VMs have trapped so far. */
  get vmFailures(): number {
    return this.#vmFailures;
  }

  /**
   * Value of a counter, named without Envoy's `wasmcustom.` prefix.
   *
   * @throws RangeError when no guest has defined it
   */
  counter(name: string): number {
    return this.stats.counterValue(name);
  }

  /** Every counter that a guest has defined. */
  counters(): ReadonlyMap<string, number> {
    return this.stats.counterValues();
  }

  /** @throws RangeError when no guest has defined it */
  gauge(name: string): number {
    return this.stats.gaugeValue(name);
  }

  /** @throws RangeError when no guest has defined it */
  histogram(name: string): Readonly<Samples> {
    return this.stats.histogramSamples(name);
  }

  countVmFailure(): void {
    this.#vmFailures += 1;
  }

  nextConnectionId(): number {
    return ++this.#lastConnectionId;
  }

  nextPluginId(): number {
    return ++this.#lastPluginId;
  }
}
