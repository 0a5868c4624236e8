/** A SubjectPublicKeyInfo whose uncompressed point is not on its curve: the last bit of `y` is another. */
export function offCurve(spki: Uint8Array): Buffer {
  const key = Buffer.from(spki);
  key.writeUInt8(key.readUInt8(key.length - 1) ^ 1, key.length - 1);
  return key;
}
