import type { Teardown } from "../envoy/process/teardown.ts";
import type { Column } from "./column.ts";
import type { World } from "./world.ts";

/** What the columns of a group are made from. */
export interface Setting {
  readonly world: World;
  /** The Wasm filter that does nothing. */
  readonly emptyGuest: string;
  /** Where files may be put. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** As little as shows that it works. */
  readonly isQuick: boolean;
  readonly teardown: Teardown;
}

/** Columns that are measured together. */
export interface Group {
  readonly id: string;
  readonly title: string;
  /** How to read it, for the report: one sentence or two. */
  readonly note: string;
  /** Requests that are under way at one time. */
  readonly streams: number;
  /** Also measures how long requests take while the load is half of what the slowest column can do. */
  readonly timesRequests?: boolean;
  readonly columns: (setting: Setting) => Column[] | Promise<Column[]>;
}

/** So many that the server is never idle, and its caches are warm. */
export const BUSY = 32;
