// Decompresses zlib data.  https://www.rfc-editor.org/rfc/rfc1950  https://www.rfc-editor.org/rfc/rfc1951

import { makeForever, takeSpan } from "../host/arena";
import { Span, ABSENT, byteAt, lengthOf, setByte, slice } from "../host/span";
import { Table, tableForever } from "../host/table";

const MAX_CODE_BITS: i32 = 15;
const LITERALS: i32 = 288;
const DISTANCES: i32 = 30;
const END_OF_BLOCK: i32 = 256;
const ADLER_BASE: u32 = 65521;
/** A header of two bytes, a block of one or more, and the checksum. */
const MIN_BYTES: i32 = 7;

@unmanaged
class Cell {
  value: i32;
}

/** A canonical Huffman code: how many codes there are of each length, and their symbols in order. */
@unmanaged
class Code {
  counts: Table<Cell>;
  symbols: Table<Cell>;

  static make(symbols: i32): Code {
    const code = makeForever<Code>();
    code.counts = tableForever<Cell>(MAX_CODE_BITS + 1);
    code.symbols = tableForever<Cell>(symbols);
    return code;
  }

  /** Takes the lengths of `count` symbols, from `first` in `lengths`. False when some bits would say nothing, or two things. */
  build(first: i32, count: i32): bool {
    for (let length = 0; length <= MAX_CODE_BITS; length++) this.counts.at(length).value = 0;
    for (let i = 0; i < count; i++) this.counts.at(lengths.at(first + i).value).value++;
    let left = 1;
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      left = 2 * left - this.counts.at(length).value;
      if (left < 0) return false;
    }
    let next = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      for (let i = 0; i < count; i++)
        if (lengths.at(first + i).value == length) this.symbols.at(next++).value = i;
    }
    // One code alone, of one bit, or none, is how a block says that it has a single distance, or none.
    return left == 0 || next == 0 || (next == 1 && this.counts.at(1).value == 1);
  }

  /** The next symbol; -1 when there is none. */
  read(): i32 {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      code |= bits(1);
      const count = this.counts.at(length).value;
      if (code - first < count) return hasFailed ? -1 : this.symbols.at(index + code - first).value;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return -1;
  }
}

const literals = Code.make(LITERALS);
const distances = Code.make(DISTANCES);
/** Of a block's literals and then its distances. */
const lengths: Table<Cell> = tableForever<Cell>(LITERALS + DISTANCES + 2);

let input: Span = ABSENT;
let at: i32 = 0;
let bitBuffer: u32 = 0;
let bitCount: i32 = 0;
let hasFailed: bool = false;
let output: Span = ABSENT;
let written: i32 = 0;

/** The bytes, until the callback ends; absent when they are more than `limit`, or not what their checksum says. */
export function inflate(zlib: Span, limit: i32): Span {
  const size = lengthOf(zlib);
  if (size < MIN_BYTES || !isZlib(byteAt(zlib, 0), byteAt(zlib, 1))) return ABSENT;
  output = takeSpan(limit);
  if (output == ABSENT) return ABSENT;
  input = slice(zlib, 2, size - 4);
  at = 0;
  bitBuffer = 0;
  bitCount = 0;
  written = 0;
  hasFailed = false;
  let isLast = false;
  while (!isLast && !hasFailed) {
    isLast = bits(1) == 1;
    if (!inflateBlock(bits(2))) hasFailed = true;
  }
  const isWhole = !hasFailed && at == lengthOf(input) && adler(written) == checksum(zlib);
  return isWhole ? slice(output, 0, written) : ABSENT;
}

/** Deflate, a window of at most 32 KiB, no dictionary, and a header that is a multiple of 31. */
function isZlib(method: i32, flags: i32): bool {
  const isDeflate = (method & 15) == 8 && method >> 4 <= 7;
  return isDeflate && (flags & 32) == 0 && ((method << 8) | flags) % 31 == 0;
}

/** The next bits, the first of them lowest; 0, and a failure, where there are none. */
function bits(count: i32): i32 {
  while (bitCount < count) {
    const byte = byteAt(input, at++);
    if (byte < 0) hasFailed = true;
    bitBuffer |= (<u32>max(0, byte)) << bitCount;
    bitCount += 8;
  }
  const value = bitBuffer & ((1 << count) - 1);
  bitBuffer >>= count;
  bitCount -= count;
  return value;
}

function inflateBlock(kind: i32): bool {
  switch (kind) {
    case 0:
      return copyStored();
    case 1:
      return buildFixed() && inflateCodes();
    case 2:
      return readCodes() && inflateCodes();
    default:
      return false;
  }
}

