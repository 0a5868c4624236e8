// A hash by which all workers find the same place in shared data, and which nobody outside can foretell: nobody chooses whose
// neighbour he is. Its key is made by whichever VM of the process needs it first.

import { ascii, copyTo, takeForever } from "../host/arena";
import { ONLY_WHEN_ABSENT, fillAtRandom, readShared, writeShared } from "../host/call";
import { Span, ABSENT, addressOf, lengthOf, spanOf } from "../host/span";
import { finishDigest, startDigest, updateDigest } from "../crypto/sha256";

const KEY_BYTES: i32 = 8;
const KEY_NAME = ascii("holdfast.key");

const key: Span = spanOf(takeForever(KEY_BYTES), KEY_BYTES);
let isKnown: bool = false;

/** SHA-256 of the process's key and these bytes, valid until the next digest is made; absent while no key can be had. */
export function sharedHash(bytes: Span): Span {
  return sharedHashOf(bytes, ABSENT);
}

/** As `sharedHash`, of two parts; the first has always the same length, so that they cannot be read in two ways. */
export function sharedHashOf(first: Span, second: Span): Span {
  if (!isKnown) isKnown = agreeOnKey();
  if (!isKnown) return ABSENT;
  startDigest();
  updateDigest(key);
  updateDigest(first);
  updateDigest(second);
  return finishDigest();
}

/** Offers a key and takes the one that was offered first. */
function agreeOnKey(): bool {
  if (fillAtRandom(key)) writeShared(KEY_NAME, key, ONLY_WHEN_ABSENT);
  const first = readShared(KEY_NAME);
  // Anybody who shares this `vm_id` may have written something else there.
  if (lengthOf(first) != KEY_BYTES) return false;
  copyTo(addressOf(key), first);
  return true;
}
