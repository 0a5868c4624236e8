// Base64 with padding, as HTTP's Basic scheme and PEM have it.  https://www.rfc-editor.org/rfc/rfc4648#section-4

import { ascii } from "../host/arena";
import { ByteMap, makeByteMap, mapped, setMapped } from "../host/byte_map";
import { Span, byteAt, lengthOf, setByte, slice } from "../host/span";
import { Char } from "./ascii";

const ALPHABET = ascii("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

/** Characters that `length` bytes are encoded in. */
export function base64Length(length: i32): i32 {
  return ((length + 2) / 3) * 4;
}

/** Writes `bytes` into `into` from `at` on, as far as there is room. */
export function encodeBase64(bytes: Span, into: Span, at: i32): void {
  for (let i = 0; i < lengthOf(bytes); i += 3) {
    const second = byteAt(bytes, i + 1);
    const third = byteAt(bytes, i + 2);
    const bits = (byteAt(bytes, i) << 16) | (max(second, 0) << 8) | max(third, 0);
    setByte(into, at++, byteAt(ALPHABET, bits >> 18));
    setByte(into, at++, byteAt(ALPHABET, (bits >> 12) & 63));
    setByte(into, at++, second < 0 ? Char.Equals : byteAt(ALPHABET, (bits >> 6) & 63));
    setByte(into, at++, third < 0 ? Char.Equals : byteAt(ALPHABET, bits & 63));
  }
}

/**
 * Decodes text that has its padding, no line breaks and no bits set that stand for nothing, so that each value has one spelling.
 * @returns bytes written from the start of `into`; -1 when the text is anything else, or more than fits
 */
export function decodeBase64(text: Span, into: Span): i32 {
  const characters = lengthOf(text);
  if ((characters & 3) != 0) return -1;
  const padding = paddingOf(text);
  const length = (characters >> 2) * 3 - padding;
  if (length > lengthOf(into)) return -1;
  const target = slice(into, 0, length);
  let at = 0;
  for (let i = 0; i < characters; i += 4) {
    const bits = fourCharacters(text, i, i + 4 == characters ? padding : 0);
    if (bits < 0) return -1;
    setByte(target, at++, bits >> 16);
    setByte(target, at++, (bits >> 8) & 0xff);
    setByte(target, at++, bits & 0xff);
  }
  return length;
}

/** How many `=` end the text, of which there are two at most: one more is no character of the alphabet. */
function paddingOf(text: Span): i32 {
  const last = lengthOf(text) - 1;
  if (byteAt(text, last) != Char.Equals) return 0;
  return byteAt(text, last - 1) == Char.Equals ? 2 : 1;
}

/** 24 bits, of which the padding and what belongs to no whole byte is zero; or -1. */
function fourCharacters(text: Span, at: i32, padding: i32): i32 {
  let bits = 0;
  for (let i = 0; i < 4; i++) {
    const six = i < 4 - padding ? mapped(VALUES, byteAt(text, at + i)) : 0;
    if (six == NO_CHARACTER) return -1;
    bits = (bits << 6) | six;
  }
  const unused = (1 << (8 * padding)) - 1;
  return (bits & unused) == 0 ? bits : -1;
}

const NO_CHARACTER: u8 = 0xff;
const VALUES = makeValues();

function makeValues(): ByteMap {
  const values = makeByteMap(NO_CHARACTER);
  for (let i = 0; i < lengthOf(ALPHABET); i++) setMapped(values, byteAt(ALPHABET, i), <u8>i);
  return values;
}
