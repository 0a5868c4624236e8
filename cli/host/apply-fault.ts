import { Status } from "./abi.ts";
import type { FaultyResult } from "./faults.ts";
import type { Guest } from "./guest.ts";

/** Which arguments of an import are out-pointers: a span is a pair of words, a number stands alone. */
interface Outputs {
  readonly span?: { readonly pointer: number; readonly size: number };
  readonly number?: { readonly argument: number; readonly bytes: 4 | 8 };
}

interface Span {
  readonly pointer: number;
  readonly size: number;
}

const OUTPUTS: Readonly<Record<string, Outputs>> = {
  proxy_get_property: { span: { pointer: 2, size: 3 } },
  proxy_get_header_map_value: { span: { pointer: 3, size: 4 } },
  proxy_get_header_map_pairs: { span: { pointer: 1, size: 2 } },
  proxy_get_buffer_bytes: { span: { pointer: 3, size: 4 } },
  proxy_get_shared_data: { span: { pointer: 2, size: 3 }, number: { argument: 4, bytes: 4 } },
  proxy_call_foreign_function: { span: { pointer: 4, size: 5 } },
  proxy_get_header_map_size: { number: { argument: 1, bytes: 4 } },
  proxy_get_current_time_nanoseconds: { number: { argument: 0, bytes: 8 } },
  proxy_get_log_level: { number: { argument: 0, bytes: 4 } },
  proxy_define_metric: { number: { argument: 3, bytes: 4 } },
  proxy_get_metric: { number: { argument: 1, bytes: 8 } },
  proxy_http_call: { number: { argument: 9, bytes: 4 } },
};

const LARGE_BYTES = 2 * 1024 * 1024;
const OVERSIZED = 0x7fff_ffff;
const GARBAGE_BYTES = 64;

/** Makes an Ok call give a faulty result. `callThrough` does the true call, where its result is needed. */
export function applyFault(
  guest: Guest,
  name: string,
  result: FaultyResult,
  args: readonly (number | bigint)[],
  callThrough: () => number | undefined,
): void {
  const { span, number } = OUTPUTS[name] ?? {};
  if (number !== undefined && result === "garbage")
    fillNumber(guest, addressIn(args, number.argument), number.bytes);
  if (span === undefined) return;
  const outputs: Span = { pointer: addressIn(args, span.pointer), size: addressIn(args, span.size) };
  const faulty = faultySpan(guest, result, () => trueSpan(guest, outputs, callThrough));
  guest.memory.setU32(outputs.pointer, faulty.pointer);
  guest.memory.setU32(outputs.size, faulty.size);
}

function faultySpan(guest: Guest, result: FaultyResult, readTrue: () => Span): Span {
  switch (result) {
    case "empty":
      return { pointer: 0, size: 0 };
    case "short": {
      const { pointer, size } = readTrue();
      return size > 0 ? { pointer, size: size >>> 1 } : filled(guest, Buffer.alloc(1));
    }
    case "large":
      return filled(guest, Buffer.alloc(LARGE_BYTES, "A"));
    case "oversized":
      return { pointer: readTrue().pointer, size: OVERSIZED };
    case "garbage": {
      const { pointer, size } = readTrue();
      if (size === 0) return filled(guest, noise(GARBAGE_BYTES));
      guest.memory.bytes().set(noise(size), pointer);
      return { pointer, size };
    }
  }
}

function trueSpan(guest: Guest, outputs: Span, callThrough: () => number | undefined): Span {
  if (callThrough() !== Status.Ok) return { pointer: 0, size: 0 };
  const { memory } = guest;
  return { pointer: memory.getU32(outputs.pointer), size: memory.getU32(outputs.size) };
}

function filled(guest: Guest, bytes: Buffer): Span {
  const pointer = guest.allocate(bytes.length);
  if (pointer === undefined) return { pointer: 0, size: 0 };
  guest.memory.bytes().set(bytes, pointer);
  return { pointer, size: bytes.length };
}

function fillNumber(guest: Guest, address: number, bytes: 4 | 8): void {
  if (bytes === 4) guest.memory.setU32(address, 0xffff_ffff);
  else guest.memory.setU64(address, -1n);
}

/** The same bytes each time, so that a failing test fails again. A linear congruential generator is enough. */
function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function addressIn(args: readonly (number | bigint)[], index: number): number {
  return Number(args[index] ?? 0) >>> 0;
}
