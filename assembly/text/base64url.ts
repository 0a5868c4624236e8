// base64url as JOSE uses it: no padding, no white space, and the unused bits of the last character zero, so that each
// value has one spelling.  https://www.rfc-editor.org/rfc/rfc7515#section-2

import { ascii, takeSpan } from "../host/arena";
import { ByteMap, makeByteMap, mapped, setMapped } from "../host/byte_map";
import { Span, ABSENT, FAILED, byteAt, lengthOf, setByte } from "../host/span";
import { Char } from "./ascii";

/** Bytes that `characters` of base64url stand for, or -1 when no value has that many. */
function decodedLength(characters: i32): i32 {
  const rest = characters & 3;
  if (characters < 0 || rest == 1) return -1;
  return (characters >> 2) * 3 + (rest == 0 ? 0 : rest - 1);
}

/** The decoded bytes, in memory that lives until the callback ends; FAILED when the text is not strict base64url. */
export function decodeBase64url(text: Span): Span {
  const length = decodedLength(lengthOf(text));
  if (length < 0) return FAILED;
  if (length == 0) return ABSENT;
  const target = takeSpan(length);
  return decodeInto(text, target) ? target : FAILED;
}

/** Decodes into `target`, which has to be exactly as long as the value. */
export function decodeInto(text: Span, target: Span): bool {
  const characters = lengthOf(text);
  const length = decodedLength(characters);
  if (length < 0 || lengthOf(target) != length) return false;
  const tail = characters & 3;
  let written = 0;
  for (let i = 0; i < characters - tail; i += 4) {
    const first = mapped(ALPHABET, byteAt(text, i));
    const second = mapped(ALPHABET, byteAt(text, i + 1));
    const third = mapped(ALPHABET, byteAt(text, i + 2));
    const fourth = mapped(ALPHABET, byteAt(text, i + 3));
    if ((first | second | third | fourth) > MAX_SIX_BITS) return false;
    const bits = (first << 18) | (second << 12) | (third << 6) | fourth;
    setByte(target, written, bits >> 16);
    setByte(target, written + 1, (bits >> 8) & 0xff);
    setByte(target, written + 2, bits & 0xff);
    written += 3;
  }
  return tail == 0 || decodeTail(text, characters - tail, tail, target, written);
}

/** The last two or three characters: one or two bytes, and two or four bits that have to be zero. */
function decodeTail(text: Span, from: i32, count: i32, target: Span, at: i32): bool {
  const first = sixBits(text, from);
  const second = sixBits(text, from + 1);
  const third = count == 3 ? sixBits(text, from + 2) : 0;
  if ((first | second | third) > MAX_SIX_BITS) return false;
  const bits = (first << 12) | (second << 6) | third;
  const unused = count == 3 ? 2 : 10;
  if ((bits & ((1 << unused) - 1)) != 0) return false;
  setByte(target, at, bits >> 10);
  if (count == 3) setByte(target, at + 1, (bits >> 2) & 0xff);
  return true;
}

function sixBits(text: Span, at: i32): i32 {
  return mapped(ALPHABET, byteAt(text, at));
}

const MAX_SIX_BITS: i32 = 63;
/** What is no character of the alphabet has a bit above the six. */
const NO_CHARACTER: u8 = 0xff;
const ALPHABET = makeAlphabet();

function makeAlphabet(): ByteMap {
  const alphabet = makeByteMap(NO_CHARACTER);
  for (let i = 0; i < 26; i++) {
    setMapped(alphabet, Char.UpperA + i, <u8>i);
    setMapped(alphabet, Char.LowerA + i, <u8>(26 + i));
  }
  for (let i = 0; i < 10; i++) setMapped(alphabet, Char.Zero + i, <u8>(52 + i));
  setMapped(alphabet, Char.Dash, 62);
  setMapped(alphabet, Char.Underscore, 63);
  return alphabet;
}

const LETTERS = ascii("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

/** Characters that so many bytes take. */
export function encodedLength(bytes: i32): i32 {
  return (bytes / 3) * 4 + (bytes % 3 == 0 ? 0 : (bytes % 3) + 1);
}

/** Encodes into `target`, which has to be exactly as long as the result. */
export function encodeInto(bytes: Span, target: Span): void {
  let written = 0;
  for (let i = 0; i < lengthOf(bytes); i += 3) {
    const bits = (byteOrZero(bytes, i) << 16) | (byteOrZero(bytes, i + 1) << 8) | byteOrZero(bytes, i + 2);
    // What is past the end of the target is not written.
    for (let shift = 18; shift >= 0; shift -= 6)
      setByte(target, written++, byteAt(LETTERS, (bits >> shift) & MAX_SIX_BITS));
  }
}

function byteOrZero(bytes: Span, index: i32): i32 {
  return index < lengthOf(bytes) ? byteAt(bytes, index) : 0;
}
