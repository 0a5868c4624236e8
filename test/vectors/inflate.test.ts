// Decompression, held against Node's zlib: what one reads the other reads, to the last byte, and no more.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { constants, deflateSync, gzipSync, inflateRawSync } from "node:zlib";
import type { ZlibOptions } from "node:zlib";
import fc from "fast-check";
import { probes } from "./support/probe.ts";

const LIMIT = 1 << 20;
const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;
const HEADER = Buffer.of(0x78, 0x9c);
const MAX_DISTANCE = 1 << 15;

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** RFC 1950, section 8.2. */
function adler32(bytes: Uint8Array): Buffer {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  const sum = Buffer.alloc(4);
  sum.writeUInt16BE(high);
  sum.writeUInt16BE(low, 2);
  return sum;
}

/** Deflated data between a header and the checksum of what should come out. */
function zlibOf(raw: Uint8Array, content: Uint8Array): Buffer {
  return Buffer.concat([HEADER, raw, adler32(content)]);
}

/** What Node makes of deflated data: what comes out, and how much of the data that took; undefined when it is none. */
function readByNode(raw: Uint8Array): { content: Buffer; taken: number } | undefined {
  try {
    const options = { info: true, maxOutputLength: LIMIT } as const;
    const { buffer, engine } = inflateRawSync(raw, options) as unknown as Inflated;
    return { content: buffer, taken: engine.bytesWritten };
  } catch {
    return undefined;
  }
}

function assertInflates(zlib: Uint8Array, content: Uint8Array, limit = LIMIT): void {
  for (const probe of probes) {
    const inflated = probe.inflate(zlib, limit);
    assert.ok(inflated !== undefined && inflated.equals(content), probe.name);
  }
}

function assertRefused(zlib: Uint8Array, limit = LIMIT): void {
  for (const probe of probes) assert.equal(probe.inflate(zlib, limit), undefined, probe.name);
}

/** Numbers that look random and are always the same. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state >>> 16;
  }
}

function randomBytes(length: number, values = 256): Buffer {
  const source = numbers(length + values);
  return Buffer.from(Array.from({ length }, () => source.next().value % values));
}

/** Values as often as Fibonacci's numbers say, which takes codes of up to 15 bits. */
function skewedBytes(): Buffer {
  const counts = [1, 1];
  while (counts.length < 22) counts.push((counts.at(-1) ?? 0) + (counts.at(-2) ?? 0));
  const values = counts.flatMap((count, value) => Array<number>(count).fill(value));
  const source = numbers(7);
  for (let i = values.length - 1; i > 0; i--) {
    const other = source.next().value % (i + 1);
    [values[i], values[other]] = [values[other] ?? 0, values[i] ?? 0];
  }
  return Buffer.from(values);
}

const CONTENTS: Readonly<Record<string, Buffer>> = {
  "one byte": Buffer.of(7),
  zeros: Buffer.alloc(100_000),
  "1 MiB of zeros": Buffer.alloc(LIMIT),
  "1 MiB of zeros and ones": randomBytes(LIMIT, 2),
  "a few bits in a million": Buffer.alloc(125_000).fill(1, 77_777, 77_780).fill(128, 124_999),
  "random bytes": randomBytes(70_000),
  "random bytes of few values": randomBytes(70_000, 5),
  "values of very different frequency": skewedBytes(),
  text: Buffer.from("status lists are lists of statuses; ".repeat(500)),
  "what repeats itself from 32 KiB ago": Buffer.concat([
    randomBytes(MAX_DISTANCE),
    randomBytes(MAX_DISTANCE),
    randomBytes(1_000),
  ]),
  "every byte, and every length of a run": Buffer.concat(
    Array.from({ length: 300 }, (_, length) => Buffer.alloc(length, length)),
  ),
};

const WAYS: Readonly<Record<string, ZlibOptions>> = {
  stored: { level: 0 },
  "level 1": { level: 1 },
  "level 6": { level: 6 },
  "level 9": { level: 9, memLevel: 9 },
  "small blocks": { level: 9, memLevel: 1 },
  "a window of 512 bytes": { windowBits: 9 },
  "fixed codes": { strategy: Z_FIXED },
  "codes only": { strategy: Z_HUFFMAN_ONLY },
  "runs only": { strategy: Z_RLE },
  filtered: { strategy: Z_FILTERED },
};

