import { WASM_PAGE_BYTES } from "./abi.ts";
import { Interner } from "./interner.ts";

/**
 * The guest's linear memory, checked as proxy-wasm-cpp-host checks it: `pointer + size` may reach the end of
 * memory and no further, also for size 0.
 *
 * Growing memory detaches every view on it, and any call into the guest may grow it, so each access looks
 * first whether the views are still good. Nothing returned by {@link view} outlives the next call into the guest.
 */
export class GuestMemory {
  // Until the module's memory is attached there is none: every span lies outside.
  #memory = new WebAssembly.Memory({ initial: 0 });
  readonly #interner = new Interner();
  #bytes = Buffer.from(this.#memory.buffer);
  #words = new DataView(this.#memory.buffer);

  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  get pages(): number {
    return this.#memory.buffer.byteLength / WASM_PAGE_BYTES;
  }

  /** All of memory, as it is now. */
  bytes(): Buffer {
    if (this.#bytes.buffer !== this.#memory.buffer) {
      this.#bytes = Buffer.from(this.#memory.buffer);
      this.#words = new DataView(this.#memory.buffer);
    }
    return this.#bytes;
  }

  holds(pointer: number, size: number): boolean {
    return pointer + size <= this.bytes().length;
  }

  /** A window on memory, or undefined when it lies outside. */
  view(pointer: number, size: number): Buffer | undefined {
    return this.holds(pointer, size) ? this.#bytes.subarray(pointer, pointer + size) : undefined;
  }

  /** A copy of memory that may be kept, or undefined when it lies outside. */
  copy(pointer: number, size: number): Buffer | undefined {
    const window = this.view(pointer, size);
    return window === undefined ? undefined : Buffer.from(window);
  }

  /** Memory as latin1 text, one character per byte, or undefined when it lies outside. */
  text(pointer: number, size: number): string | undefined {
    return this.holds(pointer, size) ? this.#interner.read(this.#bytes, pointer, pointer + size) : undefined;
  }

  /** A 32-bit word at an address that {@link holds} 4 bytes. */
  getU32(pointer: number): number {
    this.bytes();
    return this.#words.getUint32(pointer, true);
  }

  /** Writes nothing and returns false when the four bytes lie outside. */
  setU32(pointer: number, value: number): boolean {
    if (!this.holds(pointer, 4)) return false;
    this.#words.setUint32(pointer, value, true);
    return true;
  }

  /** Writes nothing and returns false when the eight bytes lie outside. */
  setU64(pointer: number, value: bigint): boolean {
    if (!this.holds(pointer, 8)) return false;
    this.#words.setBigUint64(pointer, BigInt.asUintN(64, value), true);
    return true;
  }
}
