// Whether what a request rests on was taken back before its time: by the policy, by its feed, or by the issuer's status list. What is not
// known yet may be on its way, and then `inquiry` says what to wait for.

import { Span, ABSENT } from "../host/span";
import { checkCertificateRevoked, checkPresenterRevoked, checkRevoked } from "../boundary/revocation";
import { checkStatus, hasStatus, statusUri } from "../boundary/status";
import { Reason } from "../decision/reason";
import { gatherCertificate, readLiveDigest } from "../evidence/gather";
import { Presenter } from "../evidence/presenter";
import { Fetched, Issuer, Policy, sourceOf, statusSourceOf } from "../policy/policy";
import { Revocations, RevokedBy } from "../policy/revocations";
import { Contents, SourceState } from "../policy/source";
import { Event, countEvent } from "../telemetry/events";
import { VerifiedClaims } from "../token/verified_claims";
import { inquiry } from "./inquiry";

/** Before the signature: nobody who is revoked gets to spend one. */
export function judgePresenterRevoked(policy: Policy, presenter: Presenter): Reason {
  const own = policy.revocations;
  const reason = own == null ? Reason.ok : checkPresenterRevoked(own, presenter);
  const fed = fedOf(policy);
  return reason != Reason.ok || fed == null ? reason : checkPresenterRevoked(fed, presenter);
}

/** @param keyId of the key that has signed the token; absent when it names none @param token as it came; absent: nobody has it */
export function judgeRevoked(
  policy: Policy,
  issuer: Issuer,
  claims: VerifiedClaims,
  keyId: Span,
  token: Span,
  presenter: Presenter,
): Reason {
  const own = policy.revocations;
  let reason = own == null ? Reason.ok : judgeBy(own, claims, issuer.name, keyId, token, presenter);
  if (reason != Reason.ok) return reason;
  const feed = policy.feed;
  if (feed != null) {
    reason = judgeState(feed.fetched, feed.passesStale);
    if (reason != Reason.ok) return reason;
    // A feed that is stale, and lets pass, still knows of what it knew.
    const fed = fedOf(policy);
    if (fed != null) reason = judgeBy(fed, claims, nameIn(issuer, claims), keyId, token, presenter);
  }
  return reason == Reason.ok && issuer.statusLists.count > 0 ? judgeStatus(issuer, claims) : reason;
}

function judgeBy(
  revocations: Revocations,
  claims: VerifiedClaims,
  issuer: Span,
  keyId: Span,
  token: Span,
  presenter: Presenter,
): Reason {
  const reason = checkRevoked(revocations, claims, issuer, keyId, token);
  if (reason != Reason.ok || !revocations.hasAny(RevokedBy.Certificate)) return reason;
  return judgeCertificate(revocations, presenter);
}

/** The presenter's, and behind a forwarder the forwarder's as well: it has to show which one its client has. */
function judgeCertificate(revocations: Revocations, presenter: Presenter): Reason {
  const isForwarded = presenter.forwarder != ABSENT;
  const reason = gatherCertificate(presenter);
  if (reason != Reason.ok) return reason;
  if (isForwarded && presenter.certificateDigest == ABSENT) return Reason.certificate_digest_absent;
  const live = isForwarded ? readLiveDigest() : ABSENT;
  if (isForwarded && live == ABSENT) return Reason.certificate_digest_absent;
  return checkCertificateRevoked(revocations, presenter.certificateDigest, live);
}

function judgeStatus(issuer: Issuer, claims: VerifiedClaims): Reason {
  if (!hasStatus(claims)) return Reason.ok;
  const uri = statusUri(claims);
  if (uri == ABSENT) return Reason.status_malformed;
  const source = statusSourceOf(issuer, uri);
  if (source == null) return Reason.status_list_unknown;
  const reason = judgeState(source.fetched, source.passesStale);
  if (reason != Reason.ok) return reason;
  const contents = contentsIn(source.fetched);
  if (contents == null || contents.statuses == null)
    return source.passesStale ? Reason.ok : Reason.revocations_absent;
  return checkStatus(contents.statuses!, claims);
}

/** As a feed calls it, which knows nothing of what the policy does. */
function nameIn(issuer: Issuer, claims: VerifiedClaims): Span {
  return issuer.identifier == ABSENT ? claims.document.stringOf(claims.registered.iss) : issuer.identifier;
}

/** Is it there, and fresh enough? */
function judgeState(fetched: Fetched, passesStale: bool): Reason {
  const source = sourceOf(fetched);
  const state = source == null ? SourceState.Absent : source.stateAt(inquiry.now, fetched.staleFor);
  if (state == SourceState.Ready) return Reason.ok;
  if (source != null && source.isAwaited(inquiry.now)) {
    inquiry.waitFor(source.id, source.awaitedUntil(), Reason.revocations_absent);
    return Reason.revocations_absent;
  }
  if (!passesStale) return state == SourceState.Stale ? Reason.revocations_stale : Reason.revocations_absent;
  countEvent(Event.RevocationsStale);
  return Reason.ok;
}

/** What the feed said last; null: nothing yet. */
function fedOf(policy: Policy): Revocations | null {
  const feed = policy.feed;
  if (feed == null) return null;
  const contents = contentsIn(feed.fetched);
  if (contents == null) return null;
  return contents.revocations;
}

function contentsIn(fetched: Fetched): Contents | null {
  const source = sourceOf(fetched);
  if (source == null) return null;
  return source.contents;
}
