// Fixed memory that parts are laid on one after the other, and that is cleared as a whole.

import { copyTo, takeForever } from "./arena";
import { Span, ABSENT, addressOf, lengthOf, slice, spanOf } from "./span";

/** Each part starts at a multiple of so many bytes. */
export const SHELF_ALIGNMENT: i32 = 8;

@unmanaged
export class Shelf {
  private memory: Span;
  private used: i32;
  /** False once something did not fit; what was laid down before is whole. */
  hasFit: bool;

  /** Gives the shelf its memory, for good. */
  build(bytes: i32): void {
    this.memory = spanOf(takeForever(bytes), bytes);
    this.clear();
  }

  clear(): void {
    this.used = 0;
    this.hasFit = true;
  }

  /** Room for `bytes` bytes, aligned to 8, with whatever was there before. */
  take(bytes: i32): Span {
    const start = (this.used + SHELF_ALIGNMENT - 1) & ~(SHELF_ALIGNMENT - 1);
    if (bytes > lengthOf(this.memory) - start) {
      this.hasFit = false;
      return ABSENT;
    }
    this.used = start + bytes;
    return slice(this.memory, start, this.used);
  }

  copy(span: Span): Span {
    const room = this.take(lengthOf(span));
    if (room != ABSENT) copyTo(addressOf(room), span);
    return room;
  }
}
