// The one table of signature algorithms. Nothing else in the filter lists them.
// https://www.rfc-editor.org/rfc/rfc7518#section-3.1

import { Span, equalsAscii } from "../host/span";

export const enum Algorithm {
  /** No signature that anybody here verifies. */
  None = 0,
  RS256 = 1,
  RS384 = 2,
  RS512 = 3,
  ES256 = 4,
  ES384 = 5,
  ES512 = 6,
  EdDSA = 7,
  /**
   * A public-key signature that Envoy's jwt_authn verifies and this filter does not. HMAC is none of these by choice: whoever
   * can check such a token can also make one.
   */
  EnvoyOnly = 8,
}

/** A set of algorithms, one bit each. */
export type Algorithms = u32;

/** An RSA key without an `alg` may be used with each of these. */
export const RSA_ALGORITHMS: Algorithms =
  (1 << Algorithm.RS256) | (1 << Algorithm.RS384) | (1 << Algorithm.RS512);

export function algorithmNamed(name: Span): Algorithm {
  if (equalsAscii(name, "ES256")) return Algorithm.ES256;
  if (equalsAscii(name, "RS256")) return Algorithm.RS256;
  if (equalsAscii(name, "ES384")) return Algorithm.ES384;
  if (equalsAscii(name, "RS384")) return Algorithm.RS384;
  if (equalsAscii(name, "RS512")) return Algorithm.RS512;
  if (equalsAscii(name, "ES512")) return Algorithm.ES512;
  // RFC 8037, and the name that RFC 9864 puts in its place.
  if (equalsAscii(name, "EdDSA") || equalsAscii(name, "Ed25519")) return Algorithm.EdDSA;
  return isEnvoyOnly(name) ? Algorithm.EnvoyOnly : Algorithm.None;
}

function isEnvoyOnly(name: Span): bool {
  return equalsAscii(name, "PS256") || equalsAscii(name, "PS384") || equalsAscii(name, "PS512");
}

/** True when this filter can check a signature of `algorithm`. */
export function isVerifiedHere(algorithm: Algorithm): bool {
  return algorithm != Algorithm.None && algorithm != Algorithm.EnvoyOnly;
}

/** The set of this one; empty for what is not verified here. */
export function setOf(algorithm: Algorithm): Algorithms {
  return isVerifiedHere(algorithm) ? 1 << algorithm : 0;
}

/** Never true for what is not verified here. */
export function includes(set: Algorithms, algorithm: Algorithm): bool {
  return isVerifiedHere(algorithm) && (set & (1 << algorithm)) != 0;
}

/** What a check of one signature costs, in units of about 50 us. */
export function checkCost(algorithm: Algorithm): i32 {
  switch (algorithm) {
    case Algorithm.ES384:
    case Algorithm.ES512:
      return 15;
    case Algorithm.EdDSA:
      return 60;
    default:
      return 1;
  }
}

/** The hash as Envoy's `verify_signature` names it. */
export function hashOf(algorithm: Algorithm): string {
  switch (algorithm) {
    case Algorithm.RS256:
    case Algorithm.ES256:
      return "sha256";
    case Algorithm.RS384:
    case Algorithm.ES384:
      return "sha384";
    case Algorithm.RS512:
    case Algorithm.ES512:
      return "sha512";
    default:
      return "";
  }
}

/** A curve's algorithm by the name that a JWK gives the curve; None for any other.  RFC 7518, section 6.2.1.1. */
export function algorithmOfCurve(curve: Span): Algorithm {
  if (equalsAscii(curve, "P-256")) return Algorithm.ES256;
  if (equalsAscii(curve, "P-384")) return Algorithm.ES384;
  if (equalsAscii(curve, "P-521")) return Algorithm.ES512;
  return Algorithm.None;
}

/** Bytes of one coordinate or signature half on the algorithm's curve; 0 for an algorithm without one. */
export function fieldBytes(algorithm: Algorithm): i32 {
  switch (algorithm) {
    case Algorithm.ES256:
      return 32;
    case Algorithm.ES384:
      return 48;
    case Algorithm.ES512:
      return 66;
    default:
      return 0;
  }
}

/** Order of the curve's group, big-endian hex.  FIPS 186-5, through SP 800-186, section 3.2.1. */
export function curveOrder(algorithm: Algorithm): string {
  switch (algorithm) {
    case Algorithm.ES256:
      return "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    case Algorithm.ES384:
      return "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
    case Algorithm.ES512:
      return "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409";
    default:
      return "";
  }
}

/** AlgorithmIdentifier of a public key, DER in hex: rsaEncryption with NULL (RFC 3279) or id-ecPublicKey and curve (RFC 5480). */
export function keyIdentifier(algorithm: Algorithm): string {
  switch (algorithm) {
    case Algorithm.RS256:
    case Algorithm.RS384:
    case Algorithm.RS512:
      return "300d06092a864886f70d0101010500";
    case Algorithm.ES256:
      return "301306072a8648ce3d020106082a8648ce3d030107";
    case Algorithm.ES384:
      return "301006072a8648ce3d020106052b81040022";
    case Algorithm.ES512:
      return "301006072a8648ce3d020106052b81040023";
    default:
      return "";
  }
}
