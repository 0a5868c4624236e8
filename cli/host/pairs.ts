import { MAX_PAIRS, MAX_PAIRS_BYTES } from "./abi.ts";
import type { HeaderPair } from "./header-map.ts";

// The ABI's pair list: u32 count, then a u32 size of name and of value per pair, then each name and value, each
// ended by a NUL. All little endian. Source: proxy-wasm-cpp-host, src/pairs_util.cc.

const COUNT_BYTES = 4;
const SIZES_BYTES = 8;

export function pairsSize(pairs: readonly HeaderPair[]): number {
  let size = COUNT_BYTES;
  for (const [name, value] of pairs) size += SIZES_BYTES + name.length + value.length + 2;
  return size;
}

/** Writes `pairsSize(pairs)` bytes at `start`; texts are latin1. */
export function writePairs(pairs: readonly HeaderPair[], target: Buffer, start: number): void {
  let sizes = target.writeUInt32LE(pairs.length, start);
  let place = sizes + pairs.length * SIZES_BYTES;
  for (const [name, value] of pairs) {
    sizes = target.writeUInt32LE(name.length, sizes);
    sizes = target.writeUInt32LE(value.length, sizes);
    place = writeTerminated(name, target, place);
    place = writeTerminated(value, target, place);
  }
}

function writeTerminated(text: string, target: Buffer, start: number): number {
  const end = start + target.write(text, start, "latin1");
  target[end] = 0;
  return end + 1;
}

/** Reads a pair list of the guest. A list that is malformed or over the limits reads as empty, as in Envoy. */
export function readPairs(bytes: Buffer): HeaderPair[] {
  if (bytes.length > MAX_PAIRS_BYTES || bytes.length < COUNT_BYTES) return [];
  const count = bytes.readUInt32LE(0);
  let place = COUNT_BYTES + count * SIZES_BYTES;
  if (count > MAX_PAIRS || place > bytes.length) return [];
  const pairs: HeaderPair[] = [];
  for (let i = 0; i < count; i++) {
    const sizes = COUNT_BYTES + i * SIZES_BYTES;
    const nameEnd = place + bytes.readUInt32LE(sizes);
    const valueEnd = nameEnd + 1 + bytes.readUInt32LE(sizes + 4);
    // One look at each NUL also proves that the text before it lies inside: beyond the end there is no byte.
    if (bytes[nameEnd] !== 0 || bytes[valueEnd] !== 0) return [];
    pairs.push([bytes.toString("latin1", place, nameEnd), bytes.toString("latin1", nameEnd + 1, valueEnd)]);
    place = valueEnd + 1;
  }
  return place === bytes.length ? pairs : [];
}