describe("data that zlib has deflated", () => {
  for (const [way, options] of Object.entries(WAYS)) {
    it(`by ${way} inflates to what it was`, () => {
      for (const [name, content] of Object.entries(CONTENTS)) {
        const zlib = deflateSync(content, options);
        assertInflates(zlib, content);
        assert.ok(zlib.length > 0, name);
      }
    });
  }

  it("at random, by random settings, inflates to what it was", () => {
    const settings = fc.record({
      level: fc.integer({ min: 0, max: 9 }),
      memLevel: fc.integer({ min: 1, max: 9 }),
      windowBits: fc.integer({ min: 9, max: 15 }),
      strategy: fc.constantFrom(Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED),
    });
    const runs = fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 600 })), {
      minLength: 1,
      maxLength: 40,
    });
    const content = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
      runs.map((list) => Buffer.concat(list.map(([value, length]) => Buffer.alloc(length, value)))),
    );
    fc.assert(
      fc.property(content, settings, (bytes, options) => {
        assertInflates(deflateSync(bytes, options), bytes);
      }),
      { seed: 11, numRuns: 1500 },
    );
  });

  it("in parts of any size is one stream", () => {
    const content = randomBytes(5_000, 40);
    const { Z_SYNC_FLUSH, Z_FULL_FLUSH } = constants;
    for (const flush of [Z_SYNC_FLUSH, Z_FULL_FLUSH]) {
      const parts = [0, 1, 2, 3, 4].map((part) =>
        deflateSync(content.subarray(part * 1_000, part * 1_000 + 1_000), { finishFlush: flush }).subarray(2),
      );
      assertInflates(zlibOf(Buffer.concat([...parts, Buffer.of(3, 0)]), content), content);
    }
  });

  it("is at most as large as the limit, and refused as soon as it is not", () => {
    for (const size of [1, 2, 1_000, LIMIT]) {
      const content = Buffer.alloc(size, 1);
      for (const options of [{}, { level: 0 }, { strategy: Z_FIXED }]) {
        assertInflates(deflateSync(content, options), content, size);
        assertRefused(deflateSync(content, options), size - 1);
      }
    }
  });

  it("that would take 64 MiB is refused", () => {
    assertRefused(deflateSync(Buffer.alloc(64 << 20)));
  });
});

describe("zlib data that is not whole", () => {
  const content = randomBytes(300, 30);

  for (const [way, options] of Object.entries(WAYS)) {
    const zlib = deflateSync(content, options);

    it(`by ${way} is refused however much of its end is missing`, () => {
      for (let length = 0; length < zlib.length; length++) assertRefused(zlib.subarray(0, length));
      assertInflates(zlib, content);
    });

    it(`by ${way} is refused with anything behind it`, () => {
      for (const more of [Buffer.of(0), Buffer.of(0xff), zlib]) {
        assertRefused(Buffer.concat([zlib, more]));
      }
    });

    it(`by ${way} is refused with any bit of its checksum turned round`, () => {
      for (let bit = 0; bit < 32; bit++) {
        const wrong = Buffer.from(zlib);
        const at = wrong.length - 4 + (bit >> 3);
        wrong[at] = (wrong[at] ?? 0) ^ (1 << (bit & 7));
        assertRefused(wrong);
      }
    });
  }

  it("has a header of two bytes: deflate, a window up to 32 KiB, no dictionary, a multiple of 31", () => {
    const raw = deflateSync(content, { windowBits: 9 }).subarray(2, -4);
    const taken: number[] = [];
    for (let header = 0; header < 1 << 16; header++) {
      const zlib = Buffer.concat([Buffer.of(header >> 8, header & 0xff), raw, adler32(content)]);
      const [release] = probes;
      if (release?.inflate(zlib, LIMIT) !== undefined) taken.push(header);
    }
    const expected = Array.from({ length: 1 << 16 }, (_, header) => header).filter((header) => {
      const method = header >> 8;
      return (method & 15) === 8 && method >> 4 <= 7 && (header & 32) === 0 && header % 31 === 0;
    });
    assert.equal(expected.length, 32);
    assert.deepEqual(taken, expected);
  });

  it("with a dictionary is refused", () => {
    assertRefused(deflateSync(content, { dictionary: content.subarray(0, 100) }));
  });

  it("in gzip's form, or in none, is refused", () => {
    assertRefused(gzipSync(content));
    assertRefused(deflateSync(content).subarray(2));
    assertRefused(content);
    assertRefused(Buffer.alloc(0));
  });
});

