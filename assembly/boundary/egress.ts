// Where a token may leave for: hosts that its issuer names for all of its tokens, or for one of the audiences that the token names.

import { List } from "../host/list";
import { Span } from "../host/span";
import { Reason } from "../decision/reason";
import { matchesHost } from "../policy/authority";
import { Egress } from "../policy/policy";
import { hasAudience } from "../token/claims";
import { VerifiedClaims } from "../token/verified_claims";

/** @param host the authority that the request is for */
export function checkEgress(egress: Egress, claims: VerifiedClaims, host: Span): Reason {
  if (isAmong(egress.hosts, host)) return Reason.ok;
  let link = egress.audiences.first;
  while (link != null) {
    if (isAmong(link.item.hosts, host) && hasAudience(claims, link.item.audience)) return Reason.ok;
    link = link.next;
  }
  return Reason.egress_host_not_admitted;
}

function isAmong(patterns: List<Span>, host: Span): bool {
  let link = patterns.first;
  while (link != null) {
    if (matchesHost(link.item, host)) return true;
    link = link.next;
  }
  return false;
}
