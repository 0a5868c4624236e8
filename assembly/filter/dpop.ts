// Possession by DPoP: the client's own proof.  https://www.rfc-editor.org/rfc/rfc9449#section-4.3

import { ascii, makeForever } from "../host/arena";
import { FAILED, equals } from "../host/span";
import { namesKey } from "../binding/confirmation";
import { Reason } from "../decision/reason";
import { Target } from "../policy/match";
import { Dpop, Issuer, hasText } from "../policy/policy";
import { isNonce } from "../state/nonce";
import { proofWindowFor } from "../state/proof_window";
import { HttpUri, normalAuthority, normalPath } from "../text/uri";
import { Credential } from "../token/credential";
import { saysDpop } from "../token/kind";
import { ProofType, UnverifiedProof } from "../token/proof";
import { VerifiedClaims } from "../token/verified_claims";
import { ProvenRequest, VerifiedProof, proofRefusedBy } from "../token/verified_proof";
import { inquiry } from "./inquiry";
import { noteFailure } from "./prove";
import { readProof } from "./read_proof";
import { Sent } from "./sent";

const HEADER = ascii("dpop");

const unverified = UnverifiedProof.make();
const request = makeForever<ProvenRequest>();

/** True when there has to be a proof; otherwise `inquiry.reason` says whether the token may do without one. */
export function needsDpop(dpop: Dpop | null, claims: VerifiedClaims, credential: Credential): bool {
  const isBound = namesKey(claims);
  if (!isBound && (credential.isDpop || saysDpop(claims))) inquiry.reason = Reason.dpop_unbound;
  // Taken as a bearer token it would be good in anybody's hands.
  if (isBound && dpop != null && !credential.isDpop) inquiry.reason = Reason.dpop_scheme_required;
  return isBound && dpop != null && credential.isDpop;
}

/** The proof that the request comes with; null: see `inquiry`. */
export function proveByDpop(
  dpop: Dpop,
  issuer: Issuer,
  credential: Credential,
  target: Target,
  sent: Sent,
): VerifiedProof | null {
  if (!readProof(unverified, HEADER, ProofType.Dpop, sent)) return null;
  request.method = target.method;
  request.token = credential.token;
  request.now = inquiry.now / 1000;
  request.window = dpop.maxAge;
  request.clockSkew = issuer.clockSkew;
  const proof = VerifiedProof.byDpop(unverified, request);
  inquiry.reason = proof == null ? proofRefusedBy() : judge(proof, dpop, target);
  if (inquiry.reason == Reason.proof_signature_invalid) noteFailure(unverified.algorithm);
  return inquiry.reason == Reason.ok ? proof : null;
}

function judge(proof: VerifiedProof, dpop: Dpop, target: Target): Reason {
  if (!isFor(dpop, proof.target, target)) return Reason.proof_target_mismatch;
  const window = proofWindowFor(inquiry.isObserved);
  if (!window.cover(dpop.maxAge, request.clockSkew, request.now)) return Reason.host_unavailable;
  // What was spent before a start is not remembered: until no proof from before it is good any more, only those count that have a
  // nonce from after it.
  const needsNonce = dpop.isNonceRequired || request.now < window.uncertainUntil;
  return !needsNonce || isNonce(proof.nonce, dpop.nonceKey, window.since, request.now)
    ? Reason.ok
    : Reason.proof_nonce_absent;
}

/** True when the proof is for this request's path, at an origin of the policy's, or at the host that Envoy routes it by. */
function isFor(dpop: Dpop, uri: HttpUri, target: Target): bool {
  const path = normalPath(target.path);
  if (path == FAILED || !equals(path, uri.path)) return false;
  if (dpop.isRouted) return equals(normalAuthority(target.authority, uri.isHttps), uri.authority);
  return hasText(dpop.origins, uri.origin());
}