/** What zlib's own tests feed it (infcover.c), raw, and what comes of each in the words used there. */
const COVERED: Readonly<Record<string, string>> = {
  "stored block lengths that do not agree": "0000000000",
  "a fixed block of nothing": "0300",
  "a block of no type": "06",
  "a stored block of one byte": "010100feff00",
  "too many length or distance symbols": "fc0000",
  "an invalid set of code lengths": "0400feff",
  "a repetition of nothing": "0400244900",
  "a repetition past the end": "040024e9ffff",
  "no end of block": "040024e9ff6d",
  "an invalid set of literals and lengths": "0480499224499224 71ffff931100",
  "an invalid set of distances": "0480499224499224 0fb4ffffc384",
  "an invalid code for a literal": "04c0810800000000 207feb0b0000",
  "an invalid code for a distance": "027effff",
  "a distance too far back": "0cc0810000000000 90ff6b0400",
  "runs of zeros among the lengths": "05c0210d00000080 b0fe6d2f916c",
  "long codes": "05e0819124cbb22c49e20f2e8b9a47569ffbfeecd2ff1f",
  "extra bits of a length": "edc001010000004020ff571b422c4f",
  "a long distance and its extra bits": "edcfc1b12c4710c430fa6f351d01825 93dfbbe2e2afc0f0c",
  "a copy over its own end":
    "edc08100000000 80a0fda917a900000000000000000000000000000000000000000000000000 06",
  "one block after another": "02082080000300",
  "a copy of what is just being written": "631805400c00",
};

describe("deflated data that zlib's own tests have", () => {
  for (const [name, digits] of Object.entries(COVERED)) {
    it(`with ${name} is read as zlib reads it`, () => {
      const raw = Buffer.from(digits.replaceAll(" ", ""), "hex");
      const read = readByNode(raw);
      if (read === undefined) assertRefused(zlibOf(raw, Buffer.alloc(0)));
      else if (read.content.length === 0) assertRefused(zlibOf(raw.subarray(0, read.taken), read.content));
      else assertInflates(zlibOf(raw.subarray(0, read.taken), read.content), read.content);
    });
  }
});

describe("random data", () => {
  /** Both read the same, or both refuse. Counts what is read. */
  function compare(raw: Uint8Array): boolean {
    const read = readByNode(raw);
    if (read === undefined || read.content.length === 0) {
      assertRefused(zlibOf(raw, read?.content ?? Buffer.alloc(0)));
      return false;
    }
    assertInflates(zlibOf(raw.subarray(0, read.taken), read.content), read.content);
    if (read.taken < raw.length) assertRefused(zlibOf(raw, read.content));
    return true;
  }

  it("is never a trap, and read only where zlib reads the same", () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (raw) => {
        if (compare(raw)) taken++;
      }),
      { seed: 12, numRuns: 20_000 },
    );
    assert.ok(taken > 20, `only ${taken} could be read at all`);
  });

  it("made from good data by a few changes is never a trap, and read only where zlib reads the same", () => {
    const change = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom("set", "flip", "cut", "insert"));
    const original = fc.tuple(
      fc.constantFrom(...Object.values(WAYS)),
      fc.uint8Array({ minLength: 1, maxLength: 400, max: 20 }),
    );
    let taken = 0;
    fc.assert(
      fc.property(
        original,
        fc.array(change, { minLength: 1, maxLength: 4 }),
        ([options, content], changes) => {
          let raw = deflateSync(content, options).subarray(2, -4);
          for (const [position, value, how] of changes) {
            const at = position % Math.max(1, raw.length);
            const [before, after] = [raw.subarray(0, at), raw.subarray(at)];
            if (how === "cut") raw = before;
            else if (how === "insert") raw = Buffer.concat([before, Buffer.of(value), after]);
            else if (how === "set") raw = Buffer.concat([before, Buffer.of(value), after.subarray(1)]);
            else
              raw = Buffer.concat([
                before,
                Buffer.of((raw[at] ?? 0) ^ (1 << (value & 7))),
                after.subarray(1),
              ]);
          }
          if (compare(raw)) taken++;
        },
      ),
      { seed: 13, numRuns: 5000 },
    );
    assert.ok(taken > 500, `only ${taken} could be read at all`);
  });
});
