// The `actor` binding: somebody else acts for the token's subject, and is who presents it. The outermost `act` is who acts now; those
// within it acted before, which is history and grants nothing. `may_act` says who could be made an actor, and admits nobody.
// https://www.rfc-editor.org/rfc/rfc8693#section-4.1

import { ascii } from "../../host/arena";
import { List } from "../../host/list";
import { Span, ABSENT, equals } from "../../host/span";
import { Reason } from "../../decision/reason";
import { Presenter } from "../../evidence/presenter";
import { hasText } from "../../policy/policy";
import { JsonKind, JsonNode, NO_NODE } from "../../text/json";
import { isWorkloadId } from "../../text/spiffe_id";
import { matchesAny } from "../../text/spiffe_pattern";
import { VerifiedClaims } from "../../token/verified_claims";

export const ACTOR = ascii("act");
export const ACTOR_SUBJECT = ascii("act\0sub");
export const ACTOR_ISSUER = ascii("act\0iss");

/** Actors of a token, at most; a longer chain is nobody's doing. */
const MAX_ACTORS: i32 = 8;

/**
 * @param issuers whose name for the actor counts besides the token's own issuer's
 * @param priorActors who those before have to be, as SPIFFE patterns; empty: anybody
 */
export function proveActor(
  claims: VerifiedClaims,
  issuers: List<Span>,
  priorActors: List<Span>,
  presenter: Presenter,
): Reason {
  const act = claims.at(ACTOR);
  const subject = claims.at(ACTOR_SUBJECT);
  const issuer = claims.at(ACTOR_ISSUER);
  if (act == NO_NODE) return Reason.actor_absent;
  const name = claims.document.stringOf(subject);
  if (name == ABSENT) return Reason.actor_malformed;
  if (issuer != NO_NODE && !isKnownIssuer(claims, issuer, issuers)) return Reason.actor_mismatch;
  if (presenter.spiffeId == ABSENT) return Reason.spiffe_id_absent;
  if (!equals(name, presenter.spiffeId)) return Reason.actor_mismatch;
  return provePriorActors(claims, act, priorActors);
}

/** A subject is somebody's name only together with who gave it. */
function isKnownIssuer(claims: VerifiedClaims, node: JsonNode, issuers: List<Span>): bool {
  const issuer = claims.document.stringOf(node);
  const own = claims.document.stringOf(claims.registered.iss);
  return issuer != ABSENT && (equals(issuer, own) || hasText(issuers, issuer));
}

function provePriorActors(claims: VerifiedClaims, act: JsonNode, wanted: List<Span>): Reason {
  const document = claims.document;
  // jwt_authn's metadata shows the current actor and no others.
  if (claims.isFlat) return wanted.count == 0 ? Reason.ok : Reason.actor_malformed;
  let actor = document.member(act, "act");
  for (let depth = 1; actor != NO_NODE; depth++) {
    if (depth == MAX_ACTORS || document.kind(actor) != JsonKind.Object) return Reason.actor_malformed;
    const name = document.stringOf(document.member(actor, "sub"));
    const isWanted = wanted.count == 0 || (isWorkloadId(name) && matchesAny(wanted, name));
    if (!isWanted) return Reason.prior_actor_mismatch;
    actor = document.member(actor, "act");
  }
  return Reason.ok;
}
