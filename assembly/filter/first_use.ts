// Whose a token is that names nobody: the first presenter's who shows it here. Nothing is noted before all else holds; and of a token that
// nobody here can verify, nothing before the upstream has taken it.

import { ascii, makeForever } from "../host/arena";
import { Span, ABSENT } from "../host/span";
import { Reason } from "../decision/reason";
import { readSourceHost } from "../evidence/gather";
import { Presenter } from "../evidence/presenter";
import { FirstUse, Policy } from "../policy/policy";
import { Holding, Showing, firstUsesFor } from "../state/first_use";
import { matchesAny } from "../text/spiffe_pattern";
import { withoutSignature } from "../token/jws";
import { inquiry } from "./inquiry";
import { AWAITED_FOR, awaitAcceptance } from "./accepted_tokens";

/** No presenter is called so. */
const SHARERS = ascii("*");

const showing = makeForever<Showing>();

/**
 * @param end seconds since 1970 from when on nobody takes the token any more
 * @param isNew false for a request that was admitted and is judged again: it notes nothing
 */
export function judgeFirstUse(
  firstUse: FirstUse,
  policy: Policy,
  presenter: Presenter,
  token: Span,
  end: i64,
  isNew: bool,
): Reason {
  return judge(firstUse, policy, presenter, token, end, isNew);
}

/** The same of a token that nobody here can verify. */
export function judgeUnverifiedFirstUse(
  firstUse: FirstUse,
  policy: Policy,
  presenter: Presenter,
  token: Span,
  isNew: bool,
): Reason {
  const end = inquiry.now / 1000 + AWAITED_FOR;
  const reason = judge(firstUse, policy, presenter, token, end, false);
  if (reason != Reason.ok || !isNew || holding != Holding.Nobodys) return reason;
  return awaitAcceptance(showing, firstUse.quarantines) ? Reason.ok : Reason.first_use_full;
}

/** What was found last. */
let holding: Holding = Holding.Unknown;

function judge(
  firstUse: FirstUse,
  policy: Policy,
  presenter: Presenter,
  token: Span,
  end: i64,
  isPinning: bool,
): Reason {
  // jwt_authn has taken the token away, and what is left of it are claims, which another token may have as well.
  if (token == ABSENT) return Reason.token_absent;
  const holder = holderBy(firstUse, policy, presenter);
  if (holder == ABSENT) return firstUse.byAddress ? Reason.source_unknown : Reason.spiffe_id_absent;
  if (!showing.read(firstUse.terms, withoutSignature(token), holder)) return Reason.host_unavailable;
  holding = firstUsesFor(inquiry.isObserved).judge(
    showing,
    isPinning,
    firstUse.quarantines,
    end,
    inquiry.now / 1000,
  );
  return reasonOf(holding);
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
function holderBy(firstUse: FirstUse, policy: Policy, presenter: Presenter): Span {
  // Behind a forwarder it is the forwarder's address.
  if (firstUse.byAddress) return presenter.forwarder == ABSENT ? readSourceHost(policy) : ABSENT;
  if (presenter.spiffeId == ABSENT) return ABSENT;
  return matchesAny(firstUse.sharers, presenter.spiffeId) ? SHARERS : presenter.spiffeId;
}