/** Bytes as they are, from the next whole byte on. */
function copyStored(): bool {
  bitBuffer = 0;
  bitCount = 0;
  const size = byteAt(input, at) | (byteAt(input, at + 1) << 8);
  const complement = byteAt(input, at + 2) | (byteAt(input, at + 3) << 8);
  if (size < 0 || (size ^ 0xffff) != complement || size > lengthOf(input) - at - 4) return false;
  at += 4;
  for (let i = 0; i < size; i++) if (!put(byteAt(input, at++))) return false;
  return true;
}

function put(byte: i32): bool {
  if (written >= lengthOf(output)) return false;
  setByte(output, written++, byte);
  return true;
}

/** True while `literals` and `distances` are the fixed codes: a document may have any number of blocks. */
let areFixed: bool = false;

/** RFC 1951, section 3.2.6. */
function buildFixed(): bool {
  if (areFixed) return true;
  areFixed = true;
  for (let i = 0; i < LITERALS; i++) lengths.at(i).value = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  for (let i = 0; i < DISTANCES + 2; i++) lengths.at(LITERALS + i).value = 5;
  literals.build(0, LITERALS);
  // Two of these codes stand for nothing: reading one of them fails.
  distances.build(LITERALS, DISTANCES);
  return true;
}

/** RFC 1951, section 3.2.7. */
function readCodes(): bool {
  areFixed = false;
  const literalCount = bits(5) + 257;
  const distanceCount = bits(5) + 1;
  const lengthCount = bits(4) + 4;
  if (literalCount > 286 || distanceCount > DISTANCES) return false;
  for (let i = 0; i < 19; i++) lengths.at(lengthAt(i)).value = i < lengthCount ? bits(3) : 0;
  if (!literals.build(0, 19)) return false;
  const total = literalCount + distanceCount;
  let count = 0;
  while (count < total) {
    const symbol = literals.read();
    if (symbol < 0) return false;
    if (symbol < 16) {
      lengths.at(count++).value = symbol;
      continue;
    }
    if (symbol == 16 && count == 0) return false;
    const value = symbol == 16 ? lengths.at(count - 1).value : 0;
    let times = symbol == 16 ? 3 + bits(2) : symbol == 17 ? 3 + bits(3) : 11 + bits(7);
    if (times > total - count) return false;
    while (times-- > 0) lengths.at(count++).value = value;
  }
  const hasEnd = lengths.at(END_OF_BLOCK).value > 0;
  return hasEnd && distances.build(literalCount, distanceCount) && literals.build(0, literalCount);
}

/** The order in which the lengths of the code for lengths come. */
function lengthAt(index: i32): i32 {
  if (index < 3) return 16 + index;
  if (index == 3) return 0;
  const step = index >> 1;
  return (index & 1) == 0 ? 6 + step : 9 - step;
}

function inflateCodes(): bool {
  while (!hasFailed) {
    const symbol = literals.read();
    if (symbol < 0) return false;
    if (symbol == END_OF_BLOCK) return true;
    const isDone = symbol < END_OF_BLOCK ? put(symbol) : copyEarlier(symbol - 257);
    if (!isDone) return false;
  }
  return false;
}

/** Copies from what was written before: RFC 1951, section 3.2.5. */
function copyEarlier(lengthCode: i32): bool {
  if (lengthCode > 28) return false;
  const length = lengthCode == 28 ? 258 : 3 + extended(lengthCode, 2);
  const distanceCode = distances.read();
  if (distanceCode < 0) return false;
  const distance = 1 + extended(distanceCode, 1);
  if (distance > written) return false;
  for (let i = 0; i < length; i++) if (!put(byteAt(output, written - distance))) return false;
  return true;
}

/** The number that a code and its extra bits stand for. Codes go in groups of 2 to the power of `groupBits`, of one more extra bit each. */
function extended(code: i32, groupBits: i32): i32 {
  const group = code >> groupBits;
  if (group < 2) return code;
  const extra = group - 1;
  const inGroup = code & ((1 << groupBits) - 1);
  return (((1 << groupBits) + inGroup) << extra) + bits(extra);
}

function adler(count: i32): u32 {
  let low: u32 = 1;
  let high: u32 = 0;
  for (let i = 0; i < count; i++) {
    low = (low + <u32>byteAt(output, i)) % ADLER_BASE;
    high = (high + low) % ADLER_BASE;
  }
  return (high << 16) | low;
}

function checksum(zlib: Span): u32 {
  const from = lengthOf(zlib) - 4;
  let sum: u32 = 0;
  for (let i = 0; i < 4; i++) sum = (sum << 8) | (<u32>byteAt(zlib, from + i));
  return sum;
}
