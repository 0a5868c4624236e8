// Asks Envoy's `verify_signature` whether a signature holds; for Ed25519, which it does not know, a library. The native library does the arithmetic; what it leaves open
// (which hash for which key, the range of an ECDSA signature) is settled before it is asked.
// https://github.com/envoyproxy/envoy/blob/main/source/extensions/common/wasm/ext/verify_signature.proto

import { ascii, copyTo, takeSpan } from "../host/arena";
import { callForeign } from "../host/call";
import {
  Span,
  ABSENT,
  FAILED,
  addressOf,
  byteAt,
  charAt,
  lengthOf,
  setByte,
  slice,
  sliceFrom,
  startsWith,
} from "../host/span";
import { Algorithm, fieldBytes, hashOf } from "./algorithm";
import { signatureToDer } from "./ecdsa";
import { ED25519_SIGNATURE_BYTES, verifyEd25519 } from "./ed25519";

/** Zero is the answer nobody may rely on. */
export const enum SignatureCheck {
  /** The host could not be asked, or gave no answer. */
  Unknown = 0,
  /** Of the wrong length or out of the curve's range: not asked. */
  Malformed = 1,
  Invalid = 2,
  Valid = 3,
}

const VERIFY_SIGNATURE = ascii("verify_signature");

/** Protobuf field numbers, already joined with the wire type for bytes. */
const FIELD_HASH: i32 = (1 << 3) | 2;
const FIELD_PUBLIC_KEY: i32 = (2 << 3) | 2;
const FIELD_SIGNATURE: i32 = (3 << 3) | 2;
const FIELD_TEXT: i32 = (4 << 3) | 2;
/** Of the answer. */
const FIELD_ERROR: i32 = (2 << 3) | 2;
/** What Envoy 1.37 and 1.40 say of a key, and never of a signature. */
const UNREADABLE = ascii("Failed to initialize");
/** A tag and a length below 2^21. */
const FIELD_OVERHEAD: i32 = 4;

let message: Span = ABSENT;
let written: i32 = 0;

/** @param publicKey SubjectPublicKeyInfo in DER; for EdDSA the 32 bytes of the key */
export function checkSignature(
  algorithm: Algorithm,
  publicKey: Span,
  signature: Span,
  text: Span,
): SignatureCheck {
  if (algorithm == Algorithm.EdDSA) return checkEd25519(publicKey, signature, text);
  const native = fieldBytes(algorithm) > 0 ? signatureToDer(algorithm, signature) : signature;
  if (lengthOf(native) == 0) return SignatureCheck.Malformed;
  return answer(ask(hashOf(algorithm), publicKey, native, text));
}

function checkEd25519(publicKey: Span, signature: Span, text: Span): SignatureCheck {
  if (lengthOf(signature) != ED25519_SIGNATURE_BYTES) return SignatureCheck.Malformed;
  return verifyEd25519(publicKey, signature, text) ? SignatureCheck.Valid : SignatureCheck.Invalid;
}

/**
 * True when the native library says that it cannot read the key, as it does of a point that is not on its curve. Asked once, when
 * the key is loaded: a key that passes and is no good after all verifies nothing.
 * @param publicKey SubjectPublicKeyInfo in DER
 */
export function isUnreadableKey(publicKey: Span): bool {
  const answer = ask(hashOf(Algorithm.ES256), publicKey, ABSENT, ABSENT);
  const error = byteAt(answer, 0) == FIELD_ERROR ? sliceFrom(answer, 2) : ABSENT;
  return startsWith(error, UNREADABLE);
}

function ask(hash: string, publicKey: Span, signature: Span, text: Span): Span {
  const size = hash.length + lengthOf(publicKey) + lengthOf(signature) + lengthOf(text) + 4 * FIELD_OVERHEAD;
  message = takeSpan(size);
  if (message == ABSENT) return FAILED;
  written = 0;
  writeField(FIELD_HASH, hash.length);
  for (let i = 0; i < hash.length; i++) setByte(message, written++, charAt(hash, i));
  writeBytesField(FIELD_PUBLIC_KEY, publicKey);
  writeBytesField(FIELD_SIGNATURE, signature);
  writeBytesField(FIELD_TEXT, text);
  return callForeign(VERIFY_SIGNATURE, slice(message, 0, written));
}

/** Valid is exactly `result: true` and nothing else. */
function answer(result: Span): SignatureCheck {
  if (lengthOf(result) == 0) return SignatureCheck.Unknown;
  const isTrue = lengthOf(result) == 2 && byteAt(result, 0) == 0x08 && byteAt(result, 1) == 0x01;
  return isTrue ? SignatureCheck.Valid : SignatureCheck.Invalid;
}

function writeBytesField(tag: i32, bytes: Span): void {
  writeField(tag, lengthOf(bytes));
  copyTo(addressOf(message) + written, bytes);
  written += lengthOf(bytes);
}

function writeField(tag: i32, length: i32): void {
  setByte(message, written++, tag);
  for (; length >= 0x80; length >>= 7) setByte(message, written++, (length & 0x7f) | 0x80);
  setByte(message, written++, length);
}
