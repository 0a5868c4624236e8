// Nonces for proofs: this proxy's own, so that a proof which has one was made since it was given out. Nothing is kept of them: a nonce
// is the time and a keyed digest of it.  https://www.rfc-editor.org/rfc/rfc9449#section-8

import { ascii, copyTo, takeForever } from "../host/arena";
import { ONLY_WHEN_ABSENT, fillAtRandom, readShared, writeShared } from "../host/call";
import { Span, ABSENT, addressOf, byteAt, equals, lengthOf, setByte, slice, spanOf } from "../host/span";
import { hmacSha256 } from "../crypto/hmac";
import { decodeInto, encodeInto, encodedLength } from "../text/base64url";
import { noncesSince } from "./proof_window";

const KEY_NAME = ascii("holdfast.nonce");
const KEY_BYTES: i32 = 32;
/** Seconds since 1970. */
const TIME_BYTES: i32 = 6;
/** Of the digest: more than anybody can guess. */
const MAC_BYTES: i32 = 18;
const NONCE_BYTES: i32 = TIME_BYTES + MAC_BYTES;
/** Seconds that a nonce is good for. */
const LIFETIME: i64 = 300;

const key: Span = spanOf(takeForever(KEY_BYTES), KEY_BYTES);
let isKnown: bool = false;

const NONCE_LENGTH: i32 = encodedLength(NONCE_BYTES);
const made: Span = spanOf(takeForever(NONCE_BYTES), NONCE_BYTES);
const given: Span = spanOf(takeForever(NONCE_BYTES), NONCE_BYTES);
const text: Span = spanOf(takeForever(NONCE_LENGTH), NONCE_LENGTH);

/** A nonce of now, valid until the next one is made; absent when there can be none. @param now seconds since 1970 */
export function makeNonce(now: i64): Span {
  if (!isKnown) isKnown = agreeOnKey();
  if (!isKnown) return ABSENT;
  fill(made, max(now, noncesSince()));
  encodeInto(made, text);
  return text;
}

/** True for one that this process has given out lately, and since it remembers proofs for long enough. */
export function isNonce(nonce: Span, now: i64): bool {
  if (!isKnown) isKnown = agreeOnKey();
  if (!isKnown || lengthOf(nonce) != NONCE_LENGTH || !decodeInto(nonce, given)) return false;
  const at = readTime(slice(given, 0, TIME_BYTES));
  if (at < noncesSince() || at > max(now, noncesSince()) || now - at >= LIFETIME) return false;
  fill(made, at);
  return equals(made, given);
}

function fill(nonce: Span, at: i64): void {
  writeTime(slice(nonce, 0, TIME_BYTES), at);
  copyTo(addressOf(nonce) + TIME_BYTES, slice(hmacSha256(key, slice(nonce, 0, TIME_BYTES)), 0, MAC_BYTES));
}

/** Offers a key and takes the one that was offered first. */
function agreeOnKey(): bool {
  if (fillAtRandom(key)) writeShared(KEY_NAME, key, ONLY_WHEN_ABSENT);
  const first = readShared(KEY_NAME);
  if (lengthOf(first) != KEY_BYTES) return false;
  copyTo(addressOf(key), first);
  return true;
}

function writeTime(into: Span, seconds: i64): void {
  for (let i = 0; i < TIME_BYTES; i++)
    setByte(into, i, (<i32>(seconds >> (8 * (TIME_BYTES - 1 - i)))) & 0xff);
}

function readTime(from: Span): i64 {
  let seconds: i64 = 0;
  for (let i = 0; i < TIME_BYTES; i++) seconds = (seconds << 8) | byteAt(from, i);
  return seconds;
}
