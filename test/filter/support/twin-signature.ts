// Of an ECDSA signature (r, s) there is always another, (r, n - s), which whoever has a token can write.

/** The order of P-256's base point.  https://www.secg.org/sec2-v2.pdf, section 2.4.2 */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const SCALAR_BYTES = 32;

/** The same ES256 token with the other signature. */
export function twinOf(compact: string): string {
  const at = compact.lastIndexOf(".") + 1;
  const signature = Buffer.from(compact.slice(at), "base64url");
  const s = BigInt(`0x${signature.subarray(SCALAR_BYTES).toString("hex")}`);
  const other = (N - s).toString(16).padStart(2 * SCALAR_BYTES, "0");
  signature.write(other, SCALAR_BYTES, "hex");
  return compact.slice(0, at) + signature.toString("base64url");
}
