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
  /** A public-key signature that Envoy's jwt_authn verifies and this filter does not. */
  EnvoyOnly = 6,
}

/** A set of algorithms, one bit each. */
export type Algorithms = u32;

export const RSA_ALGORITHMS: Algorithms =
  (1 << Algorithm.RS256) | (1 << Algorithm.RS384) | (1 << Algorithm.RS512);

export function algorithmNamed(name: Span): Algorithm {
  if (equalsAscii(name, "ES256")) return Algorithm.ES256;
  if (equalsAscii(name, "RS256")) return Algorithm.RS256;
  if (equalsAscii(name, "ES384")) return Algorithm.ES384;
  if (equalsAscii(name, "RS384")) return Algorithm.RS384;
  if (equalsAscii(name, "RS512")) return Algorithm.RS512;
  return isEnvoyOnly(name) ? Algorithm.EnvoyOnly : Algorithm.None;
}

function isEnvoyOnly(name: Span): bool {
  return (
    equalsAscii(name, "ES512") ||
    equalsAscii(name, "EdDSA") ||
    equalsAscii(name, "PS256") ||
    equalsAscii(name, "PS384") ||
    equalsAscii(name, "PS512")
  );
}

/** True when this filter can check a signature of `algorithm`. */
export function isVerifiedHere(algorithm: Algorithm): bool {
  return algorithm != Algorithm.None && algorithm != Algorithm.EnvoyOnly;
}

export function setOf(algorithm: Algorithm): Algorithms {
  return isVerifiedHere(algorithm) ? 1 << algorithm : 0;
}

export function includes(set: Algorithms, algorithm: Algorithm): bool {
  return isVerifiedHere(algorithm) && (set & (1 << algorithm)) != 0;
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
      return "sha512";
    default:
      return "";
  }
}

/** Bytes of one coordinate or signature half on the algorithm's curve; 0 for RSA. */
export function fieldBytes(algorithm: Algorithm): i32 {
  switch (algorithm) {
    case Algorithm.ES256:
      return 32;
    case Algorithm.ES384:
      return 48;
    default:
      return 0;
  }
}
