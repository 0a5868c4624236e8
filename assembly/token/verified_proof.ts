// Proofs whose signature was found good for this one request. All ways to a VerifiedProof are in this file, and a test watches that
// nobody else makes one.

import { copyTo, makeForever, takeForever } from "../host/arena";
import { Span, ABSENT, equals, lengthOf, spanOf } from "../host/span";
import { includes } from "../crypto/algorithm";
import { Jwk, KeyFault, KeyUse, readJwk } from "../crypto/jwk";
import { DIGEST_BYTES, sha256 } from "../crypto/sha256";
import { SignatureCheck, checkSignature } from "../crypto/signature";
import { thumbprintOf } from "../crypto/thumbprint";
import { Reason } from "../decision/reason";
import { decodeInto } from "../text/base64url";
import { parseDecimal } from "../text/decimal";
import { JsonDocument, JsonKind, NO_NODE, ROOT } from "../text/json";
import { HttpUri } from "../text/uri";
import { UnverifiedProof } from "./proof";

/** Bytes of `jti`, at most. */
const MAX_ID_BYTES: i32 = 256;

/** What a proof has to speak of. */
@unmanaged
export class ProvenRequest {
  method: Span;
  /** The token that it goes with. */
  token: Span;
  /** Seconds since 1970. */
  now: i64;
  /** Seconds that a proof is good from `iat` on, and that clocks may differ. */
  maxAge: i64;
  clockSkew: i64;
}

@unmanaged
export class VerifiedProof {
  /** RFC 7638, 32 bytes: the key whose holder made the proof. */
  thumbprint: Span;
  id: Span;
  /** Absent when it has none. */
  nonce: Span;
  /** Where the request is meant for. */
  target: HttpUri;
  /** Seconds since 1970. */
  issuedAt: i64;

  /**
   * The proof once its key is shown to have signed it, and it is of this method, this token and this time. Null otherwise;
   * `proofRefusedBy` says why. Where it is meant for, its nonce and whether it was here before are still to be judged.
   * https://www.rfc-editor.org/rfc/rfc9449#section-4.3
   */
  static byDpop(proof: UnverifiedProof, request: ProvenRequest): VerifiedProof | null {
    if (
      proof.key == NO_NODE ||
      readJwk(proof.header, proof.key, KeyUse.Signature, false, key) != KeyFault.None
    )
      return refused(Reason.proof_key_unusable);
    if (!includes(key.algorithms, proof.algorithm)) return refused(Reason.proof_algorithm_unsupported);
    const checked = checkSignature(proof.algorithm, key.publicKey, proof.signature, proof.signingInput);
    if (checked == SignatureCheck.Unknown) return refused(Reason.host_unavailable);
    if (checked != SignatureCheck.Valid) return refused(Reason.proof_signature_invalid);
    instance.thumbprint = copyTo(thumbprint, thumbprintOf(proof.header, proof.key));
    const reason = readClaims(proof, request);
    return reason == Reason.ok ? instance : refused(reason);
  }
}

/** One request is judged at a time. */
const instance = makeInstance();
const key = makeForever<Jwk>();
const thumbprint: usize = takeForever(DIGEST_BYTES);
const wanted: Span = spanOf(takeForever(DIGEST_BYTES), DIGEST_BYTES);
let refusal: Reason = Reason.proof_malformed;

function makeInstance(): VerifiedProof {
  const proof = makeForever<VerifiedProof>();
  proof.target = makeForever<HttpUri>();
  return proof;
}

/** Why the last way in gave nothing. */
export function proofRefusedBy(): Reason {
  return refusal;
}

function refused(reason: Reason): VerifiedProof | null {
  refusal = reason;
  return null;
}

function readClaims(proof: UnverifiedProof, request: ProvenRequest): Reason {
  const claims = proof.claims;
  instance.id = proof.textOf("jti");
  if (lengthOf(instance.id) == 0 || lengthOf(instance.id) > MAX_ID_BYTES) return Reason.proof_claim_malformed;
  if (proof.textOf("htm") == ABSENT || !instance.target.read(proof.textOf("htu")))
    return Reason.proof_claim_malformed;
  const nonce = claims.member(ROOT, "nonce");
  instance.nonce = claims.stringOf(nonce);
  if (nonce != NO_NODE && lengthOf(instance.nonce) == 0) return Reason.proof_claim_malformed;
  const issuedAt = dateOf(claims, "iat", -1);
  // No proof has to have these. One that does says when it is good, as any JWT: RFC 7519, sections 4.1.4 and 4.1.5.
  const notBefore = dateOf(claims, "nbf", 0);
  const expiry = dateOf(claims, "exp", i64.MAX_VALUE);
  if (issuedAt < 0 || notBefore < 0 || expiry < 0) return Reason.proof_claim_malformed;
  if (!equals(proof.textOf("htm"), request.method)) return Reason.proof_method_mismatch;
  if (max(issuedAt, notBefore) > request.now + request.clockSkew) return Reason.proof_not_yet_valid;
  if (min(issuedAt + request.maxAge, expiry) + request.clockSkew <= request.now) return Reason.proof_expired;
  instance.issuedAt = issuedAt;
  if (!decodeInto(proof.textOf("ath"), wanted)) return Reason.proof_token_mismatch;
  return equals(sha256(request.token), wanted) ? Reason.ok : Reason.proof_token_mismatch;
}

/** Seconds since 1970; -1 for anything but a whole number of them. @param absent for a claim that is not there */
function dateOf(claims: JsonDocument, name: string, absent: i64): i64 {
  const date = claims.member(ROOT, name);
  if (date == NO_NODE) return absent;
  return claims.kind(date) == JsonKind.Number ? parseDecimal(claims.textOf(date)) : -1;
}
