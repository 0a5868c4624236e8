// Memory for what the host returns and for scratch, thrown away at the start of every callback.
// The first block is permanent; a callback that needs more gets overflow blocks, given back by the next `reset`.

import { Span, spanOf, addressOf, lengthOf, charAt, ABSENT } from "./span";

/** Bytes that serve an ordinary request (header pairs, one token and its decoded parts) with no allocation. */
const BLOCK: i32 = 192 * 1024;
/** Bytes one callback may hold at most; Envoy's own limits lie below (headers 1 MiB), and a policy is at most 1 MiB. */
const LIMIT: i32 = 4 * 1024 * 1024;
/** An overflow block starts with the address of the one before it. */
const LINK: i32 = 16;

const block: usize = heap.alloc(BLOCK);
let used: i32 = 0;
let overflow: usize = 0;
let overflowBytes: i32 = 0;

/** Forgets everything that was taken. Called first in each callback that takes any. */
export function resetArena(): void {
  used = 0;
  overflowBytes = 0;
  while (overflow != 0) {
    const previous = load<usize>(overflow);
    heap.free(overflow);
    overflow = previous;
  }
}

/** Where the arena stands: what is taken from here on can be given back by `returnTo`. */
export function arenaMark(): i32 {
  return used;
}

/** Gives back what was taken of the permanent block since. */
export function returnTo(mark: i32): void {
  used = mark;
}

/** Address of `size` bytes, 16-byte aligned and not cleared; 0 when the callback's limit is reached. */
export function take(size: i32): usize {
  if (size < 0 || size > LIMIT) return 0;
  const aligned = (size + 15) & ~15;
  if (aligned <= BLOCK - used) {
    const address = block + used;
    used += aligned;
    return address;
  }
  if (aligned > LIMIT - overflowBytes) return 0;
  const fresh = heap.alloc(LINK + aligned);
  store<usize>(fresh, overflow);
  overflow = fresh;
  overflowBytes += aligned;
  return fresh + LINK;
}

/** `length` bytes of scratch as a span; absent when there is no room. */
export function takeSpan(length: i32): Span {
  const address = take(length);
  return address == 0 ? ABSENT : spanOf(address, length);
}

/** Memory that is never given back: for constants and for the tables made once at start. Cleared. */
export function takeForever(size: i32): usize {
  const address = heap.alloc(size);
  memory.fill(address, 0, size);
  return address;
}

/** One record of static memory, all zero. */
export function makeForever<T>(): T {
  return changetype<T>(takeForever(offsetof<T>()));
}

/** One record that lives until the callback ends, all zero; null when there is no room. */
export function makeUntilReset<T>(): T | null {
  const address = take(offsetof<T>());
  if (address == 0) return null;
  memory.fill(address, 0, offsetof<T>());
  return changetype<T>(address);
}

/** A permanent copy of an ASCII literal, in bytes. */
export function ascii(literal: string): Span {
  const length = literal.length;
  const address = takeForever(length);
  for (let i = 0; i < length; i++) store<u8>(address + i, <u8>charAt(literal, i));
  return spanOf(address, length);
}

/** A copy of `span` that outlives the callback it came in; `address` must have room for it. */
export function copyTo(address: usize, span: Span): Span {
  memory.copy(address, addressOf(span), lengthOf(span));
  return spanOf(address, lengthOf(span));
}
