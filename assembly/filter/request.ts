// The way of a request, from top to bottom. Each step answers a reason; the first that is not `ok` is the outcome.

import { makeForever } from "../host/arena";
import { Budgets } from "../host/budgets";
import { NO_CALL, continueRequest, readClock, readRequestHeaders } from "../host/call";
import { PairReader } from "../host/pairs";
import { Span, ABSENT, byteAt, equals, equalsAscii, lengthOf } from "../host/span";
import { proveBindings } from "../binding/bind";
import { namesCertificate, namesKey } from "../binding/confirmation";
import { checkTrustDomain } from "../boundary/trust_domain";
import { Decision, Verdict } from "../decision/decision";
import { Reason } from "../decision/reason";
import { gatherCertificate, gatherIdentity } from "../evidence/gather";
import { Verified, collectClaims, findVerified, leftAnything, verifiedIssuer } from "../evidence/jwt_authn";
import { Presenter } from "../evidence/presenter";
import { isPlainAuthority } from "../policy/authority";
import { Target, isOnlyRule, matchRule } from "../policy/match";
import { KeySet } from "../policy/key_set";
import { KeySource, KeyState } from "../policy/key_source";
import { isMethod } from "../policy/method";
import { isAmbiguousPath, withoutQuery } from "../policy/path";
import {
  Introspector,
  Issuer,
  Mode,
  Policy,
  Proof,
  Rule,
  TokenNeed,
  hasText,
  introspectorFor,
  issuerIdentifiedBy,
} from "../policy/policy";
import { Char } from "../text/ascii";
import { fnv1a } from "../text/hash";
import { checkClaims } from "../token/claims";
import { Credential } from "../token/credential";
import { MAX_OPAQUE_BYTES } from "../token/introspections";
import { UnverifiedToken, isOpaque } from "../token/jws";
import { checkHeader, issuerOf } from "../token/kind";
import { Remembered, recall, remember } from "../token/token_cache";
import { CachedToken } from "../token/token_table";
import { VerifiedClaims } from "../token/verified_claims";
import { DenyFacts } from "../telemetry/deny_log";
import { Event, countEvent } from "../telemetry/events";
import { record } from "../telemetry/record";
import { Action, apply } from "./apply";
import { RootContext, findRoot, policyOf } from "./contexts";
import { ask, introspectionsFor } from "./introspect";
import { fetchKeys } from "./key_fetch";
import { Awaited, NOTHING, Woken, addWaiter } from "./waiting";

// One request is judged at a time and from start to end in one callback, so its records can be static.
const pairs = makeForever<PairReader>();
const target = makeForever<Target>();
const credential = makeForever<Credential>();
const fresh = UnverifiedToken.make();
/** The token as it was just read, or as it is remembered. */
let token: UnverifiedToken = fresh;
let cached: CachedToken | null = null;
const presenter = Presenter.make();
const facts = makeForever<DenyFacts>();
const decision = Decision.make();
let headers: Span = ABSENT;
let wholePath: Span = ABSENT;
let mode: Mode = Mode.Enforce;
/** Milliseconds since 1970; 0 while the clock was not read. */
let now: i64 = 0;
/** What would decide the request, and is on its way; and how long it may be waited for. */
let awaited: Awaited = NOTHING;
let awaitedUntil: i64 = 0;
/** What is said when there is no room to wait. */
let reasonWithoutRoom: Reason = Reason.keys_busy;
/** True once it has waited: what is not known now will not be asked for again. */
let hasWaited: bool = false;
let rootId: u32 = 0;

/** Milliseconds that a request may wait for an answer that it has asked for. */
const MAX_WAIT: i64 = 5000;
/** A presenter may have keys fetched early once in so many milliseconds: a flood of made-up key IDs asks for no more. */
const EARLY_REFILL: i32 = 10_000;
/** Signatures of one presenter that may fail at once, and the time in which he gets one back. */
const FAILURES: i32 = 100;
const FAILURE_REFILL: i32 = 100;
const failures = Budgets.make(1024, FAILURES, FAILURE_REFILL);
const earlyFetches = Budgets.make(1024, 1, EARLY_REFILL);

/** Judges one request by the policy of `root`, the one in force when it arrived; null when there is none. */
export function handleRequest(root: RootContext | null, stream: u32): Action {
  return decide(root, stream, 0);
}

