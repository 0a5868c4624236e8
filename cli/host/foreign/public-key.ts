import { createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";

// OpenSSL's names of the curves that BoringSSL reads from a SubjectPublicKeyInfo.
const CURVES: ReadonlySet<string> = new Set(["secp224r1", "prime256v1", "secp384r1", "secp521r1"]);
const MAX_RSA_BITS = 16_384;
// BoringSSL: an exponent of at most 33 bits, odd and not 1.
const MAX_RSA_EXPONENT = 2n ** 33n;

const HYBRID_POINT_TAGS: ReadonlySet<number | undefined> = new Set([0x06, 0x07]);
const POINT_BYTES: Readonly<Record<string, number>> = {
  secp224r1: 57,
  prime256v1: 65,
  secp384r1: 97,
  secp521r1: 133,
};

// Parsing costs OpenSSL several times what verifying does, and a policy has few keys.
const MAX_PARSED = 64;
const parsed = new Map<string, KeyObject | undefined>();

/**
 * A SubjectPublicKeyInfo that BoringSSL would read and verify with: RSA or ECDSA on a NIST curve, in strict DER.
 * Bytes after it are ignored, as EVP_parse_public_key leaves them. Undefined for anything else.
 */
export function parsePublicKey(der: Buffer): KeyObject | undefined {
  const bytes = der.toString("latin1");
  if (!parsed.has(bytes)) {
    if (parsed.size >= MAX_PARSED) parsed.clear();
    parsed.set(bytes, parse(der));
  }
  return parsed.get(bytes);
}

function parse(der: Buffer): KeyObject | undefined {
  const key = decode(der);
  if (key === undefined) return undefined;
  const canonical = key.export({ format: "der", type: "spki" });
  // OpenSSL reads BER, missing parameters and explicit curves too; only strict DER comes out as it went in.
  if (!der.subarray(0, canonical.length).equals(canonical)) return undefined;
  return isVerifiable(key, canonical) ? key : undefined;
}

function decode(der: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: der, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

function isVerifiable(key: KeyObject, spki: Buffer): boolean {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === "rsa") {
    const { modulusLength = 0, publicExponent = 0n } = details ?? {};
    const exponentFits =
      publicExponent > 1n && publicExponent % 2n === 1n && publicExponent < MAX_RSA_EXPONENT;
    return modulusLength <= MAX_RSA_BITS && exponentFits;
  }
  if (key.asymmetricKeyType !== "ec") return false;
  const curve = details?.namedCurve ?? "";
  return CURVES.has(curve) && !HYBRID_POINT_TAGS.has(spki.at(-(POINT_BYTES[curve] ?? 0)));
}
