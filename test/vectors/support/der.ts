/** Bytes of a coordinate, and so of r and of s. */
const SIZES: Readonly<Record<string, number>> = { ES256: 32, ES384: 48, ES512: 66 };

/**
 * The r and s of an ECDSA signature in DER, side by side as a JWS has them. Undefined for what is no strict DER of two
 * positive numbers of the curve's size.
 */
export function rawSignature(der: Buffer, algorithm: string): Buffer | undefined {
  const size = SIZES[algorithm] ?? 0;
  const sequence = element(der, 0x30);
  if (sequence?.rest.length !== 0) return undefined;
  const r = element(sequence.content, 0x02);
  const s = r && element(r.rest, 0x02);
  if (s?.rest.length !== 0) return undefined;
  const halves = [r?.content, s.content].map((number) => number && unsigned(number, size));
  return halves.includes(undefined) ? undefined : Buffer.concat(halves as Buffer[]);
}

interface Element {
  readonly content: Buffer;
  readonly rest: Buffer;
}

/** The first element of `bytes`; its length is below 256 and written as short as can be. */
function element(bytes: Buffer, tag: number): Element | undefined {
  const first = bytes[1] ?? 0;
  const isLong = first === 0x81;
  const length = isLong ? (bytes[2] ?? 0) : first;
  const start = isLong ? 3 : 2;
  if (bytes[0] !== tag || length >= 0x80 !== isLong || bytes.length < start + length) return undefined;
  return { content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}

function unsigned(content: Buffer, size: number): Buffer | undefined {
  const [first = 0x80, second = 0] = content;
  const isMinimal = first !== 0 || content.length === 1 || second >= 0x80;
  const magnitude = first === 0 ? content.subarray(1) : content;
  if (first >= 0x80 || !isMinimal || magnitude.length > size) return undefined;
  return Buffer.concat([Buffer.alloc(size - magnitude.length), magnitude]);
}
