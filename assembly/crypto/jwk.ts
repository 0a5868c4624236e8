// A public key from a JWK, in the form that Envoy verifies with (SubjectPublicKeyInfo, DER).
// https://www.rfc-editor.org/rfc/rfc7517  https://www.rfc-editor.org/rfc/rfc7518#section-6

import { makeForever } from "../host/arena";
import { Span, ABSENT, FAILED, byteAt, charAt, equalsAscii, lengthOf } from "../host/span";
import { decodeBase64url } from "../text/base64url";
import { hexValue } from "../text/hex";
import { JsonDocument, JsonKind, JsonNode, NO_NODE } from "../text/json";
import {
  Algorithm,
  Algorithms,
  RSA_ALGORITHMS,
  algorithmNamed,
  algorithmOfCurve,
  fieldBytes,
  includes,
  keyIdentifier,
  setOf,
} from "./algorithm";
import { isEd25519Key } from "./ed25519";
import { DerWriter, Tag, elementBytes, unsignedContent } from "./der";

/** Why a JWK gives no key. */
export const enum KeyFault {
  None = 0,
  /** Private or symmetric material: whoever published it has lost it, so the whole set is refused. */
  Secret = 1,
  /** A member has the wrong type or an impossible value. */
  Malformed = 2,
  /** A good key for something else: another use, type, curve or algorithm, or RSA below 2048 bits. */
  Unusable = 3,
  /** For an algorithm that Envoy's jwt_authn verifies and this filter does not. */
  EnvoyOnly = 4,
}

/** What a key is for, as its `use` says. */
export const enum KeyUse {
  /** `sig`, or no `use` at all. */
  Signature = 0,
  /** `jwt-svid`, in a SPIFFE bundle. */
  JwtSvid = 1,
  /** `wit-svid`, in a SPIFFE bundle. */
  WitSvid = 2,
}

/** RFC 7518, section 3.3, and an upper bound for the work that a verification takes. */
const MIN_RSA_BYTES: i32 = 256;
const MAX_RSA_BYTES: i32 = 1024;

const der = makeForever<DerWriter>();

/** What `readJwk` found. The spans live until the callback ends. */
@unmanaged
export class Jwk {
  id: Span;
  algorithms: Algorithms;
  publicKey: Span;
}

/**
 * Reads one member of a JWK set's `keys` into `key`.
 * @param use what the key has to be for
 * @param isBundle whether it is in a SPIFFE bundle, where each key says its use, or in a JWKS
 */
export function readJwk(
  document: JsonDocument,
  node: JsonNode,
  use: KeyUse,
  isBundle: bool,
  key: Jwk,
): KeyFault {
  if (document.kind(node) != JsonKind.Object) return KeyFault.Malformed;
  const type = document.stringOf(document.member(node, "kty"));
  if (type == ABSENT) return KeyFault.Malformed;
  if (equalsAscii(type, "oct") || holdsSecret(document, node)) return KeyFault.Secret;
  const id = document.member(node, "kid");
  if (id != NO_NODE && document.stringOf(id) == ABSENT) return KeyFault.Malformed;
  key.id = document.stringOf(id);
  if (!isFor(document, node, isBundle ? use : KeyUse.Signature)) return KeyFault.Unusable;
  if (equalsAscii(type, "EC")) return readEc(document, node, key);
  if (equalsAscii(type, "RSA")) return readRsa(document, node, key);
  return equalsAscii(type, "OKP") ? readOkp(document, node, use, key) : KeyFault.Unusable;
}

/** RFC 8037, section 2. A JWT-SVID is never signed so: its specification lists the algorithms. */
function readOkp(document: JsonDocument, node: JsonNode, use: KeyUse, key: Jwk): KeyFault {
  const curve = document.stringOf(document.member(node, "crv"));
  if (!equalsAscii(curve, "Ed25519") || use == KeyUse.JwtSvid) return KeyFault.Unusable;
  key.algorithms = allowedBy(document, node, setOf(Algorithm.EdDSA));
  if (key.algorithms == 0) return KeyFault.Unusable;
  key.publicKey = number(document, node, "x");
  return isEd25519Key(key.publicKey) ? KeyFault.None : KeyFault.Malformed;
}

function useName(use: KeyUse): string {
  switch (use) {
    case KeyUse.JwtSvid:
      return "jwt-svid";
    case KeyUse.WitSvid:
      return "wit-svid";
    default:
      return "sig";
  }
}

function holdsSecret(document: JsonDocument, node: JsonNode): bool {
  return (
    document.member(node, "d") != NO_NODE ||
    document.member(node, "k") != NO_NODE ||
    document.member(node, "p") != NO_NODE ||
    document.member(node, "q") != NO_NODE ||
    document.member(node, "dp") != NO_NODE ||
    document.member(node, "dq") != NO_NODE ||
    document.member(node, "qi") != NO_NODE ||
    document.member(node, "oth") != NO_NODE
  );
}