/** Judges a request that has waited, from the start: what it waited for is there now, or its time is up. */
export function resumeRequest(woken: Woken): void {
  if (decide(findRoot(woken.root), woken.stream, woken.until) == Action.Continue) continueRequest();
}

/** @param until when a request that has waited has to be decided; 0 for one that has just arrived */
function decide(root: RootContext | null, stream: u32, until: i64): Action {
  const policy = policyOf(root);
  forget();
  rootId = root == null ? 0 : root.id;
  hasWaited = until != 0;
  let reason = judge(policy);
  // In observe mode the client would see a pause.
  if (awaited != NOTHING && mode == Mode.Enforce) {
    if (until == 0) until = awaitedUntil;
    if (now < until) {
      if (addWaiter(rootId, stream, awaited, presenterHash(), until)) return Action.Stop;
      reason = reasonWithoutRoom;
    }
  }
  return conclude(policy, reason);
}

function conclude(policy: Policy | null, reason: Reason): Action {
  decision.combine(reason, mode);
  // A request that was refused before its presenter mattered still came from somebody: the log says from whom.
  if (decision.verdict != Verdict.Allow && policy != null && !presenter.isGathered) {
    gatherIdentity(presenter, policy);
  }
  record(decision, facts, presenter, now);
  return apply(decision);
}

function forget(): void {
  mode = Mode.Enforce;
  now = 0;
  awaited = NOTHING;
  awaitedUntil = 0;
  facts.clear();
  credential.clear();
  presenter.clear();
}

function judge(policy: Policy | null): Reason {
  if (policy == null) return Reason.policy_absent;
  mode = policy.modeWithoutRule;
  let reason = readRequest();
  if (reason != Reason.ok) return reason;

  const rule = matchRule(policy, target);
  if (!isOnlyRule(policy, target, rule)) return Reason.path_ambiguous;
  mode = policy.mode;
  if (rule == null) return Reason.no_rule;
  mode = rule.mode;
  facts.rule = rule.name;
  if (rule.token == TokenNeed.None) return Reason.token_not_required;

  if (rule.headers.count > 0) readNamedHeaders(rule);
  reason = credential.find(wholePath, rule.readsAuthorization);
  facts.token = credential.token;
  if (reason == Reason.token_absent) return judgeWithoutToken(policy, rule);
  if (reason != Reason.ok) return reason;
  return rule.introspects && isOpaque(credential.token)
    ? judgeOpaque(policy, rule)
    : judgeToken(policy, rule);
}

function judgeToken(policy: Policy, rule: Rule): Reason {
  let reason = readToken();
  if (reason != Reason.ok) return reason;
  const issuer = issuerOf(token, rule.issuers, credential.header);
  if (issuer == null) return Reason.issuer_unknown;
  facts.issuer = issuer.name;
  reason = checkHeader(token, issuer.kind);
  if (reason == Reason.ok) reason = checkJwtAuthn(policy, issuer);
  if (reason != Reason.ok) return reason;

  // Before the signature, which costs as much as all the rest many times over: nobody without an identity gets to spend it.
  reason = judgePresenter(policy);
  if (reason != Reason.ok) return reason;
  now = readClock();
  if (now == 0) return Reason.host_unavailable;
  const claims = issuer.proof == Proof.Signature ? verify(issuer) : recognise(issuer);
  return claims == null ? refusedBy : judgeClaims(rule, issuer, claims);
}

/** A token that says nothing of itself: its issuer is asked. */
function judgeOpaque(policy: Policy, rule: Rule): Reason {
  const issuer = introspectorFor(rule.issuers, credential.header);
  if (issuer == null) return Reason.token_malformed;
  facts.issuer = issuer.name;
  if (lengthOf(credential.token) > MAX_OPAQUE_BYTES) return Reason.token_too_large;
  let reason = checkJwtAuthn(policy, issuer);
  if (reason == Reason.ok) reason = judgePresenter(policy);
  if (reason != Reason.ok) return reason;
  now = readClock();
  if (now == 0) return Reason.host_unavailable;
  const claims = introspect(issuer.introspector!);
  return claims == null ? refusedBy : judgeClaims(rule, issuer, claims);
}

/** Taken apart before, or now. */
function readToken(): Reason {
  cached = recall(credential.token);
  token = cached == null ? fresh : cached!.token;
  return cached == null ? fresh.read(credential.token) : Reason.ok;
}

