// Composes one line of bytes in a fixed buffer. What does not fit is left out; nothing overflows, nothing allocates.

import { takeForever } from "./arena";
import { Span, spanOf, byteAt, lengthOf, charAt } from "./span";

/** A decision record has up to two SPIFFE IDs of 2 KiB, 64 bindings of 0.1 KiB, four texts of 1 KiB and 8 KiB of claims. */
const CAPACITY: i32 = 24 * 1024;
const buffer: usize = takeForever(CAPACITY);
let length: i32 = 0;

/** Starts a new line; the one before is gone. */
export function startLine(): void {
  length = 0;
}

/** The line so far; valid until the next `startLine`. */
export function line(): Span {
  return spanOf(buffer, length);
}

export function writeByte(byte: i32): void {
  if (length < CAPACITY) store<u8>(buffer + length++, <u8>byte);
}

export function writeAscii(literal: string): void {
  for (let i = 0; i < literal.length; i++) writeByte(charAt(literal, i));
}

export function writeBytes(span: Span): void {
  for (let i = 0; i < lengthOf(span); i++) writeByte(byteAt(span, i));
}

/** A number that is not negative. */
export function writeDecimal(value: i64): void {
  let divisor: i64 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor > 0; divisor /= 10) writeByte(0x30 + <i32>((value / divisor) % 10));
}

/** Lowercase, the first `count` bytes only. */
export function writeHex(span: Span, count: i32): void {
  for (let i = 0; i < min(count, lengthOf(span)); i++) {
    const byte = byteAt(span, i);
    writeByte(hexDigit(byte >> 4));
    writeByte(hexDigit(byte & 15));
  }
}

/** At most `limit` bytes of text from outside, with everything but plain printable ASCII shown as `?`. */
export function writeMasked(span: Span, limit: i32): void {
  const shown = min(limit, lengthOf(span));
  for (let i = 0; i < shown; i++) {
    const byte = byteAt(span, i);
    const plain = byte >= 0x20 && byte < 0x7f && byte != 0x22 && byte != 0x5c;
    writeByte(plain ? byte : 0x3f);
  }
  if (shown < lengthOf(span)) writeAscii("...");
}

function hexDigit(value: i32): i32 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
