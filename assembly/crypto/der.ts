// The little of DER that keys and ECDSA signatures need, written straight into a span.  ITU-T X.690, section 8 and 10.

import { takeSpan } from "../host/arena";
import { ABSENT, Span, byteAt, lengthOf, setByte, sliceFrom } from "../host/span";

export const enum Tag {
  Integer = 0x02,
  BitString = 0x03,
  Sequence = 0x30,
}

/** Bytes that a length of `content` is encoded in; content is below 64 KiB. */
function lengthBytes(content: i32): i32 {
  return content < 0x80 ? 1 : content < 0x100 ? 2 : 3;
}

/** Whole size of an element with `content` bytes in it. */
export function elementBytes(content: i32): i32 {
  return 1 + lengthBytes(content) + content;
}

/** Appends elements to memory of a known size; if more comes than fits, `finish` gives nothing. */
@unmanaged
export class DerWriter {
  private target: Span;
  private at: i32;
  private overrun: bool;

  /** Starts over in `size` bytes of memory that lives until the callback ends. */
  start(size: i32): void {
    this.target = takeSpan(size);
    this.at = 0;
    this.overrun = false;
  }

  /** What was written, or absent unless exactly the announced size was. */
  finish(): Span {
    return this.overrun || this.at != lengthOf(this.target) ? ABSENT : this.target;
  }

  byte(value: i32): void {
    if (this.at < lengthOf(this.target)) setByte(this.target, this.at++, value);
    else this.overrun = true;
  }

  bytes(source: Span): void {
    for (let i = 0; i < lengthOf(source); i++) this.byte(byteAt(source, i));
  }

  /** The tag and length of an element whose `content` bytes follow. */
  header(tag: Tag, content: i32): void {
    this.byte(tag);
    if (content >= 0x80) this.byte(0x80 | (lengthBytes(content) - 1));
    if (content >= 0x100) this.byte(content >> 8);
    this.byte(content & 0xff);
  }

  /** A whole INTEGER from an unsigned big-endian number. */
  unsigned(number: Span): void {
    const magnitude = withoutLeadingZeros(number);
    this.header(Tag.Integer, unsignedContent(number));
    if (byteAt(magnitude, 0) >= 0x80 || lengthOf(magnitude) == 0) this.byte(0);
    this.bytes(magnitude);
  }
}

/** Content bytes of an INTEGER for an unsigned big-endian number: minimal, with a zero where the sign bit would be set. */
export function unsignedContent(number: Span): i32 {
  const magnitude = withoutLeadingZeros(number);
  return lengthOf(magnitude) + (byteAt(magnitude, 0) >= 0x80 || lengthOf(magnitude) == 0 ? 1 : 0);
}

function withoutLeadingZeros(number: Span): Span {
  let zeros = 0;
  while (byteAt(number, zeros) == 0) zeros++;
  return sliceFrom(number, zeros);
}
