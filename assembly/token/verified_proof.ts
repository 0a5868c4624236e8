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
import { JsonDocument, JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { HttpUri } from "../text/uri";
import { UnverifiedProof } from "./proof";
import { VerifiedClaims } from "./verified_claims";

/** Bytes of `jti`, at most. */
const MAX_ID_BYTES: i32 = 256;

/** What a proof has to speak of. */
@unmanaged
export class ProvenRequest {
  /** Only DPoP proofs speak of it. */
  method: Span;
  /** The token that it goes with. */
  token: Span;
  /** Seconds since 1970. */
  now: i64;
  /** Seconds that a DPoP proof is good from `iat` on; and that a workload's may still be good for, up to `exp`. */
  window: i64;
  /** Seconds that clocks may differ. */
  clockSkew: i64;
}

@unmanaged
export class VerifiedProof {
  /** RFC 7638, 32 bytes: the key whose holder made the proof. */
  thumbprint: Span;
  id: Span;
  /** Absent when it has none. */
  nonce: Span;
  /** Where the request is meant for: a DPoP proof's `htu`. */
  target: HttpUri;
  /** The same: a workload's `aud`. */
  audience: Span;
  /** Seconds since 1970: a DPoP proof's `iat`. */
  issuedAt: i64;
  /** Seconds since 1970: a workload's `exp`; otherwise 0. */
  expiry: i64;
  /** What else it says. */
  claims: JsonDocument;

  /** Seconds since 1970 from when on nobody takes it any more, where proofs are good and clocks differ for so many. */
  endsAt(window: i64, clockSkew: i64): i64 {
    return (this.expiry == 0 ? this.issuedAt + window : this.expiry) + clockSkew;
  }

  /**
   * The proof once its key is shown to have signed it, and it is of this method, this token and this time. Null otherwise;
   * `proofRefusedBy` says why. Where it is meant for, its nonce and whether it was here before are still to be judged.
   * https://www.rfc-editor.org/rfc/rfc9449#section-4.3
   */
  static byDpop(proof: UnverifiedProof, request: ProvenRequest): VerifiedProof | null {
    let reason = checkKey(proof, proof.header, proof.key);
    if (reason == Reason.ok) reason = readDpopClaims(proof, request);
    return reason == Reason.ok ? instance : refused(reason);
  }

  /**
   * The same of a workload's proof, whose key is the one that the token names. What other tokens it speaks of is still to be judged, too.
   * https://datatracker.ietf.org/doc/draft-ietf-wimse-wpt/01/
   */
  static byWorkload(
    proof: UnverifiedProof,
    token: VerifiedClaims,
    request: ProvenRequest,
  ): VerifiedProof | null {
    let reason = checkKey(proof, token.document, token.document.member(token.named("cnf"), "jwk"));
    if (reason == Reason.ok) reason = readWorkloadClaims(proof, request);
    return reason == Reason.ok ? instance : refused(reason);
  }
}

/** Has this key signed it? */
function checkKey(proof: UnverifiedProof, document: JsonDocument, node: JsonNode): Reason {
  if (node == NO_NODE || readJwk(document, node, KeyUse.Signature, false, key) != KeyFault.None)
    return Reason.proof_key_unusable;
  if (!includes(key.algorithms, proof.algorithm)) return Reason.proof_algorithm_unsupported;
  const checked = checkSignature(proof.algorithm, key.publicKey, proof.signature, proof.signingInput);
  if (checked == SignatureCheck.Unknown) return Reason.host_unavailable;
  if (checked != SignatureCheck.Valid) return Reason.proof_signature_invalid;
  instance.thumbprint = copyTo(thumbprint, thumbprintOf(document, node));
  instance.claims = proof.claims;
  instance.id = proof.textOf("jti");
  instance.nonce = ABSENT;
  instance.issuedAt = 0;
  instance.expiry = 0;
  const hasId = lengthOf(instance.id) > 0 && lengthOf(instance.id) <= MAX_ID_BYTES;
  return hasId ? Reason.ok : Reason.proof_claim_malformed;
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

function readDpopClaims(proof: UnverifiedProof, request: ProvenRequest): Reason {
  const claims = proof.claims;
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
  if (min(issuedAt + request.window, expiry) + request.clockSkew <= request.now) return Reason.proof_expired;
  instance.issuedAt = issuedAt;
  return isDigestOf(request.token, proof.textOf("ath")) ? Reason.ok : Reason.proof_token_mismatch;
}

function readWorkloadClaims(proof: UnverifiedProof, request: ProvenRequest): Reason {
  const claims = proof.claims;
  instance.audience = audienceOf(claims);
  const expiry = dateOf(claims, "exp", -1);
  const start = max(dateOf(claims, "iat", 0), dateOf(claims, "nbf", 0));
  const isDated = dateOf(claims, "iat", 0) >= 0 && dateOf(claims, "nbf", 0) >= 0 && expiry >= 0;
  if (lengthOf(instance.audience) == 0 || !isDated) return Reason.proof_claim_malformed;
  if (start > request.now + request.clockSkew) return Reason.proof_not_yet_valid;
  if (expiry + request.clockSkew <= request.now) return Reason.proof_expired;
  if (expiry > request.now + request.window + request.clockSkew) return Reason.proof_lifetime_too_long;
  instance.expiry = expiry;
  return isDigestOf(request.token, proof.textOf("wth")) ? Reason.ok : Reason.proof_token_mismatch;
}

/** One proof is for one service: what is for several could be used by each of them at the others. */
function audienceOf(claims: JsonDocument): Span {
  const aud = claims.member(ROOT, "aud");
  const isList = claims.kind(aud) == JsonKind.Array && claims.countIn(aud) == 1;
  return claims.stringOf(isList ? claims.firstIn(aud) : aud);
}

/** True when a claim is the SHA-256 of this text, in base64url. */
export function isDigestOf(text: Span, claim: Span): bool {
  return decodeInto(claim, wanted) && equals(sha256(text), wanted);
}

/** Seconds since 1970; -1 for anything but a whole number of them. @param absent for a claim that is not there */
function dateOf(claims: JsonDocument, name: string, absent: i64): i64 {
  const date = claims.member(ROOT, name);
  if (date == NO_NODE) return absent;
  return claims.kind(date) == JsonKind.Number ? parseDecimal(claims.textOf(date)) : -1;
}
