// The name of a public key: the digest of its required members, in order and without a blank.
// https://www.rfc-editor.org/rfc/rfc7638#section-3

import { ascii } from "../host/arena";
import { Span, equalsAscii } from "../host/span";
import { JsonDocument, JsonNode } from "../text/json";
import { finishDigest, startDigest, updateDigest } from "./sha256";

const E = ascii('{"e":"');
const CRV = ascii('{"crv":"');
const KTY = ascii('","kty":"');
const N = ascii('","n":"');
const X = ascii('","x":"');
const Y = ascii('","y":"');
const END = ascii('"}');

/**
 * SHA-256, 32 bytes, valid until the next digest.
 * @param key one that `readJwk` took: its values have no character that JSON escapes
 */
export function thumbprintOf(document: JsonDocument, key: JsonNode): Span {
  const type = document.stringOf(document.member(key, "kty"));
  startDigest();
  if (equalsAscii(type, "RSA")) {
    add(E, document, key, "e");
    add(KTY, document, key, "kty");
    add(N, document, key, "n");
  } else {
    add(CRV, document, key, "crv");
    add(KTY, document, key, "kty");
    add(X, document, key, "x");
    if (equalsAscii(type, "EC")) add(Y, document, key, "y");
  }
  updateDigest(END);
  return finishDigest();
}

function add(before: Span, document: JsonDocument, key: JsonNode, member: string): void {
  updateDigest(before);
  updateDigest(document.stringOf(document.member(key, member)));
}
