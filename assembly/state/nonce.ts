// Nonces for proofs: this proxy's own, or its replicas', so that a proof which has one was made since it was given out. Nothing is kept of them: a nonce
// is the time and a keyed digest of it.  https://www.rfc-editor.org/rfc/rfc9449#section-8

import { ascii, copyTo, takeForever } from "../host/arena";
import { ONLY_WHEN_ABSENT, fillAtRandom, readShared, writeShared } from "../host/call";
import { Span, ABSENT, addressOf, byteAt, equals, lengthOf, setByte, slice, spanOf } from "../host/span";
import { hmacSha256 } from "../crypto/hmac";
import { decodeInto, encodeInto, encodedLength } from "../text/base64url";

const KEY_NAME = ascii("holdfast.nonce");
const KEY_BYTES: i32 = 32;
/** Seconds since 1970. */
const TIME_BYTES: i32 = 6;
/** Of the digest: more than anybody can guess. */
const MAC_BYTES: i32 = 18;
const NONCE_BYTES: i32 = TIME_BYTES + MAC_BYTES;
/** Seconds that a nonce is good for. */
const LIFETIME: i64 = 300;

const ownKey: Span = spanOf(takeForever(KEY_BYTES), KEY_BYTES);
let isKnown: bool = false;

const NONCE_LENGTH: i32 = encodedLength(NONCE_BYTES);
const made: Span = spanOf(takeForever(NONCE_BYTES), NONCE_BYTES);
const given: Span = spanOf(takeForever(NONCE_BYTES), NONCE_BYTES);
const text: Span = spanOf(takeForever(NONCE_LENGTH), NONCE_LENGTH);

/**
 * A nonce of now, valid until the next one is made; absent when there can be none.
 * @param sharedKey that replicas have in common; absent: this process's own
 * @param since seconds since 1970 from when on nonces count
 * @param now seconds since 1970
 */
export function makeNonce(sharedKey: Span, since: i64, now: i64): Span {
  const key = keyFor(sharedKey);
  if (key == ABSENT) return ABSENT;
  fill(made, key, max(now, since));
  encodeInto(made, text);
  return text;
}

/** True for one that was given out lately, and since this process remembers proofs for long enough. */
export function isNonce(nonce: Span, sharedKey: Span, since: i64, now: i64): bool {
  const key = keyFor(sharedKey);
  if (key == ABSENT || lengthOf(nonce) != NONCE_LENGTH || !decodeInto(nonce, given)) return false;
  const at = readTime(slice(given, 0, TIME_BYTES));
  if (at < since || at > max(now, since) || now - at >= LIFETIME) return false;
  fill(made, key, at);
  return equals(made, given);
}

function keyFor(sharedKey: Span): Span {
  if (sharedKey != ABSENT) return sharedKey;
  if (!isKnown) isKnown = agreeOnKey();
  return isKnown ? ownKey : ABSENT;
}

function fill(nonce: Span, key: Span, at: i64): void {
  writeTime(slice(nonce, 0, TIME_BYTES), at);
  copyTo(addressOf(nonce) + TIME_BYTES, slice(hmacSha256(key, slice(nonce, 0, TIME_BYTES)), 0, MAC_BYTES));
}

/** Offers a key and takes the one that was offered first. */
function agreeOnKey(): bool {
  if (fillAtRandom(ownKey)) writeShared(KEY_NAME, ownKey, ONLY_WHEN_ABSENT);
  const first = readShared(KEY_NAME);
  if (lengthOf(first) != KEY_BYTES) return false;
  copyTo(addressOf(ownKey), first);
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
