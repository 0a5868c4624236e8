import { copyTo, takeForever } from "../../assembly/host/arena";
import { Span, ABSENT, addressOf, lengthOf, setByte, spanOf } from "../../assembly/host/span";
import { hexValue } from "../../assembly/text/hex";

/** Bytes of a text, in memory of their own. */
export function utf8(text: string): Span {
  const encoded = Uint8Array.wrap(String.UTF8.encode(text));
  if (encoded.length == 0) return ABSENT;
  return copyTo(takeForever(encoded.length), spanOf(encoded.dataStart, encoded.length));
}

/** Bytes written as hex, in memory of their own. */
export function fromHex(digits: string): Span {
  const bytes = spanOf(takeForever(digits.length / 2), digits.length / 2);
  for (let i = 0; i < lengthOf(bytes); i++) {
    setByte(bytes, i, (hexValue(digits.charCodeAt(2 * i)) << 4) | hexValue(digits.charCodeAt(2 * i + 1)));
  }
  return bytes;
}

/** The text that these bytes are. */
export function text(span: Span): string {
  return String.UTF8.decodeUnsafe(addressOf(span), lengthOf(span));
}

/** Lowercase hex of these bytes. */
export function hex(span: Span): string {
  let result = "";
  for (let i = 0; i < lengthOf(span); i++) {
    result += load<u8>(addressOf(span) + i)
      .toString(16)
      .padStart(2, "0");
  }
  return result;
}
