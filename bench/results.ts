import type { Summary } from "./statistics.ts";

/** What was measured of a column. */
export interface ColumnResult {
  readonly id: string;
  readonly title: string;
  /** Microseconds of the server's CPU for each request. */
  readonly cpu: Summary;
  /** What of that is over the column without filters, in the same round. Absent: this is one. */
  readonly added?: Summary;
  /** Requests a second. */
  readonly throughput: Summary;
  readonly latency?: Latency;
  /** The measurements themselves, a round after the other. */
  readonly rounds: readonly number[];
}

/** How long requests took, in microseconds. */
export interface Latency {
  readonly p50: Summary;
  readonly p99: Summary;
}

export interface GroupResult {
  readonly id: string;
  readonly title: string;
  readonly note: string;
  readonly rounds: number;
  /** Requests of a column in a round. */
  readonly requests: number;
  /** Requests a second, where the load was limited. */
  readonly rate?: number;
  readonly columns: readonly ColumnResult[];
}
