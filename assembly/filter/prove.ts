// How a token's claims become trustworthy: by a signature with one of its issuer's keys, or by the word of a server that is asked.
// Either may have to wait for an answer that is on its way; then nothing is proven yet, and `inquiry` says what to wait for.

import { Budgets } from "../host/budgets";
import { NO_CALL } from "../host/call";
import { Span, ABSENT, equals } from "../host/span";
import { Algorithm, checkCost } from "../crypto/algorithm";
import { Reason } from "../decision/reason";
import { KeySet } from "../policy/key_set";
import { Source, SourceState } from "../policy/source";
import { Introspector, Issuer, sourceOf } from "../policy/policy";
import { UnverifiedToken } from "../token/jws";
import { Reach } from "../token/reach";
import { Remembered, recall, remember } from "../token/token_cache";
import { CachedToken } from "../token/token_table";
import { VerifiedClaims } from "../token/verified_claims";
import { Event, countEvent } from "../telemetry/events";
import { inquiry } from "./inquiry";
import { ask, introspectionsFor } from "./introspect";
import { fetch } from "./fetch";
import { MAX_WAIT, NOTHING } from "./waiting";

/** Presenters whose hashes fall together share an allowance. */
const HOLDERS: i32 = 1024;
/**
 * What bad signatures of one presenter may cost at once, in units of `checkCost`, and the milliseconds in which he gets one unit back:
 * half a percent of a core.
 */
const FAILURES: i32 = 1000;
const FAILURE_REFILL: i32 = 10;
/** Milliseconds in which a presenter may have keys fetched early once: a flood of made-up key IDs asks for no more. */
const EARLY_REFILL: i32 = 10_000;

const failures = Budgets.make(HOLDERS, FAILURES, FAILURE_REFILL);
const earlyFetches = Budgets.make(HOLDERS, 1, EARLY_REFILL);
// Strangers have any number of addresses and names, and what they spend is no workload's of ours; nor is what observed requests spend.
const strangersFailures = Budgets.make(HOLDERS, FAILURES, FAILURE_REFILL);
const strangersEarlyFetches = Budgets.make(HOLDERS, 1, EARLY_REFILL);
const observedFailures = Budgets.make(HOLDERS, FAILURES, FAILURE_REFILL);
const observedEarlyFetches = Budgets.make(HOLDERS, 1, EARLY_REFILL);

const fresh = UnverifiedToken.make();
let compact: Span = ABSENT;
let cached: CachedToken | null = null;
let reach: Reach | null = null;

/** Takes a token apart, unless it is known taken apart; `readToken` then gives it. */
export function read(token: Span, known: CachedToken | null): Reason {
  compact = token;
  cached = known;
  return cached == null ? fresh.read(token) : Reason.ok;
}

/** What `read` read. */
export function readToken(): UnverifiedToken {
  return cached == null ? fresh : cached!.token;
}

/** Forgets the token of the request before. */
export function forgetProof(): void {
  reach = null;
}

/** How far the token has travelled whose claims were proven last; null when nobody remembers it. */
export function reachOfToken(): Reach | null {
  return reach;
}

/** The claims of the token that was read, once one of the issuer's keys is shown to have signed it; null: see `inquiry`. */
export function proveBySignature(issuer: Issuer): VerifiedClaims | null {
  const source = sourceOf(issuer.keys);
  switch (source == null ? SourceState.Absent : source.stateAt(inquiry.now, issuer.keys!.staleFor)) {
    case SourceState.Ready:
      return proveWith(source!);
    case SourceState.Stale:
      inquiry.reason = Reason.keys_stale;
      return null;
    default:
      inquiry.reason = Reason.keys_absent;
      if (source != null && source.isAwaited(inquiry.now))
        inquiry.waitFor(source.id, source.awaitedUntil(), Reason.keys_busy);
      return null;
  }
}

function proveWith(source: Source): VerifiedClaims | null {
  const keys = source.keys;
  inquiry.reason = Reason.keys_absent;
  if (keys == null) return null;
  if (cached != null) {
    const known = VerifiedClaims.byMemory(cached!, keys);
    if (known != null) {
      countEvent(Event.TokenHit);
      reach = cached!.reach;
      return known;
    }
  }
  const claims = proveFresh(keys);
  if (inquiry.reason == Reason.key_unknown) lookForKey(source);
  return claims;
}

