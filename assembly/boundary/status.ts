// What its issuer's status list says of a token.  https://datatracker.ietf.org/doc/draft-ietf-oauth-status-list/

import { Span } from "../host/span";
import { Reason } from "../decision/reason";
import { Status, StatusList } from "../policy/status_list";
import { parseDecimal } from "../text/decimal";
import { JsonKind, JsonNode, NO_NODE } from "../text/json";
import { VerifiedClaims } from "../token/verified_claims";

/** True when the token has a status somewhere. */
export function hasStatus(claims: VerifiedClaims): bool {
  return claims.registered.status != NO_NODE;
}

/** The list that the token names; absent when it names none. */
export function statusUri(claims: VerifiedClaims): Span {
  return claims.document.stringOf(claims.document.member(reference(claims), "uri"));
}

export function checkStatus(list: StatusList, claims: VerifiedClaims): Reason {
  const index = claims.document.member(reference(claims), "idx");
  if (claims.document.kind(index) != JsonKind.Number) return Reason.status_malformed;
  const status = list.at(parseDecimal(claims.document.textOf(index)));
  if (status < 0) return Reason.status_malformed;
  return status == Status.Valid ? Reason.ok : Reason.status_not_valid;
}

function reference(claims: VerifiedClaims): JsonNode {
  return claims.document.member(claims.registered.status, "status_list");
}
