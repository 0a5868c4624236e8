// A fixed number of records side by side in memory.

import { makeForever, makeUntilReset, take, takeForever } from "./arena";
import { Span, addressOf, lengthOf } from "./span";

@unmanaged
export class Table<T> {
  base: usize;
  /** How many records there are. */
  capacity: i32;

  /** The record at `index`; outside the table the first one, so that no index leaves it. `capacity` is at least 1. */
  at(index: i32): T {
    const inside = <u32>index < <u32>this.capacity ? index : 0;
    return changetype<T>(this.base + <usize>inside * offsetof<T>());
  }
}

/** A table that stays, all records zero. */
export function tableForever<T>(capacity: i32): Table<T> {
  const table = makeForever<Table<T>>();
  table.base = takeForever(capacity * offsetof<T>());
  table.capacity = capacity;
  return table;
}

/** Bytes that so many records take. */
export function tableBytes<T>(capacity: i32): i32 {
  return capacity * <i32>offsetof<T>();
}

/** Points a table at memory for as many records as fit there. */
export function placeTable<T>(table: Table<T>, memory: Span): void {
  table.base = addressOf(memory);
  table.capacity = lengthOf(memory) / <i32>offsetof<T>();
}

/** A table that lives until the callback ends, all records zero; null when there is no room. */
export function borrowTable<T>(capacity: i32): Table<T> | null {
  const table = makeUntilReset<Table<T>>();
  if (table == null || capacity < 1 || capacity > 1 << 22) return null;
  table.base = take(capacity * offsetof<T>());
  if (table.base == 0) return null;
  memory.fill(table.base, 0, capacity * offsetof<T>());
  table.capacity = capacity;
  return table;
}