/** Checks the signature: what costs most, so nobody may have too many bad ones checked. */
function proveFresh(keys: KeySet): VerifiedClaims | null {
  inquiry.reason = Reason.failures_exceeded;
  if (!mayFail()) return null;
  countEvent(Event.TokenMiss);
  // A token that is remembered has no signature any more.
  inquiry.reason = cached == null ? Reason.ok : fresh.read(compact);
  cached = null;
  if (inquiry.reason != Reason.ok) return null;
  const claims = VerifiedClaims.bySignature(fresh, keys);
  inquiry.reason = VerifiedClaims.refusedBy();
  if (inquiry.reason == Reason.signature_invalid) noteFailure(fresh.algorithm);
  if (claims == null) return null;
  const remembered = remember(compact, fresh, VerifiedClaims.provenBy(), inquiry.holder, inquiry.now);
  if (remembered == Remembered.ForAnother) countEvent(Event.TokenEviction);
  if (remembered != Remembered.No) takeReach(recall(compact));
  return claims;
}

/** True while this presenter may have another signature checked that may turn out bad. */
export function mayFail(): bool {
  return failureBudget().has(inquiry.sender, inquiry.now);
}

/** A signature turned out bad. */
export function noteFailure(algorithm: Algorithm): void {
  failureBudget().spend(inquiry.sender, inquiry.now, checkCost(algorithm));
}

function failureBudget(): Budgets {
  if (inquiry.isObserved) return observedFailures;
  return inquiry.isStranger ? strangersFailures : failures;
}

function earlyFetchBudget(): Budgets {
  if (inquiry.isObserved) return observedEarlyFetches;
  return inquiry.isStranger ? strangersEarlyFetches : earlyFetches;
}

function takeReach(entry: CachedToken | null): void {
  if (entry != null) reach = entry.reach;
}

/** A key that is not there may have been published since the last fetch: whoever names one may have it looked for. */
function lookForKey(source: Source): void {
  const holder = inquiry.sender ^ source.id;
  const budget = earlyFetchBudget();
  let isSoon = false;
  if (budget.has(holder, inquiry.now) && source.location != null) {
    budget.spend(holder, inquiry.now, 1);
    // Somebody else's turn was a moment ago: the next tick after it asks again.
    if (source.takeEarlyTurn(inquiry.now, inquiry.isObserved)) fetch(source, inquiry.root, inquiry.now);
    else isSoon = source.askSoon(inquiry.now);
  }
  if (source.call != NO_CALL || isSoon) inquiry.waitFor(source.id, inquiry.now + MAX_WAIT, Reason.keys_busy);
  // Perhaps the key is there by now, and the server cannot say so: a client should keep its token.
  if (source.isFailing()) inquiry.reason = Reason.key_unconfirmed;
}

/** The claims that an introspection server gives for this token, or has given lately; null: see `inquiry`. */
export function proveByIntrospection(introspector: Introspector, token: Span): VerifiedClaims | null {
  const answers = introspectionsFor(inquiry.isObserved);
  let entry = answers.find(token, introspector.identity, inquiry.now, introspector.cacheFor);
  if (entry == null && !inquiry.hasFailed) {
    inquiry.reason = ask(introspector, token, inquiry);
    if (inquiry.reason != Reason.ok) return null;
    entry = answers.find(token, introspector.identity, inquiry.now, introspector.cacheFor);
  }
  inquiry.reason = Reason.introspection_unavailable;
  if (entry == null) return null;
  if (entry.awaited != NOTHING) {
    inquiry.waitFor(entry.awaited, inquiry.now + MAX_WAIT, Reason.introspection_busy);
    return null;
  }
  const claims = VerifiedClaims.byIntrospection(entry);
  reach = entry.reach;
  inquiry.reason = VerifiedClaims.refusedBy();
  if (claims == null || introspector.issuer == ABSENT) return claims;
  inquiry.reason = Reason.issuer_unknown;
  return equals(claims.document.stringOf(claims.registered.iss), introspector.issuer) ? claims : null;
}

/**
 * The claims of the token that was read, when its payload is what jwt_authn forwards: that jwt_authn verified some token does not
 * mean that it was this one.
 */
export function proveByForwardedPayload(forwarded: Span): VerifiedClaims | null {
  inquiry.reason = Reason.jwt_authn_mismatch;
  return VerifiedClaims.byForwardedPayload(readToken(), forwarded);
}