function isFor(document: JsonDocument, node: JsonNode, wanted: KeyUse): bool {
  const use = document.member(node, "use");
  // Without `use` a key of a JWKS is for everything, and one of a SPIFFE bundle for nothing.
  if (use == NO_NODE && wanted != KeyUse.Signature) return false;
  if (use != NO_NODE && !equalsAscii(document.stringOf(use), useName(wanted))) return false;
  const operations = document.member(node, "key_ops");
  if (operations == NO_NODE) return true;
  for (let n = document.firstIn(operations); n != NO_NODE; n = document.nextIn(operations, n)) {
    if (equalsAscii(document.stringOf(n), "verify")) return true;
  }
  return false;
}

/** The algorithms that the key's own `alg` leaves of `possible`: all of them when it has none. */
function allowedBy(document: JsonDocument, node: JsonNode, possible: Algorithms): Algorithms {
  const alg = document.member(node, "alg");
  if (alg == NO_NODE) return possible;
  const named = algorithmNamed(document.stringOf(alg));
  return includes(possible, named) ? setOf(named) : 0;
}

function readEc(document: JsonDocument, node: JsonNode, key: Jwk): KeyFault {
  const curve = document.stringOf(document.member(node, "crv"));
  const algorithm = algorithmOfCurve(curve);
  if (algorithm == Algorithm.None) return KeyFault.Unusable;
  key.algorithms = allowedBy(document, node, setOf(algorithm));
  if (key.algorithms == 0) return KeyFault.Unusable;
  const size = fieldBytes(algorithm);
  const x = number(document, node, "x");
  const y = number(document, node, "y");
  if (lengthOf(x) != size || lengthOf(y) != size) return KeyFault.Malformed;
  const identifier = keyIdentifier(algorithm);
  const point = 2 + 2 * size; // no unused bits, uncompressed
  const content = identifier.length / 2 + elementBytes(point);
  der.start(elementBytes(content));
  der.header(Tag.Sequence, content);
  writeHexLiteral(identifier);
  der.header(Tag.BitString, point);
  der.byte(0);
  der.byte(4);
  der.bytes(x);
  der.bytes(y);
  key.publicKey = der.finish();
  return key.publicKey == ABSENT ? KeyFault.Malformed : KeyFault.None;
}

function readRsa(document: JsonDocument, node: JsonNode, key: Jwk): KeyFault {
  const alg = algorithmNamed(document.stringOf(document.member(node, "alg")));
  if (alg == Algorithm.EnvoyOnly) return KeyFault.EnvoyOnly;
  key.algorithms = allowedBy(document, node, RSA_ALGORITHMS);
  if (key.algorithms == 0) return KeyFault.Unusable;
  const n = number(document, node, "n");
  const e = number(document, node, "e");
  if (lengthOf(n) == 0 || !isRsaExponent(e) || byteAt(n, 0) == 0) return KeyFault.Malformed;
  if (lengthOf(n) > MAX_RSA_BYTES || lengthOf(n) < MIN_RSA_BYTES || byteAt(n, 0) < 0x80)
    return KeyFault.Unusable;
  const identifier = keyIdentifier(Algorithm.RS256);
  const pair = elementBytes(unsignedContent(n)) + elementBytes(unsignedContent(e));
  const bits = 1 + elementBytes(pair);
  const content = identifier.length / 2 + elementBytes(bits);
  der.start(elementBytes(content));
  der.header(Tag.Sequence, content);
  writeHexLiteral(identifier);
  der.header(Tag.BitString, bits);
  der.byte(0);
  der.header(Tag.Sequence, pair);
  der.unsigned(n);
  der.unsigned(e);
  key.publicKey = der.finish();
  return key.publicKey == ABSENT ? KeyFault.Malformed : KeyFault.None;
}

/** Odd, above 1, and at most 4 bytes, as BoringSSL demands (33 bits). */
function isRsaExponent(e: Span): bool {
  const length = lengthOf(e);
  if (length < 1 || length > 4 || byteAt(e, 0) == 0) return false;
  return (byteAt(e, length - 1) & 1) == 1 && !(length == 1 && byteAt(e, 0) == 1);
}

function number(document: JsonDocument, node: JsonNode, name: string): Span {
  const bytes = decodeBase64url(document.stringOf(document.member(node, name)));
  return bytes == FAILED ? ABSENT : bytes;
}

function writeHexLiteral(literal: string): void {
  for (let i = 0; i < literal.length; i += 2) {
    der.byte((hexValue(charAt(literal, i)) << 4) | hexValue(charAt(literal, i + 1)));
  }
}
