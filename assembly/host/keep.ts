// Memory for what is kept of single requests, as long as they live. All of it together is bounded.

import { Span, ABSENT, addressOf, lengthOf, spanOf } from "./span";

/** Bytes that may be kept at one time. */
export const MAX_KEPT: i32 = 4 * 1024 * 1024 + 512 * 1024;
/** What the allocator takes for itself for each block, about. */
const OVERHEAD: i32 = 16;

let kept: i32 = 0;

/** A copy that stays until it is given back; absent when there is no room for it. */
export function keep(span: Span): Span {
  const size = lengthOf(span) + OVERHEAD;
  if (size > MAX_KEPT - kept) return ABSENT;
  kept += size;
  const address = heap.alloc(lengthOf(span));
  memory.copy(address, addressOf(span), lengthOf(span));
  return spanOf(address, lengthOf(span));
}

/** Gives back what `keep` gave. */
export function giveBack(span: Span): void {
  if (span == ABSENT) return;
  kept -= lengthOf(span) + OVERHEAD;
  heap.free(addressOf(span));
}
