import { isUtf8 } from "node:buffer";
import { verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readBytesFields, writeBytesField } from "./protobuf.ts";
import { parsePublicKey } from "./public-key.ts";

// Fields of VerifySignatureArguments and VerifySignatureResult
// (envoy, source/extensions/common/wasm/ext/verify_signature.proto).
const Argument = { HashFunction: 1, PublicKey: 2, Signature: 3, Text: 4 } as const;
const RESULT_TRUE = Uint8Array.of(0x08, 0x01);
const RESULT_ERROR = 2;

const HASHES: ReadonlySet<string> = new Set(["sha1", "sha224", "sha256", "sha384", "sha512"]);
const NOTHING = Buffer.alloc(0);

/**
 * Envoy's foreign function `verify_signature`: RSA PKCS#1 v1.5, and ECDSA with a strict DER signature.
 *
 * A signature that does not hold is an answer too: an error text and no result field, because proto3 leaves out
 * a false bool. Returns undefined (BadArgument) for arguments that are no protobuf or have no key.
 */
export function verifySignature(args: Buffer): Uint8Array | undefined {
  const fields = readBytesFields(args);
  const hash = fields?.get(Argument.HashFunction) ?? NOTHING;
  const key = fields?.get(Argument.PublicKey) ?? NOTHING;
  // proto3 refuses a string field that is not UTF-8.
  if (fields === undefined || !isUtf8(hash) || key.length === 0) return undefined;
  const signature = fields.get(Argument.Signature) ?? NOTHING;
  const text = fields.get(Argument.Text) ?? NOTHING;
  const error = check(hash.toString("utf8"), key, signature, text);
  return error === undefined ? RESULT_TRUE : writeBytesField(RESULT_ERROR, Buffer.from(error));
}

/** What is wrong, in the words of Envoy's source/common/crypto/utility_impl.cc; undefined when the signature holds. */
function check(hash: string, der: Buffer, signature: Buffer, text: Buffer): string | undefined {
  const algorithm = hash.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (!HASHES.has(algorithm)) return `${hash} is not supported.`;
  const key = parsePublicKey(der);
  if (key === undefined) return "Failed to initialize digest verify.";
  return holds(algorithm, key, signature, text) ? undefined : "Failed to verify digest. Error code: 0";
}

function holds(hash: string, key: KeyObject, signature: Buffer, text: Buffer): boolean {
  try {
    return verify(hash, text, { key, dsaEncoding: "der" }, signature);
  } catch {
    // OpenSSL raises for some signatures that it cannot even decode; BoringSSL returns 0.
    return false;
  }
}