/** No token in the request: perhaps because jwt_authn verified it and took it away. */
function judgeWithoutToken(policy: Policy, rule: Rule): Reason {
  const isOptional = rule.token == TokenNeed.Optional;
  const absent = isOptional ? Reason.token_optional_absent : Reason.token_absent;
  if (!policy.usesJwtAuthn && !isOptional) return absent;
  switch (findVerified(policy)) {
    case Verified.Nobodys:
      return leftAnything() ? Reason.issuer_unknown : absent;
    case Verified.One:
      return judgeRemovedToken(policy, rule);
    case Verified.Several:
      return Reason.token_duplicate;
    default:
      return Reason.host_unavailable;
  }
}

function judgeRemovedToken(policy: Policy, rule: Rule): Reason {
  const issuer = verifiedIssuer();
  if (issuer == null || issuerIdentifiedBy(rule.issuers, issuer.identifier) == null)
    return Reason.issuer_unknown;
  facts.issuer = issuer.name;
  const reason = judgePresenter(policy);
  if (reason != Reason.ok) return reason;
  now = readClock();
  if (now == 0) return Reason.host_unavailable;
  return judgeClaims(rule, issuer, VerifiedClaims.byMetadata(collectClaims(issuer, rule)));
}

/** Who is live on this connection, and may he be here at all? */
function judgePresenter(policy: Policy): Reason {
  const reason = gatherIdentity(presenter, policy);
  return reason == Reason.ok ? checkTrustDomain(policy, presenter) : reason;
}

/** The second question: is the token meant for who presents it, here and now? */
function judgeClaims(rule: Rule, issuer: Issuer, claims: VerifiedClaims): Reason {
  let reason = checkClaims(claims, issuer, rule, now / 1000);
  if (reason != Reason.ok) return reason;

  if (credential.isDpop && !namesKey(claims)) return Reason.dpop_unbound;
  reason = namesCertificate(claims) ? gatherCertificate(presenter) : Reason.ok;
  return reason == Reason.ok ? proveBindings(claims, rule, presenter) : reason;
}

/** Reads the header pairs, once. */
function readRequest(): Reason {
  headers = readRequestHeaders();
  if (lengthOf(headers) == 0) return Reason.host_unavailable;
  target.clear();
  wholePath = ABSENT;
  pairs.start(headers);
  while (pairs.next()) noteHeader(pairs.name, pairs.value);
  if (!pairs.ok) return Reason.host_unavailable;
  target.path = withoutQuery(wholePath);
  if (isAmbiguousPath(target.path)) return Reason.path_ambiguous;
  if (!isMethod(target.method)) return Reason.method_ambiguous;
  return isPlainAuthority(target.authority) ? Reason.ok : Reason.authority_ambiguous;
}

function noteHeader(name: Span, value: Span): void {
  const first = byteAt(name, 0);
  if (first == Char.Colon) {
    if (equalsAscii(name, ":path")) wholePath = value;
    else if (equalsAscii(name, ":method")) target.method = value;
    else if (equalsAscii(name, ":authority")) target.authority = value;
  } else if (first == Char.LowerA && equalsAscii(name, "authorization")) {
    credential.note(value);
  }
}

/** The headers besides `authorization` that this rule takes tokens from. */
function readNamedHeaders(rule: Rule): void {
  pairs.start(headers);
  while (pairs.next()) {
    if (hasText(rule.headers, pairs.name)) credential.noteNamed(pairs.name, pairs.value);
  }
}

/** A token in the header has to be the only one: jwt_authn must have verified one of the same issuer, or none. */
function checkJwtAuthn(policy: Policy, issuer: Issuer): Reason {
  if (!policy.usesJwtAuthn) return Reason.ok;
  switch (findVerified(policy)) {
    case Verified.One:
      return verifiedIssuer() == issuer ? Reason.ok : Reason.token_duplicate;
    case Verified.Several:
      return Reason.token_duplicate;
    case Verified.Unknown:
      return Reason.host_unavailable;
    default:
      // Nobody's of this policy: jwt_authn may look at this very token for reasons of its own.
      return issuer.proof == Proof.JwtAuthn ? Reason.jwt_authn_absent : Reason.ok;
  }
}

/** Why the last step that proves claims gave none. */
let refusedBy: Reason = Reason.signature_invalid;

