import { LOG_LEVELS } from "./abi.ts";
import type { LogLevel } from "./abi.ts";

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  /** {@link Plugin.id} of the plugin that was running; 0 for the VM's own lines. */
  readonly plugin: number;
}

const KEPT_LINES = 10_000;

/** Keeps the newest log lines, at least 10,000 of them, and hands each on to an optional sink. */
export class Log {
  readonly level: number;
  readonly #lines: LogLine[] = [];
  readonly #sink: ((line: LogLine) => void) | undefined;

  constructor(level: LogLevel, sink?: (line: LogLine) => void) {
    this.level = LOG_LEVELS.indexOf(level);
    this.#sink = sink;
  }

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** Whether a line of that level is written at all; others cost nothing more. */
  takes(level: number): boolean {
    return level >= this.level;
  }

  write(line: LogLine): void {
    this.#lines.push(line);
    // Dropping many at a time keeps the cost per line constant.
    if (this.#lines.length >= 2 * KEPT_LINES) this.#lines.splice(0, KEPT_LINES);
    this.#sink?.(line);
  }
}
