// Reads DER elements one after the other: tags of one byte, definite lengths in the fewest bytes.  ITU-T X.690, section 10.1

import { Span, FAILED, byteAt, lengthOf, slice } from "../host/span";

/** The first byte of a length that stands in the next byte, or in the next two. */
const ONE_BYTE: i32 = 0x81;
const TWO_BYTES: i32 = 0x82;

/** Goes once over the elements that are directly in some content. What was not as expected stays so: `isDone` says it at the end. */
@unmanaged
export class DerReader {
  private source: Span;
  private at: i32;
  private hasFailed: bool;

  /** @param source content of the element around, as another reader's `read` gave it */
  start(source: Span): void {
    this.source = source;
    this.at = 0;
    this.hasFailed = source == FAILED;
  }

  /** The tag of the next element; -1 when there is none. */
  nextTag(): i32 {
    return this.hasFailed ? -1 : byteAt(this.source, this.at);
  }

  /**
   * Content of the next element, absent when it is empty; FAILED when the element is malformed or has another tag.
   * @param tag with a number below 31
   */
  read(tag: i32): Span {
    const lengthStart = this.at + 1;
    const length = this.nextTag() == tag ? this.lengthAt(lengthStart) : -1;
    const from = lengthStart + lengthBytes(length);
    if (length < 0 || length > lengthOf(this.source) - from) {
      this.hasFailed = true;
      return FAILED;
    }
    this.at = from + length;
    return slice(this.source, from, this.at);
  }

  /** Passes over the next element if it has this tag. */
  skipOptional(tag: i32): void {
    if (this.nextTag() == tag) this.read(tag);
  }

  /** True when every element was read, and each was as expected. */
  isDone(): bool {
    return !this.hasFailed && this.at == lengthOf(this.source);
  }

  /** Below 64 KiB; -1 when the length at `at` is longer, indefinite, or not in the fewest bytes. */
  private lengthAt(at: i32): i32 {
    const first = byteAt(this.source, at);
    if (first < 0x80) return first;
    const second = byteAt(this.source, at + 1);
    if (first == ONE_BYTE) return second >= 0x80 ? second : -1;
    const third = byteAt(this.source, at + 2);
    return first == TWO_BYTES && second > 0 && third >= 0 ? (second << 8) | third : -1;
  }
}

function lengthBytes(length: i32): i32 {
  return length < 0x80 ? 1 : length < 0x100 ? 2 : 3;
}