function verify(issuer: Issuer): VerifiedClaims | null {
  const source = issuer.source;
  switch (source == null ? KeyState.Absent : source.stateAt(now, issuer.staleFor)) {
    case KeyState.Ready:
      return verifyWith(source!);
    case KeyState.Stale:
      refusedBy = Reason.keys_stale;
      return null;
    default:
      refusedBy = Reason.keys_absent;
      if (source != null && source.isAwaited(now))
        waitFor(source.id, source.awaitedUntil(), Reason.keys_busy);
      return null;
  }
}

function verifyWith(source: KeySource): VerifiedClaims | null {
  const keys = source.keys!;
  if (cached != null) {
    const known = VerifiedClaims.byMemory(cached!, keys);
    if (known != null) countEvent(Event.TokenHit);
    if (known != null) return known;
  }
  const claims = verifyFresh(keys);
  if (refusedBy == Reason.key_unknown) lookForKey(source);
  return claims;
}

/** Checks the signature: what costs most, so nobody may have too many bad ones checked. */
function verifyFresh(keys: KeySet): VerifiedClaims | null {
  const holder = presenterHash();
  refusedBy = Reason.failures_exceeded;
  if (!failures.has(holder, now)) return null;
  countEvent(Event.TokenMiss);
  token = fresh;
  refusedBy = cached == null ? Reason.ok : fresh.read(credential.token);
  if (refusedBy != Reason.ok) return null;
  const claims = VerifiedClaims.bySignature(fresh, keys);
  refusedBy = VerifiedClaims.refusedBy();
  if (refusedBy == Reason.signature_invalid) failures.spend(holder, now);
  if (claims == null) return null;
  const remembered = remember(credential.token, fresh, VerifiedClaims.provenBy(), holder);
  if (remembered == Remembered.ForAnother) countEvent(Event.TokenEviction);
  return claims;
}

/** A key that is not there may have been published since the last fetch: whoever names one may have it looked for. */
function lookForKey(source: KeySource): void {
  const holder = presenterHash() ^ source.id;
  if (earlyFetches.has(holder, now) && source.mayBeAskedEarly(now)) {
    earlyFetches.spend(holder, now);
    fetchKeys(source, rootId, now);
  }
  if (source.call != NO_CALL) waitFor(source.id, now + MAX_WAIT, Reason.keys_busy);
}

function waitFor(what: Awaited, until: i64, otherwise: Reason): void {
  awaited = what;
  awaitedUntil = until;
  reasonWithoutRoom = otherwise;
}

/** What the introspection server says, or has said lately; null while it is being asked, too. */
function introspect(introspector: Introspector): VerifiedClaims | null {
  const isObserved = mode == Mode.Observe;
  const answers = introspectionsFor(isObserved);
  let entry = answers.find(credential.token, introspector.identity, now);
  if (entry == null && !hasWaited) {
    refusedBy = ask(introspector, credential.token, presenterHash(), isObserved, rootId, now);
    if (refusedBy != Reason.ok) return null;
    entry = answers.find(credential.token, introspector.identity, now);
  }
  refusedBy = isObserved ? Reason.introspection_pending : Reason.introspection_unavailable;
  if (entry == null) return null;
  if (entry.awaited != 0) {
    waitFor(entry.awaited, now + MAX_WAIT, Reason.introspection_busy);
    return null;
  }
  const claims = VerifiedClaims.byIntrospection(entry);
  refusedBy = VerifiedClaims.refusedBy();
  if (claims == null || introspector.issuer == ABSENT) return claims;
  refusedBy = Reason.issuer_unknown;
  return equals(claims.document.stringOf(claims.named("iss")), introspector.issuer) ? claims : null;
}

/** That jwt_authn verified some token does not mean that it was this one: its payload has to be the one it forwards. */
function recognise(issuer: Issuer): VerifiedClaims | null {
  refusedBy = Reason.jwt_authn_mismatch;
  return VerifiedClaims.byForwardedPayload(token, onlyHeader(issuer.payloadHeader));
}

function presenterHash(): u32 {
  return fnv1a(presenter.spiffeId, 0);
}

/** The value of a header that is there exactly once; otherwise absent. */
function onlyHeader(name: Span): Span {
  let found: Span = ABSENT;
  let count = 0;
  pairs.start(headers);
  while (name != ABSENT && pairs.next()) {
    if (!equals(pairs.name, name)) continue;
    found = pairs.value;
    count++;
  }
  return count == 1 ? found : ABSENT;
}
