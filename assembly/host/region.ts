// Memory with one owner and one end: everything that a policy is made of, released together.

import { Span, spanOf, addressOf, lengthOf, ABSENT } from "./span";

const CHUNK: i32 = 8 * 1024;
/** A chunk starts with the address of the one before it. */
const LINK: i32 = 16;

/** Grows by chunks; `release` gives all of them back. Its zero value is an empty region. */
@unmanaged
export class Region {
  private last: usize;
  private free: usize;
  private left: i32;

  /** A record of type T, all zero, which by the rules of this code base means: denies. */
  make<T>(): T {
    return changetype<T>(this.take(offsetof<T>()));
  }

  /** A copy of these bytes that lives as long as the region. */
  copy(span: Span): Span {
    const length = lengthOf(span);
    if (length == 0) return ABSENT;
    const address = this.take(length);
    memory.copy(address, addressOf(span), length);
    return spanOf(address, length);
  }

  /** So many bytes, all zero. */
  reserve(length: i32): Span {
    return length <= 0 ? ABSENT : spanOf(this.take(length), length);
  }

  /** Gives back every chunk; what was made in the region must not be used again. */
  release(): void {
    while (this.last != 0) {
      const previous = load<usize>(this.last);
      heap.free(this.last);
      this.last = previous;
    }
    this.free = 0;
    this.left = 0;
  }

  private take(size: i32): usize {
    const aligned = (size + 7) & ~7;
    if (aligned > this.left) this.addChunk(max(CHUNK, aligned));
    const address = this.free;
    this.free += aligned;
    this.left -= aligned;
    return address;
  }

  private addChunk(size: i32): void {
    const chunk = heap.alloc(LINK + size);
    memory.fill(chunk, 0, LINK + size);
    store<usize>(chunk, this.last);
    this.last = chunk;
    this.free = chunk + LINK;
    this.left = size;
  }
}
