// Possession by a workload proof token: a workload's own proof beside its workload identity token.
// https://datatracker.ietf.org/doc/draft-ietf-wimse-wpt/01/

import { ascii, makeForever } from "../host/arena";
import { Span, ABSENT, FAILED, equals, lengthOf } from "../host/span";
import { Reason } from "../decision/reason";
import { Target } from "../policy/match";
import { Issuer, Wpt, hasText } from "../policy/policy";
import { proofWindowFor } from "../state/proof_window";
import { trimmed } from "../text/blanks";
import { JsonDocument, JsonKind, NO_NODE, ROOT } from "../text/json";
import { HttpUri, normalPath } from "../text/uri";
import { Credential } from "../token/credential";
import { ProofType, UnverifiedProof } from "../token/proof";
import { VerifiedClaims } from "../token/verified_claims";
import { ProvenRequest, VerifiedProof, isDigestOf, proofRefusedBy } from "../token/verified_proof";
import { inquiry } from "./inquiry";
import { noteFailure } from "./prove";
import { readProof } from "./read_proof";
import { Sent } from "./sent";

const HEADER = ascii("workload-proof-token");
const TRANSACTION_TOKEN = ascii("txn-token");

const unverified = UnverifiedProof.make();
const request = makeForever<ProvenRequest>();
const uri = makeForever<HttpUri>();

/** The proof that the request comes with; null: see `inquiry`. */
export function proveByWorkload(
  wpt: Wpt,
  issuer: Issuer,
  claims: VerifiedClaims,
  credential: Credential,
  target: Target,
  sent: Sent,
): VerifiedProof | null {
  if (!readProof(unverified, HEADER, ProofType.Wpt, sent)) return null;
  request.token = credential.token;
  request.now = inquiry.now / 1000;
  request.window = wpt.maxLifetime;
  request.clockSkew = issuer.clockSkew;
  const proof = VerifiedProof.byWorkload(unverified, claims, request);
  inquiry.reason = proof == null ? proofRefusedBy() : judge(proof, wpt, credential, target, sent);
  if (inquiry.reason == Reason.proof_signature_invalid) noteFailure(unverified.algorithm);
  return inquiry.reason == Reason.ok ? proof : null;
}

function judge(proof: VerifiedProof, wpt: Wpt, credential: Credential, target: Target, sent: Sent): Reason {
  if (!isFor(wpt, proof.audience, target)) return Reason.proof_target_mismatch;
  if (!speaksOfTokens(proof.claims, credential, sent)) return Reason.proof_other_token_mismatch;
  const window = proofWindowFor(inquiry.isObserved);
  if (!window.cover(wpt.maxLifetime, request.clockSkew, request.now)) return Reason.host_unavailable;
  // What was spent before a start is not remembered, and such a proof does not say when it was made.
  return request.now < window.uncertainUntil ? Reason.replay_unknown : Reason.ok;
}

/** True for an audience of the policy's, and for this request's path at an origin of the policy's. */
function isFor(wpt: Wpt, audience: Span, target: Target): bool {
  if (hasText(wpt.audiences, audience)) return true;
  const path = normalPath(target.path);
  if (path == FAILED || !uri.read(audience) || !equals(path, uri.path)) return false;
  return hasText(wpt.origins, uri.origin());
}

/** Every other token that comes along has to be one that the workload has sent: nobody may swap it. */
function speaksOfTokens(claims: JsonDocument, credential: Credential, sent: Sent): bool {
  return (
    agrees(claims, "ath", credential.accessToken()) &&
    agrees(claims, "tth", onlyValue(TRANSACTION_TOKEN, sent)) &&
    agreesOnOthers(claims, sent)
  );
}

/** The header's value where no server can find another one; FAILED where one can; absent where there is none. */
function onlyValue(header: Span, sent: Sent): Span {
  const count = sent.countAlike(header);
  if (count > 1 || count != sent.countOf(header)) return FAILED;
  return sent.only(header);
}

/** True when there is neither the token nor its digest, or both, of each other. @param token absent: none; FAILED: nobody knows which */
function agrees(claims: JsonDocument, claim: string, token: Span): bool {
  const digest = claims.member(ROOT, claim);
  if (token == ABSENT) return digest == NO_NODE;
  return token != FAILED && isDigestOf(token, claims.stringOf(digest));
}

/** `oth` names headers, each of which has to be there once, and gives their digests. */
function agreesOnOthers(claims: JsonDocument, sent: Sent): bool {
  const others = claims.member(ROOT, "oth");
  if (others == NO_NODE) return true;
  if (claims.kind(others) != JsonKind.Object) return false;
  for (let n = claims.firstIn(others); n != NO_NODE; n = claims.nextIn(others, n)) {
    const value = trimmed(onlyValue(claims.textOf(n), sent));
    if (lengthOf(value) == 0 || !isDigestOf(value, claims.stringOf(claims.valueOf(n)))) return false;
  }
  return true;
}
