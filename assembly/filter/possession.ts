// Whether whoever sends the request has the key that its token is bound to: by a proof made for this request, which is good once.

import { Reason } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { Target } from "../policy/match";
import { Dpop, Issuer, Policy, isWit } from "../policy/policy";
import { isNonce } from "../state/nonce";
import { proofWindowFor } from "../state/proof_window";
import { replayTableFor } from "../state/replay";
import { Credential } from "../token/credential";
import { VerifiedClaims } from "../token/verified_claims";
import { VerifiedProof } from "../token/verified_proof";
import { needsDpop, proveByDpop } from "./dpop";
import { inquiry } from "./inquiry";
import { Sent } from "./sent";
import { proveByWorkload } from "./workload_proof";

/** The proof of the request that is judged; null: none was needed. */
let proof: VerifiedProof | null = null;

/** Forgets the proof of the request before. */
export function forgetPossession(): void {
  proof = null;
}

/**
 * Proves possession where the token asks for it, and tells the presenter's key. What is proven may still have been proven before: see
 * `spendProof`. A token that names a key which nobody has proven is refused with its other bindings.
 */
export function provePossession(
  policy: Policy,
  issuer: Issuer,
  claims: VerifiedClaims,
  credential: Credential,
  target: Target,
  sent: Sent,
  presenter: Presenter,
): Reason {
  inquiry.reason = Reason.ok;
  if (isWit(issuer.kind)) {
    if (policy.wpt != null) proof = proveByWorkload(policy.wpt!, issuer, claims, credential, target, sent);
  } else if (needsDpop(policy.dpop, claims, credential)) {
    proof = proveByDpop(policy.dpop!, issuer, credential, target, sent);
  }
  if (proof != null) presenter.keyThumbprint = proof!.thumbprint;
  return inquiry.reason;
}

/** True when the request has a proof with a nonce of ours, so that it was not made before the client had that. */
export function hasFreshNonce(dpop: Dpop | null): bool {
  const made = proof;
  if (made == null || dpop == null) return false;
  const since = proofWindowFor(inquiry.isObserved).since;
  return isNonce(made.nonce, dpop.nonceKey, since, inquiry.now / 1000);
}

/** Notes the proof, which is good once: after everything else, so that only a request that passes takes a place. */
export function spendProof(isObserved: bool): Reason {
  const spent = proof;
  if (spent == null) return Reason.ok;
  const window = proofWindowFor(isObserved);
  const end = spent.endsAt(window.longest, window.widestSkew);
  return replayTableFor(isObserved).admit(spent.thumbprint, spent.id, end, inquiry.now / 1000);
}
