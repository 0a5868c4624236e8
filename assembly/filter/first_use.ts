// Whose a token is that names nobody: the first presenter's who shows it here. Nothing is noted before all else holds; and of a token that
// nobody here can verify, nothing before the upstream has taken it.

import { ascii, makeForever, takeSpan } from "../host/arena";
import { Span, ABSENT, byteAt, lengthOf, setByte } from "../host/span";
import { Reason } from "../decision/reason";
import { readSourceHost } from "../evidence/gather";
import { Presenter } from "../evidence/presenter";
import { FirstUse, Policy } from "../policy/policy";
import { Holding, Showing, firstUsesFor } from "../state/first_use";
import { Char } from "../text/ascii";
import { matchesAny } from "../text/spiffe_pattern";
import { isOpaque, substanceOf } from "../token/jws";
import { inquiry } from "./inquiry";
import { AWAITED_FOR, SLACK, awaitAcceptance } from "./accepted_tokens";

/** No presenter is called so. */
const SHARERS = ascii("*");

const showing = makeForever<Showing>();

/** What was found last; a token that is nobody's becomes the presenter's by `noteFirstUse`. */
let holding: Holding = Holding.Unknown;
let quarantines: bool = false;
let end: i64 = 0;
/** True for a token whose claims were proven. */
let isVerified: bool = false;

/** Forgets the showing of the request before. */
export function forgetFirstUse(): void {
  holding = Holding.Unknown;
}

/** True when the request has a token whose presenter counts. */
export function hasFirstUse(): bool {
  return holding != Holding.Unknown;
}

/**
 * Is it the token of who presents it, or nobody's yet?
 * @param until seconds since 1970 from when on nobody takes the token any more; 0: nobody here knows, nor what it is
 * @param isNew false for a request that was admitted and is judged again
 */
export function judgeFirstUse(
  firstUse: FirstUse,
  policy: Policy,
  presenter: Presenter,
  token: Span,
  until: i64,
  isNew: bool,
): Reason {
  // jwt_authn has taken the token away, and what is left of it are claims, which another token may have as well.
  if (token == ABSENT) return Reason.token_absent;
  const who = presenterBy(firstUse, policy, presenter);
  if (who == ABSENT) return firstUse.byAddress ? Reason.source_unknown : Reason.spiffe_id_absent;
  const identity = identityOf(token);
  // Without memory for it every token would be the same.
  if (identity == ABSENT || !showing.read(firstUse.terms, identity, who, holderOf(presenter)))
    return Reason.host_unavailable;
  quarantines = firstUse.quarantines && isNew;
  isVerified = until != 0;
  end = isVerified ? until : inquiry.now / 1000 + AWAITED_FOR;
  return reasonOf(show(false));
}

/** Notes whose a new token is, after everything else: only a request that passes does. */
export function noteFirstUse(): Reason {
  if (holding != Holding.Nobodys) return Reason.ok;
  if (isVerified) return reasonOf(show(true));
  return awaitAcceptance(showing, quarantines) ? Reason.ok : Reason.first_use_full;
}

function show(isPinning: bool): Holding {
  const uses = firstUsesFor(inquiry.isObserved);
  const slack = isVerified ? 0 : SLACK;
  holding = uses.judge(showing, isPinning, quarantines, end, slack, inquiry.now / 1000);
  return holding;
}

function reasonOf(holding: Holding): Reason {
  switch (holding) {
    case Holding.Own:
    case Holding.Nobodys:
      return Reason.ok;
    case Holding.Foreign:
      return Reason.first_use_mismatch;
    case Holding.Quarantined:
      return Reason.token_quarantined;
    case Holding.Full:
      return Reason.first_use_full;
    case Holding.Busy:
      return Reason.first_use_busy;
    default:
      return Reason.host_unavailable;
  }
}

/** Absent when nobody knows who it is. */
function presenterBy(firstUse: FirstUse, policy: Policy, presenter: Presenter): Span {
  // Behind a forwarder it is the forwarder's address.
  if (firstUse.byAddress) return presenter.forwarder == ABSENT ? readSourceHost(policy) : ABSENT;
  if (presenter.spiffeId == ABSENT) return ABSENT;
  return matchesAny(firstUse.sharers, presenter.spiffeId) ? SHARERS : presenter.spiffeId;
}

/** Whoever it counts as, it is one workload that takes the place; others' workloads have one share for each trust domain. */
function holderOf(presenter: Presenter): Span {
  return inquiry.isStranger ? presenter.trustDomain : presenter.spiffeId;
}

/** An opaque token in the one spelling that servers with a lenient base64 take for the same. */
function identityOf(token: Span): Span {
  if (!isOpaque(token)) return substanceOf(token);
  let length = lengthOf(token);
  while (length > 0 && byteAt(token, length - 1) == Char.Equals) length--;
  const spelled = takeSpan(length);
  for (let i = 0; i < lengthOf(spelled); i++) {
    const byte = byteAt(token, i);
    setByte(spelled, i, byte == Char.Plus ? Char.Dash : byte == Char.Slash ? Char.Underscore : byte);
  }
  return spelled;
}
