/** What has to be ended or removed, in the order it was started. */
export class Teardown {
  readonly #steps: (() => Promise<void> | void)[] = [];
  #running: Promise<void> | undefined;

  defer(step: () => Promise<void> | void): void {
    this.#steps.push(step);
  }

  /**
   * Runs every step once, newest first. One that fails does not keep the others from running.
   * @throws AggregateError with the failures.
   */
  run(): Promise<void> {
    this.#running ??= this.#runSteps();
    return this.#running;
  }

  async #runSteps(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "not everything could be ended or removed");
  }
}

/** Exit codes as a shell reports them for a process ended by a signal: 128 plus the signal's number. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs `teardown` when this process is told to stop before that, or its terminal is closed; then exits with the shell's
 * code for the signal. A signal may come twice, as from a terminal and from npm, so later ones change nothing.
 */
export function runOnSignals(teardown: Teardown): void {
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
    const stop = () => {
      void teardown.run().finally(() => process.exit(exitCodes[signal]));
    };
    process.on(signal, stop);
    teardown.defer(() => void process.off(signal, stop));
  }
}
