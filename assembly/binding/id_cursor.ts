// Holds an identity against text that comes in pieces, without putting the pieces together.

import { makeForever } from "../host/arena";
import { Span, equals, lengthOf, slice } from "../host/span";

@unmanaged
export class IdCursor {
  private id: Span;
  private at: i32;
  private hasFailed: bool;

  start(id: Span): void {
    this.id = id;
    this.at = 0;
    this.hasFailed = false;
  }

  /** The next piece. */
  next(piece: Span): void {
    const length = lengthOf(piece);
    const isNext =
      length <= lengthOf(this.id) - this.at && equals(slice(this.id, this.at, this.at + length), piece);
    if (!isNext) this.hasFailed = true;
    this.at += length;
  }

  /** True when the pieces together were the identity, byte for byte. */
  isWhole(): bool {
    return !this.hasFailed && this.at == lengthOf(this.id);
  }
}

/** One identity is compared at a time. */
export const cursor = makeForever<IdCursor>();
