// Published signatures as arguments of Envoy's verify_signature: with the key, the hash and the DER that the filter writes.

import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import type { Jwk } from "../../filter/support/keys.ts";
import { signatureArguments } from "../../host/support/signature-arguments.ts";
import type { SuitePath } from "../../vectors/suites.ts";
import { rawSignature } from "../../vectors/support/der.ts";
import { KeyFault, SignatureCheck, probes } from "../../vectors/support/probe.ts";
import { keysOf, nameOf, readGroups } from "../../vectors/support/wycheproof.ts";
import type { TokenGroup, WycheproofCase } from "../../vectors/support/wycheproof.ts";
import { uncheckedDer } from "./unchecked-der.ts";

export interface SignatureCase {
  readonly name: string;
  /** As published. What is "acceptable" are old encodings, of which the filter takes none. */
  readonly isValid: boolean;
  /** VerifySignatureArguments. */
  readonly argumentBytes: Buffer;
  /** The filter's function that refuses the signature before Envoy is asked; undefined when it does ask. */
  readonly refusedBy: Refusal | undefined;
}

/** `signatureToDer`: of an ECDSA signature's form and range; `checkSignature`: there is no signature. */
export type Refusal = "signatureToDer" | "checkSignature";

export type NativeAlgorithm = keyof typeof HASHES;

const HASHES = {
  ES256: "sha256",
  ES384: "sha384",
  ES512: "sha512",
  RS256: "sha256",
  RS384: "sha384",
  RS512: "sha512",
} as const;

interface SignatureGroup {
  readonly publicKeyDer: string;
  readonly tests: readonly (WycheproofCase & { readonly msg: string; readonly sig: string })[];
}

/** What a JWS says: a signature as it has them, and what is signed. */
interface Statement {
  readonly algorithm: NativeAlgorithm;
  readonly key: Jwk;
  readonly signature: Buffer;
  readonly text: Buffer;
}

/** The filter's functions, compiled as the release is. */
const filter = probes.find(({ name }) => name === "release") ?? assert.fail("no probe is named release");

/** Of a suite whose signatures are as a JWS has them. */
export function casesAsInJws(path: SuitePath, algorithm: NativeAlgorithm): SignatureCase[] {
  return flatMapTests(path, algorithm, (test, key, signature, text) =>
    caseOf(test, { algorithm, key, signature, text }),
  );
}

/** Of a suite whose signatures are in DER, and go to Envoy as they are. */
export function casesAsDer(path: SuitePath, algorithm: NativeAlgorithm): SignatureCase[] {
  return flatMapTests(path, algorithm, (test, key, signature, text) => {
    const raw = rawSignature(signature, algorithm);
    return {
      name: nameOf(test),
      isValid: test.result === "valid",
      argumentBytes: signatureArguments({ hash: HASHES[algorithm], key: publicKeyOf(key), signature, text }),
      refusedBy: raw && filter.derSignature(algorithm, raw)?.equals(signature) ? undefined : "signatureToDer",
    };
  });
}

/** Of the JSON Web Signatures, those with a key that the filter takes. A part that a token lacks is empty. */
export function casesOfTokens(path: SuitePath): SignatureCase[] {
  return (readGroups(path) as readonly TokenGroup[]).flatMap((group) => {
    const [key] = keysOf(group);
    const algorithm = key?.["alg"];
    if (key === undefined || !isNative(algorithm) || filter.readKey(key) !== KeyFault.None) return [];
    return group.tests.map((test) => {
      if (typeof test.jws !== "string") throw new TypeError(`${path}: ${nameOf(test)} is no compact JWS`);
      const [header = "", payload = "", tail = ""] = test.jws.split(".");
      const signature = Buffer.from(tail, "base64url");
      return caseOf(test, { algorithm, key, signature, text: Buffer.from(`${header}.${payload}`) });
    });
  });
}

function flatMapTests(
  path: SuitePath,
  algorithm: NativeAlgorithm,
  make: (test: WycheproofCase, key: Jwk, signature: Buffer, text: Buffer) => SignatureCase,
): SignatureCase[] {
  return (readGroups(path) as readonly SignatureGroup[]).flatMap(({ publicKeyDer, tests }) => {
    const spki = Buffer.from(publicKeyDer, "hex");
    const jwk = createPublicKey({ key: spki, format: "der", type: "spki" }).export({ format: "jwk" });
    return tests.map((test) =>
      make(test, { ...jwk, alg: algorithm }, Buffer.from(test.sig, "hex"), Buffer.from(test.msg, "hex")),
    );
  });
}

function caseOf(test: WycheproofCase, { algorithm, key, signature, text }: Statement): SignatureCase {
  return {
    name: nameOf(test),
    isValid: test.result === "valid",
    argumentBytes: signatureArguments({
      hash: HASHES[algorithm],
      key: publicKeyOf(key),
      signature: isEcdsa(algorithm) ? derOf(algorithm, signature) : signature,
      text,
    }),
    refusedBy: refusalOf({ algorithm, key, signature, text }),
  };
}

/** The filter's DER; where it writes none, what Envoy would be asked without its checks. */
function derOf(algorithm: NativeAlgorithm, signature: Buffer): Buffer {
  return filter.derSignature(algorithm, signature) ?? uncheckedDer(signature);
}

function refusalOf({ algorithm, key, signature, text }: Statement): Refusal | undefined {
  assertTaken(key);
  if (filter.verify(algorithm, signature, text) !== SignatureCheck.Malformed) return undefined;
  const hasNoDer = isEcdsa(algorithm) && filter.derSignature(algorithm, signature) === undefined;
  return hasNoDer ? "signatureToDer" : "checkSignature";
}

/** SubjectPublicKeyInfo, as the filter writes it. */
function publicKeyOf(key: Jwk): Buffer {
  assertTaken(key);
  return filter.publicKey();
}

function assertTaken(key: Jwk): void {
  assert.equal(filter.readKey(key), KeyFault.None, JSON.stringify(key));
}

function isEcdsa(algorithm: NativeAlgorithm): boolean {
  return algorithm.startsWith("ES");
}

function isNative(algorithm: unknown): algorithm is NativeAlgorithm {
  return typeof algorithm === "string" && algorithm in HASHES;
}
