import { Status } from "./abi.ts";

export interface SharedValue {
  readonly value: Buffer;
  /** Changes with every write; never 0. */
  readonly cas: number;
}

/** Shared data of one process: one key space per `vm_id`, no deletion, no limit (src/shared_data.cc). */
export class SharedData {
  readonly #spaces = new Map<string, Map<string, SharedValue>>();
  #lastCas = 0;

  get(vmId: string, key: string): SharedValue | undefined {
    return this.#spaces.get(vmId)?.get(key);
  }

  /**
   * `cas` 0 overwrites whatever is there; another value must equal the stored one, unless the key is absent:
   * that is why 0xFFFFFFFF puts only when absent.
   */
  set(vmId: string, key: string, value: Buffer, cas: number): Status {
    let space = this.#spaces.get(vmId);
    if (space === undefined) this.#spaces.set(vmId, (space = new Map<string, SharedValue>()));
    const stored = space.get(key);
    if (stored !== undefined && cas !== 0 && cas !== stored.cas) return Status.CasMismatch;
    space.set(key, { value, cas: this.#nextCas() });
    return Status.Ok;
  }

  #nextCas(): number {
    this.#lastCas = (this.#lastCas + 1) >>> 0;
    if (this.#lastCas === 0) this.#lastCas = 1;
    return this.#lastCas;
  }
}
