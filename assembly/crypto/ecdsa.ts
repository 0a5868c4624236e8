// JOSE writes an ECDSA signature as r and s side by side, Envoy wants a DER SEQUENCE of two INTEGERs.
// https://www.rfc-editor.org/rfc/rfc7518#section-3.4

import { makeForever } from "../host/arena";
import { Span, ABSENT, byteAt, charAt, lengthOf, slice } from "../host/span";
import { hexValue } from "../text/hex";
import { Algorithm, curveOrder, fieldBytes } from "./algorithm";
import { DerWriter, Tag, elementBytes, unsignedContent } from "./der";

const der = makeForever<DerWriter>();

/**
 * The signature in DER, in memory that lives until the callback ends. Absent unless it is exactly two numbers of the
 * curve's size with 0 < r, s < n: a zero would make any message pass in a careless verifier.
 */
export function signatureToDer(algorithm: Algorithm, signature: Span): Span {
  const half = fieldBytes(algorithm);
  if (half == 0 || lengthOf(signature) != 2 * half) return ABSENT;
  const r = slice(signature, 0, half);
  const s = slice(signature, half, 2 * half);
  if (!isBelowOrder(algorithm, r) || !isBelowOrder(algorithm, s)) return ABSENT;
  const content = elementBytes(unsignedContent(r)) + elementBytes(unsignedContent(s));
  der.start(elementBytes(content));
  der.header(Tag.Sequence, content);
  der.unsigned(r);
  der.unsigned(s);
  return der.finish();
}

function isBelowOrder(algorithm: Algorithm, number: Span): bool {
  const order = curveOrder(algorithm);
  let nonZero = false;
  let below = false;
  for (let i = 0; i < lengthOf(number); i++) {
    const byte = byteAt(number, i);
    if (byte != 0) nonZero = true;
    if (below) continue;
    const bound = (hexValue(charAt(order, 2 * i)) << 4) | hexValue(charAt(order, 2 * i + 1));
    if (byte > bound) return false;
    below = byte < bound;
  }
  return nonZero && below;
}
