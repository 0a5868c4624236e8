// A run of bytes in linear memory, as one value: the address in the upper half, the length in the lower.
// A value needs no allocation, cannot be null, and its zero is "absent".

import { Span, addressOf, byteAt, lengthOf, spanOf } from "./span_access";

export { Span, addressOf, byteAt, lengthOf, spanOf };

/** No bytes at all: what the host answers for something that is not there. */
export const ABSENT: Span = 0;

/** The host has it, and it is empty. Reads as `ABSENT` does, and is told apart with `==` where being there counts. */
export const EMPTY: Span = 2 << 32;

/** The host call behind this span failed: nothing is known. Reads as empty, and is told apart with `==`. */
export const FAILED: Span = 1 << 32;

/** Replaces one byte in place; outside the span nothing happens. */
export function setByte(span: Span, index: i32, value: i32): void {
  if (<u32>index < <u32>lengthOf(span)) store<u8>(addressOf(span) + index, <u8>value);
}

/** Makes every byte zero. */
export function clearBytes(span: Span): void {
  memory.fill(addressOf(span), 0, lengthOf(span));
}

/** The four bytes at the word `index`, little endian; 0 outside the span. */
export function wordAt(span: Span, index: i32): u32 {
  return <u32>index < <u32>lengthOf(span) / 4 ? load<u32>(addressOf(span) + index * 4) : 0;
}

/** Bytes from `from` up to, not including, `to`; absent when that is not inside the span. */
export function slice(span: Span, from: i32, to: i32): Span {
  if (from < 0 || to < from || to > lengthOf(span)) return ABSENT;
  return spanOf(addressOf(span) + from, to - from);
}

export function sliceFrom(span: Span, from: i32): Span {
  return slice(span, from, lengthOf(span));
}

/** The part of `to` that `part` is of `from`; absent when it is none. */
export function moved(part: Span, from: Span, to: Span): Span {
  if (part == ABSENT) return ABSENT;
  const start = <i32>(addressOf(part) - addressOf(from));
  return slice(to, start, start + lengthOf(part));
}

/** Index of the first `byte` at or after `from`, or -1. */
export function indexOf(span: Span, byte: i32, from: i32): i32 {
  const start = addressOf(span);
  const length = lengthOf(span);
  for (let i = max(from, 0); i < length; i++) {
    if (load<u8>(start + i) == byte) return i;
  }
  return -1;
}

/** Byte equality. Two absent spans are equal: ask for presence first where that matters. */
export function equals(left: Span, right: Span): bool {
  const length = lengthOf(left);
  if (length != lengthOf(right)) return false;
  const a = addressOf(left);
  const b = addressOf(right);
  let i = 0;
  for (; length - i >= 8; i += 8) {
    if (load<u64>(a + i) != load<u64>(b + i)) return false;
  }
  for (; i < length; i++) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
  }
  return true;
}

export function startsWith(span: Span, prefix: Span): bool {
  return lengthOf(prefix) <= lengthOf(span) && equals(slice(span, 0, lengthOf(prefix)), prefix);
}

/** Byte equality with a literal of ASCII characters. */
export function equalsAscii(span: Span, literal: string): bool {
  const length = lengthOf(span);
  if (length != literal.length) return false;
  if (isDefined(SHORT_LITERALS)) return equals(span, spanOf(changetype<usize>(literal), length));
  for (let i = 0; i < length; i++) {
    if (byteAt(span, i) != charAt(literal, i)) return false;
  }
  return true;
}

/** As `equalsAscii`, but letters of either case match: for tokens that a standard defines so, never for identities. */
export function equalsAsciiIgnoreCase(span: Span, literal: string): bool {
  const length = lengthOf(span);
  if (length != literal.length) return false;
  for (let i = 0; i < length; i++) {
    if (lowerCase(byteAt(span, i)) != lowerCase(charAt(literal, i))) return false;
  }
  return true;
}

export function lowerCase(byte: i32): i32 {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

/** Character of an ASCII literal; -1 outside. The release build lays literals out in bytes: assembly/compiler/short-literals.mjs. */
export function charAt(literal: string, index: i32): i32 {
  if (<u32>index >= <u32>literal.length) return -1;
  const start = changetype<usize>(literal);
  if (isDefined(SHORT_LITERALS)) return load<u8>(start + <usize>index);
  return load<u16>(start + ((<usize>index) << 1));
}

/** The number that these 8 bytes are, as a little-endian double; NaN for any other length. */
export function doubleOf(span: Span): f64 {
  return lengthOf(span) == 8 ? load<f64>(addressOf(span)) : NaN;
}
