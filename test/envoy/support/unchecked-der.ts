const TAG_INTEGER = 0x02;
const TAG_SEQUENCE = 0x30;

/**
 * An ECDSA signature of r and s side by side in DER, as somebody would write it who checks neither their size nor their
 * range: whatever there is, is cut in two.
 */
export function uncheckedDer(signature: Buffer): Buffer {
  const half = signature.length >> 1;
  const numbers = [signature.subarray(0, half), signature.subarray(half)].map((number) =>
    element(TAG_INTEGER, positive(number)),
  );
  return element(TAG_SEQUENCE, Buffer.concat(numbers));
}

/** The content of an INTEGER: no needless zeros, and one where the number would be negative without. */
function positive(number: Buffer): Buffer {
  const start = number.findIndex((byte) => byte !== 0);
  const magnitude = start < 0 ? Buffer.alloc(0) : number.subarray(start);
  return (magnitude[0] ?? 0x80) < 0x80 ? magnitude : Buffer.concat([Buffer.of(0), magnitude]);
}

/** @param content below 64 KiB */
function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
}
