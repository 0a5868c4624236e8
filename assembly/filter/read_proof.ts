// Finds the one proof of a request, and takes it apart.

import { Span } from "../host/span";
import { Reason } from "../decision/reason";
import { ProofType, UnverifiedProof } from "../token/proof";
import { inquiry } from "./inquiry";
import { mayFail } from "./prove";
import { Sent } from "./sent";

/** False, and `inquiry` says why, when there is none or more than one, or when too many of the sender's were no good. */
export function readProof(proof: UnverifiedProof, header: Span, type: ProofType, sent: Sent): bool {
  const count = sent.countOf(header);
  inquiry.reason = count == 0 ? Reason.proof_absent : Reason.proof_duplicate;
  if (count != 1) return false;
  inquiry.reason = proof.read(sent.only(header), type);
  if (inquiry.reason != Reason.ok) return false;
  inquiry.reason = Reason.failures_exceeded;
  return mayFail();
}
