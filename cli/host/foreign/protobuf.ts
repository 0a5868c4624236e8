// As much of the protobuf wire format as the arguments of a foreign function need.
// https://protobuf.dev/programming-guides/encoding/

const WireType = { Varint: 0, Fixed64: 1, Bytes: 2, StartGroup: 3, EndGroup: 4, Fixed32: 5 } as const;

const MAX_VARINT_BYTES = 10;
const MAX_TAG = 2 ** 32;
const MAX_GROUP_DEPTH = 100;

/**
 * The length-delimited fields of a message by field number, the last of each. Other fields are skipped, as unknown
 * ones are. Returns undefined for what is no message.
 */
export function readBytesFields(message: Buffer): ReadonlyMap<number, Buffer> | undefined {
  const reader = new WireReader(message);
  const fields = new Map<number, Buffer>();
  while (!reader.atEnd) {
    const tag = reader.tag();
    if (tag === undefined) return undefined;
    if (tag.type !== WireType.Bytes) {
      if (!reader.skip(tag, 0)) return undefined;
      continue;
    }
    const value = reader.bytes();
    if (value === undefined) return undefined;
    fields.set(tag.field, value);
  }
  return fields;
}

/** One length-delimited field with a number below 16. */
export function writeBytesField(field: number, value: Buffer): Buffer {
  const head = [(field << 3) | WireType.Bytes];
  let rest = value.length;
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  head.push(rest);
  return Buffer.concat([Buffer.from(head), value]);
}

interface Tag {
  readonly field: number;
  readonly type: number;
}

class WireReader {
  readonly #bytes: Buffer;
  #place = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#place === this.#bytes.length;
  }

  tag(): Tag | undefined {
    const tag = this.varint();
    if (tag === undefined || tag >= MAX_TAG || tag < 8) return undefined;
    return { field: Math.floor(tag / 8), type: tag % 8 };
  }

  /** Exact up to 2^53, which is more than any length or tag can be. */
  varint(): number | undefined {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#bytes[this.#place++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    return undefined;
  }

  bytes(): Buffer | undefined {
    const length = this.varint();
    return length === undefined ? undefined : this.#take(length);
  }

  skip({ field, type }: Tag, depth: number): boolean {
    switch (type) {
      case WireType.Varint:
        return this.varint() !== undefined;
      case WireType.Fixed64:
        return this.#take(8) !== undefined;
      case WireType.Bytes:
        return this.bytes() !== undefined;
      case WireType.Fixed32:
        return this.#take(4) !== undefined;
      case WireType.StartGroup:
        return depth < MAX_GROUP_DEPTH && this.#skipGroup(field, depth);
      default:
        return false;
    }
  }

  #skipGroup(field: number, depth: number): boolean {
    for (let tag = this.tag(); tag !== undefined; tag = this.tag()) {
      if (tag.type === WireType.EndGroup) return tag.field === field;
      if (!this.skip(tag, depth + 1)) return false;
    }
    return false;
  }

  #take(length: number): Buffer | undefined {
    if (length > this.#bytes.length - this.#place) return undefined;
    return this.#bytes.subarray(this.#place, (this.#place += length));
  }
}
