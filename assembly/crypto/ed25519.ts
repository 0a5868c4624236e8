// Ed25519, which Envoy's `verify_signature` does not do, by wasm-crypto.  https://www.rfc-editor.org/rfc/rfc8032#section-5.1.7

import { faEdPointValidate, signEdVerify } from "wasm-crypto/assembly/crypto";
import { copyTo } from "../host/arena";
import { Span, byteAt, lengthOf, sliceFrom } from "../host/span";

const POINT_BYTES: i32 = 32;
export const ED25519_SIGNATURE_BYTES: i32 = 64;

/** @param publicKey 32 bytes, as in a JWK's `x` */
export function verifyEd25519(publicKey: Span, signature: Span, text: Span): bool {
  if (lengthOf(publicKey) != POINT_BYTES || lengthOf(signature) != ED25519_SIGNATURE_BYTES) return false;
  if (isNoPoint(signature)) return false;
  const isValid = signEdVerify(arrayOf(signature), messageOf(text), arrayOf(publicKey));
  // The library allocates; nothing that it left is in use any more.
  __collect();
  return isValid;
}

/**
 * R with x = 0 and the sign bit of x set, which wasm-crypto takes: y is 1 or -1.  RFC 8032, section 5.1.3, step 4
 */
function isNoPoint(signature: Span): bool {
  const first = byteAt(signature, 0);
  const last = byteAt(signature, POINT_BYTES - 1);
  const middle = first == 0x01 ? 0x00 : 0xff;
  const mayBe = (first == 0x01 && last == 0x80) || (first == 0xec && last == 0xff);
  for (let i = 1; mayBe && i < POINT_BYTES - 1; i++) {
    if (byteAt(signature, i) != middle) return false;
  }
  return mayBe;
}

/**
 * True for what the library takes for a point of the main subgroup. Some encodings of points of small order pass; signatures by them
 * are refused one by one.
 */
export function isEd25519Key(publicKey: Span): bool {
  if (lengthOf(publicKey) != POINT_BYTES) return false;
  const isPoint = faEdPointValidate(arrayOf(publicKey));
  __collect();
  return isPoint;
}

/** What of a message goes into SHA-512's first block, after half a signature and a key. */
const FIRST_BLOCK: i32 = 64;

/**
 * The message as a view that is also right where wasm-crypto 0.0.12 is wrong: it reads all blocks but the first from the start of
 * the underlying buffer, without the offset of the view that it has made of the rest. So the rest stands there, and the
 * whole message after it, where the view is.
 */
function messageOf(text: Span): Uint8Array {
  const rest = sliceFrom(text, FIRST_BLOCK);
  const buffer = arrayOf(rest, lengthOf(rest) + lengthOf(text)).buffer;
  copyTo(changetype<usize>(buffer) + lengthOf(rest), text);
  return Uint8Array.wrap(buffer, lengthOf(rest), lengthOf(text));
}

function arrayOf(bytes: Span, size: i32 = lengthOf(bytes)): Uint8Array {
  // eslint-disable-next-line no-restricted-syntax -- the library takes managed arrays, which are collected right after
  const array = new Uint8Array(size);
  copyTo(array.dataStart, bytes);
  return array;
}
