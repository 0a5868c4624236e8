// Whether whoever sends the request has the key that its token is bound to: by a proof made for this request.
// https://www.rfc-editor.org/rfc/rfc9449#section-4.3

import { makeForever } from "../host/arena";
import { Span, FAILED, equals } from "../host/span";
import { line, startLine, writeAscii, writeBytes } from "../host/writer";
import { namesKey } from "../binding/confirmation";
import { Reason } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { Target } from "../policy/match";
import { Dpop, Issuer, hasText } from "../policy/policy";
import { isNonce } from "../state/nonce";
import { coverWindow, rememberedFor, uncertainUntil } from "../state/proof_window";
import { replayTableFor } from "../state/replay";
import { HttpUri, normalAuthority, normalPath } from "../text/uri";
import { Credential } from "../token/credential";
import { saysDpop } from "../token/kind";
import { ProofType, UnverifiedProof } from "../token/proof";
import { VerifiedClaims } from "../token/verified_claims";
import { ProvenRequest, VerifiedProof, proofRefusedBy } from "../token/verified_proof";
import { inquiry } from "./inquiry";
import { mayFail, noteFailure } from "./prove";

const unverified = UnverifiedProof.make();
const request = makeForever<ProvenRequest>();
/** The proof of the request that is judged; null: none was needed. */
let proof: VerifiedProof | null = null;

/** Forgets the proof of the request before. */
export function forgetPossession(): void {
  proof = null;
}

/**
 * Proves possession where the token asks for it, and tells the presenter's key. What is proven may still have been proven before: see
 * `spendProof`.
 * @param header the one `dpop` header; absent: none @param count how many there are
 */
export function provePossession(
  dpop: Dpop | null,
  issuer: Issuer,
  claims: VerifiedClaims,
  credential: Credential,
  target: Target,
  header: Span,
  count: i32,
  presenter: Presenter,
): Reason {
  const isBound = namesKey(claims);
  if (!isBound) return credential.isDpop || saysDpop(claims) ? Reason.dpop_unbound : Reason.ok;
  if (dpop == null) return Reason.ok;
  // Taken as a bearer token it would be good in anybody's hands.
  if (!credential.isDpop) return Reason.dpop_scheme_required;
  if (count == 0) return Reason.proof_absent;
  if (count > 1) return Reason.proof_duplicate;
  return prove(dpop, issuer, credential.token, target, header, presenter);
}

function prove(
  dpop: Dpop,
  issuer: Issuer,
  token: Span,
  target: Target,
  header: Span,
  presenter: Presenter,
): Reason {
  let reason = unverified.read(header, ProofType.Dpop);
  if (reason != Reason.ok) return reason;
  if (!mayFail()) return Reason.failures_exceeded;
  request.method = target.method;
  request.token = token;
  request.now = inquiry.now / 1000;
  request.maxAge = dpop.maxAge;
  request.clockSkew = issuer.clockSkew;
  const found = VerifiedProof.byDpop(unverified, request);
  if (found == null) {
    reason = proofRefusedBy();
    if (reason == Reason.proof_signature_invalid) noteFailure(unverified.algorithm);
    return reason;
  }
  if (!isFor(dpop, found.target, target)) return Reason.proof_target_mismatch;
  if (!coverWindow(dpop.maxAge, issuer.clockSkew, request.now)) return Reason.host_unavailable;
  if (!isFresh(dpop, found.nonce, request.now)) return Reason.proof_nonce_absent;
  presenter.keyThumbprint = found.thumbprint;
  proof = found;
  return Reason.ok;
}

/** True when the proof is for this request's path, at an origin of the policy's, or at the host that Envoy routes it by. */
function isFor(dpop: Dpop, uri: HttpUri, target: Target): bool {
  const path = normalPath(target.path);
  if (path == FAILED || !equals(path, uri.path)) return false;
  if (dpop.isRouted) return equals(normalAuthority(target.authority, uri.isHttps), uri.authority);
  startLine();
  writeBytes(uri.scheme);
  writeAscii("://");
  writeBytes(uri.authority);
  return hasText(dpop.origins, line());
}

/**
 * Whether the proof may do without a nonce, or has one. What was spent before a start is not remembered, so that until no proof from before it
 * is good any more only those count that have a nonce from after it.
 */
function isFresh(dpop: Dpop, nonce: Span, now: i64): bool {
  const needsNonce = dpop.isNonceRequired || now < uncertainUntil();
  return !needsNonce || isNonce(nonce, now);
}

/** True when the request has a proof with a nonce of ours, so that it was not made before the client had that. */
export function hasFreshNonce(): bool {
  const made = proof;
  return made != null && isNonce(made.nonce, inquiry.now / 1000);
}

/** Notes the proof, which is good once: after everything else, so that only a request that passes takes a place. */
export function spendProof(isObserved: bool): Reason {
  const spent = proof;
  if (spent == null) return Reason.ok;
  const end = spent.issuedAt + rememberedFor();
  return replayTableFor(isObserved).admit(spent.thumbprint, spent.id, end, inquiry.now / 1000);
}
