// HMAC-SHA-256.  https://www.rfc-editor.org/rfc/rfc2104#section-2

import { copyTo, takeForever } from "../host/arena";
import { Span, byteAt, lengthOf, setByte, spanOf } from "../host/span";
import { DIGEST_BYTES, finishDigest, startDigest, updateDigest } from "./sha256";

const BLOCK: i32 = 64;
const INNER: i32 = 0x36;
const OUTER: i32 = 0x5c;

const pad: Span = spanOf(takeForever(BLOCK), BLOCK);
const innerDigest: usize = takeForever(DIGEST_BYTES);

/** 32 bytes, valid until the next digest. @param key of at most 64 bytes */
export function hmacSha256(key: Span, text: Span): Span {
  startWith(key, INNER);
  updateDigest(text);
  const inner = copyTo(innerDigest, finishDigest());
  startWith(key, OUTER);
  updateDigest(inner);
  return finishDigest();
}

function startWith(key: Span, filling: i32): void {
  for (let i = 0; i < BLOCK; i++) setByte(pad, i, (i < lengthOf(key) ? byteAt(key, i) : 0) ^ filling);
  startDigest();
  updateDigest(pad);
}
