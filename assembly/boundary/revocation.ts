// Whether what a request rests on was taken back before its time.

import { takeForever } from "../host/arena";
import { Span, ABSENT, spanOf } from "../host/span";
import { DIGEST_BYTES, sha256 } from "../crypto/sha256";
import { Reason } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { Revocations, RevokedBy } from "../policy/revocations";
import { encodeInto, encodedLength } from "../text/base64url";
import { issuedAt } from "../token/claims";
import { substanceOf } from "../token/jws";
import { VerifiedClaims } from "../token/verified_claims";

const DIGEST_LENGTH: i32 = encodedLength(DIGEST_BYTES);
const digest: Span = spanOf(takeForever(DIGEST_LENGTH), DIGEST_LENGTH);

/** Before the signature: nobody who is revoked gets to spend one. */
export function checkPresenterRevoked(revocations: Revocations, presenter: Presenter): Reason {
  const isRevoked =
    revocations.has(RevokedBy.Presenter, presenter.spiffeId) ||
    revocations.has(RevokedBy.Presenter, presenter.forwarder);
  return isRevoked ? Reason.presenter_revoked : Reason.ok;
}

/**
 * @param issuer as the revocations call it
 * @param keyId of the key that has signed the token; absent when it names none
 * @param token as it came; absent: nobody has it
 */
export function checkRevoked(
  revocations: Revocations,
  claims: VerifiedClaims,
  issuer: Span,
  keyId: Span,
  token: Span,
): Reason {
  const document = claims.document;
  const since = revocations.issuedSince(issuer);
  // A token that does not say when it was issued may be of before.
  if (since > 0 && issuedAt(claims) < since) return Reason.token_revoked;
  if (revocations.has(RevokedBy.Id, document.stringOf(claims.registered.jti))) return Reason.token_revoked;
  if (revocations.has(RevokedBy.Subject, document.stringOf(claims.registered.sub)))
    return Reason.token_revoked;
  if (revocations.has(RevokedBy.Key, keyId)) return Reason.token_revoked;
  if (revocations.hasAny(RevokedBy.Token) && token != ABSENT) {
    encodeInto(sha256(substanceOf(token)), digest);
    if (revocations.has(RevokedBy.Token, digest)) return Reason.token_revoked;
  }
  return Reason.ok;
}

/**
 * @param presented SHA-256 of the presenter's certificate; absent: it has none
 * @param live the same of the live peer, where that is a forwarder; otherwise absent
 */
export function checkCertificateRevoked(revocations: Revocations, presented: Span, live: Span): Reason {
  return isRevoked(revocations, presented) || isRevoked(revocations, live)
    ? Reason.certificate_revoked
    : Reason.ok;
}

function isRevoked(revocations: Revocations, certificate: Span): bool {
  if (certificate == ABSENT) return false;
  encodeInto(certificate, digest);
  return revocations.has(RevokedBy.Certificate, digest);
}
