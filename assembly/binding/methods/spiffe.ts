// The `spiffe` binding: the token, or the policy, names the workload that is on the other end of this connection.

import { List } from "../../host/list";
import { Span, ABSENT, equals, indexOf } from "../../host/span";
import { Reason } from "../../decision/reason";
import { Presenter } from "../../evidence/presenter";
import { Piece } from "../../policy/policy";
import { JsonKind, NO_NODE } from "../../text/json";
import { isPathSegment } from "../../text/spiffe_id";
import { matchesAny } from "../../text/spiffe_pattern";
import { VerifiedClaims } from "../../token/verified_claims";
import { cursor } from "../id_cursor";

/** @param claim path of the claim, its names joined by 0x00 bytes */
export function proveClaim(claims: VerifiedClaims, claim: Span, presenter: Presenter): Reason {
  const node = claims.at(claim);
  if (node == NO_NODE) return Reason.spiffe_claim_absent;
  if (claims.document.kind(node) != JsonKind.String) return Reason.spiffe_claim_malformed;
  const text = claims.document.stringOf(node);
  if (indexOf(text, 0, 0) >= 0) return Reason.spiffe_claim_malformed;
  // The presenter's ID is well-formed, and absent unless the connection showed one: equal bytes are the same identity.
  if (presenter.spiffeId == ABSENT) return Reason.spiffe_id_absent;
  return equals(text, presenter.spiffeId) ? Reason.ok : Reason.spiffe_mismatch;
}

/**
 * Each claim fills one segment of the path: a value with a slash could reach into the next one.
 * @param trustDomain ours, or the alias of it that the presenter has
 */
export function proveTemplate(
  claims: VerifiedClaims,
  pieces: List<Piece>,
  trustDomain: Span,
  presenter: Presenter,
): Reason {
  if (presenter.spiffeId == ABSENT) return Reason.spiffe_id_absent;
  cursor.start(presenter.spiffeId);
  let link = pieces.first;
  while (link != null) {
    const piece = link.item;
    if (piece.claim == ABSENT) {
      cursor.next(piece.isTrustDomain ? trustDomain : piece.text);
    } else {
      const node = claims.at(piece.claim);
      if (node == NO_NODE) return Reason.spiffe_claim_absent;
      const value = claims.document.stringOf(node);
      if (!isPathSegment(value)) return Reason.spiffe_claim_malformed;
      cursor.next(value);
    }
    link = link.next;
  }
  return cursor.isWhole() ? Reason.ok : Reason.spiffe_mismatch;
}

/** The token says nothing here: whoever the policy lists may present it. */
export function provePatterns(patterns: List<Span>, presenter: Presenter): Reason {
  if (presenter.spiffeId == ABSENT) return Reason.spiffe_id_absent;
  return matchesAny(patterns, presenter.spiffeId) ? Reason.ok : Reason.spiffe_mismatch;
}
