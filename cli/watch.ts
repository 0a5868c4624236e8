import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";

/** Editors write a file in several steps. */
const SETTLE_MS = 100;

/** Tells when one of some files was written. It looks at their folders, since many editors put a new file in the old one's place. */
export class Watch {
  readonly #files = new Set<string>();
  readonly #folders = new Map<string, FSWatcher>();
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isChanged = false;

  add(files: readonly string[]): void {
    for (const file of files.map((one) => resolve(one))) {
      this.#files.add(file);
      const folder = dirname(file);
      if (this.#folders.has(folder)) continue;
      const watcher = watch(folder, (_event, name) => {
        if (name === null || this.#files.has(resolve(folder, basename(name)))) this.#settle();
      });
      this.#folders.set(folder, watcher);
    }
  }

  /** Ends once something was written since it was last called. */
  async change(): Promise<void> {
    if (!this.#isChanged) await new Promise<void>((wake) => (this.#wake = wake));
    this.#isChanged = false;
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isChanged = true;
      this.#wake?.();
    }, SETTLE_MS);
  }
}
