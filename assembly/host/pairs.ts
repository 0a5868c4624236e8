// Header pairs as the ABI serialises them: a count, then all sizes, then names and values, each ended by a NUL.
// https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1#proxy_get_header_map_pairs

import { ascii, copyTo, makeForever, take, takeForever } from "./arena";
import { Span, ABSENT, addressOf, lengthOf, slice, spanOf } from "./span";

/** Envoy hands over no more pairs than this. */
const MAX_PAIRS: i32 = 1024;
const COUNT_BYTES: i32 = 4;
const SIZES_BYTES: i32 = 8;

/** A cursor over serialised pairs: `start`, then `next` until it says false; `ok` tells a clean end from a broken one. */
@unmanaged
export class PairReader {
  /** False as soon as anything does not add up; then no pair that was read may be relied on. */
  ok: bool;
  name: Span;
  value: Span;
  private bytes: Span;
  private count: i32;
  private index: i32;
  private offset: i32;

  start(bytes: Span): void {
    this.bytes = bytes;
    this.index = 0;
    this.count = 0;
    this.name = ABSENT;
    this.value = ABSENT;
    this.ok = lengthOf(bytes) >= COUNT_BYTES;
    if (!this.ok) return;
    const count = load<u32>(addressOf(bytes));
    this.ok = count <= <u32>MAX_PAIRS && lengthOf(bytes) >= COUNT_BYTES + <i32>count * SIZES_BYTES;
    if (!this.ok) return;
    this.count = <i32>count;
    this.offset = COUNT_BYTES + <i32>count * SIZES_BYTES;
  }

  next(): bool {
    if (!this.ok || this.index >= this.count) return false;
    const sizes = addressOf(this.bytes) + COUNT_BYTES + this.index * SIZES_BYTES;
    this.index++;
    this.name = this.text(load<u32>(sizes));
    this.value = this.text(load<u32>(sizes, 4));
    return this.ok;
  }

  private text(size: u32): Span {
    const left = lengthOf(this.bytes) - this.offset;
    if (!this.ok || size >= <u32>left) {
      this.ok = false;
      return ABSENT;
    }
    const start = addressOf(this.bytes) + this.offset;
    this.offset += <i32>size + 1;
    return spanOf(start, <i32>size);
  }
}

/** A permanent list of one pair. */
export function onePair(name: string, value: string): Span {
  return pairsForever(1, name, value, "", "");
}

/** A permanent list of two pairs. */
export function twoPairs(name: string, value: string, other: string, otherValue: string): Span {
  return pairsForever(2, name, value, other, otherValue);
}

function pairsForever(count: i32, name: string, value: string, other: string, otherValue: string): Span {
  const writer = makeForever<PairWriter>();
  writer.start(count);
  writer.add(ascii(name), ascii(value));
  if (count > 1) writer.add(ascii(other), ascii(otherValue));
  const pairs = writer.finish();
  return copyTo(takeForever(lengthOf(pairs)), pairs);
}

/** Bytes for the names and values of a request that we send. */
const TEXT_ROOM: i32 = 24 * 1024;

/** Writes serialised pairs into memory that lives until the callback ends. */
@unmanaged
export class PairWriter {
  private memory: Span;
  private announced: i32;
  private count: i32;
  private end: i32;

  /** Begins a list of so many pairs. */
  start(count: i32): void {
    const head = COUNT_BYTES + count * SIZES_BYTES;
    const address = take(head + TEXT_ROOM);
    this.memory = address == 0 ? ABSENT : spanOf(address, head + TEXT_ROOM);
    this.announced = count;
    this.count = 0;
    this.end = head;
    if (address != 0) store<u32>(address, count);
  }

  add(name: Span, value: Span): void {
    const texts = lengthOf(name) + lengthOf(value) + 2;
    const fits = this.count < this.announced && texts <= lengthOf(this.memory) - this.end;
    if (!fits) this.memory = ABSENT;
    if (this.memory == ABSENT) return;
    const sizes = addressOf(this.memory) + COUNT_BYTES + this.count * SIZES_BYTES;
    store<u32>(sizes, lengthOf(name));
    store<u32>(sizes, lengthOf(value), 4);
    this.text(name);
    this.text(value);
    this.count++;
  }

  /** The pairs; absent unless as many came as were announced, and there was room for them. */
  finish(): Span {
    return this.count == this.announced ? slice(this.memory, 0, this.end) : ABSENT;
  }

  private text(bytes: Span): void {
    const target = addressOf(this.memory) + this.end;
    copyTo(target, bytes);
    store<u8>(target + lengthOf(bytes), 0);
    this.end += lengthOf(bytes) + 1;
  }
}
