// The `spiffe` binding: a claim names the workload that is on the other end of this connection.

import { Span, ABSENT, equals, indexOf } from "../../host/span";
import { Reason } from "../../decision/reason";
import { Presenter } from "../../evidence/presenter";
import { JsonKind, NO_NODE } from "../../text/json";
import { VerifiedClaims } from "../../token/verified_claims";

/** @param claim path of the claim, its names joined by 0x00 bytes */
export function proveSpiffe(claims: VerifiedClaims, claim: Span, presenter: Presenter): Reason {
  const node = claims.at(claim);
  if (node == NO_NODE) return Reason.spiffe_claim_absent;
  if (claims.document.kind(node) != JsonKind.String) return Reason.spiffe_claim_malformed;
  const text = claims.document.stringOf(node);
  if (indexOf(text, 0, 0) >= 0) return Reason.spiffe_claim_malformed;
  // The presenter's ID is well-formed, and absent unless the connection showed one: equal bytes are the same identity.
  if (presenter.spiffeId == ABSENT) return Reason.spiffe_id_absent;
  return equals(text, presenter.spiffeId) ? Reason.ok : Reason.spiffe_mismatch;
}
