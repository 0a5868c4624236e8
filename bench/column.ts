import type { Answer } from "../test/envoy/support/client.ts";
import type { Config } from "../test/envoy/support/config.ts";
import type { Stage } from "./stage.ts";

/** A workload of the benchmark. */
export type Presenter = "web" | "thief";

/** Header values by name. */
export type Headers = Readonly<Record<string, string>>;

/** What the requests of a column are like. */
export interface Traffic {
  /** Columns are compared with the one without filters that has the same traffic. */
  readonly id: string;
  /** Whose certificate the connection shows. */
  readonly presenter: Presenter;
  /** Of every request; absent: each one has its own. */
  readonly headers?: Headers;
  /** As many new credentials as are asked for, each good once. */
  readonly mint?: (count: number, ask: Ask) => Promise<readonly Credentials[]>;
}

/** Sends one request with these headers to the column's server. */
export type Ask = (headers: Headers) => Promise<Answer>;

/** What a request shows that is like no other: a token, and perhaps a proof for it. */
export interface Credentials {
  readonly token: string;
  readonly proof?: string;
}

/** A request that tells whether the filters do what the column says. */
export interface Trial {
  readonly what: string;
  readonly presenter: Presenter;
  readonly headers: Headers;
  readonly status: number;
  /** A counter of Envoy that this request has to move. */
  readonly counter?: string;
}

/** One thing that is measured: filters, and the requests that they get. */
export interface Column {
  readonly id: string;
  readonly title: string;
  /** None: what the other columns with this traffic are compared with. */
  readonly filters: readonly Config[];
  readonly traffic: Traffic;
  /** What every measured request is answered with. Default 200. */
  readonly status?: number;
  readonly trials: readonly Trial[];
  /** A counter of Envoy that stands still while the column is measured. */
  readonly unmoved?: string;
  /** Worker threads of its Envoy. Default 1. */
  readonly workers?: number;
  /** HTTP/2 clusters that its filters ask, on ports of the loopback interface. */
  readonly clusters?: Readonly<Record<string, number>>;
  /** A process beside Envoy that does part of the work: its CPU time counts, too. */
  readonly helper?: number;
  /** What has to happen before the first round. */
  readonly prepare?: (stage: Stage) => Promise<void>;
}
