// The way of a request, from top to bottom. Each step answers a reason; the first that is not `ok` is the outcome.

import { makeForever } from "../host/arena";
import { closeStream, continueRequest, readClock, readRequestHeaders } from "../host/call";
import { Span, ABSENT, equals, lengthOf } from "../host/span";
import { proveBindings } from "../binding/bind";
import { trail } from "../binding/trail";
import { namesCertificate, namesKey, rotatedBy } from "../binding/confirmation";
import { Rotated, isHolders, moment } from "../binding/rotation";
import { asksForCluster, borderOf, checkBorder, clusterBorderOf } from "../boundary/border";
import { checkEgress } from "../boundary/egress";
import { checkPresenter } from "../boundary/presenters";
import { checkService } from "../boundary/services";
import { Decision, Verdict } from "../decision/decision";
import { Answer, Reason, answerTo } from "../decision/reason";
import { examineCertificate, liveNotAfter } from "../evidence/examine";
import { evaluateAll } from "../evidence/expressions";
import { becomeForwarded, isForwarder } from "../evidence/forwarded";
import {
  gatherCertificate,
  gatherCluster,
  gatherConnection,
  gatherIdentity,
  gatherOutsider,
  readLocalId,
  readSourceHost,
} from "../evidence/gather";
import { Verified, collectClaims, findVerified, leftAnything, verifiedIssuer } from "../evidence/jwt_authn";
import { Presenter } from "../evidence/presenter";
import { plainHost } from "../policy/authority";
import { Target, isOnlyRule, isRuleByLookalikes, matchRule } from "../policy/match";
import {
  Border,
  Crossing,
  Fact,
  FirstUse,
  Issuer,
  Method,
  Mode,
  Policy,
  PresenterFrom,
  Proof,
  Rotation,
  Rule,
  TokenNeed,
  crossingOf,
  hasText,
  isWit,
  issuerIdentifiedBy,
  opaqueIssuerFor,
} from "../policy/policy";
import { certificatesSeen } from "../state/certificates_seen";
import { secretHash } from "../text/hash";
import { NO_NODE } from "../text/json";
import { ageOf, checkClaims, endOf } from "../token/claims";
import { Credential, hasQueryToken } from "../token/credential";
import { MAX_OPAQUE_BYTES } from "../token/introspections";
import { isOpaque } from "../token/jws";
import { checkHeader, issuerOf } from "../token/kind";
import { VerifiedClaims } from "../token/verified_claims";
import { Event, countEvent } from "../telemetry/events";
import { Facts } from "../telemetry/facts";
import { earlierPayloadHeader, earlierTokenHeader, record, wasAllowedBefore } from "../telemetry/record";
import { Action, apply } from "./apply";
import { RootContext, findRoot, policyOf } from "./contexts";
import { forward, removeOwnHeaders, removePayloadHeaders, removeUnseenOwnHeaders } from "./forward";
import { forgetFirstUse, hasFirstUse, judgeFirstUse, noteFirstUse } from "./first_use";
import { followUp, recallExpressions } from "./follow_up";
import { inquiry, shareOf, shareOfStrangers } from "./inquiry";
import { forgetPossession, hasFreshNonce, provePossession, spendProof } from "./possession";
import {
  forgetProof,
  proveByForwardedPayload,
  proveByIntrospection,
  proveBySignature,
  reachOfToken,
  read,
  readToken,
} from "./prove";
import { LiveStream, forgetStream } from "./live_streams";
import { judgePresenterRevoked, judgeRevoked } from "./revoked";
import { Sent } from "./sent";
import { NOTHING, Waiting, addWaiter } from "./waiting";

/** All that bindings may look at of a connection. */
const CONNECTION_FACTS: i32 = Fact.SourceAddress | Fact.ServerName | Fact.TlsVersion | Fact.LocalAddress;
/** Milliseconds until a request is judged again of which nothing can be known now. */
const RETRY: i64 = 500;
/** Seconds until a request is judged again under a policy that does not say how often. */
const MAX_BEAT: i64 = 60;

// One request is judged at a time and from start to end in one callback, so its records can be static.
const sent = makeForever<Sent>();
const target = makeForever<Target>();
const credential = makeForever<Credential>();
const presenter = Presenter.make();
const facts = makeForever<Facts>();
const decision = Decision.make();
/** What the token's signature was found good for, as it came; absent: nothing to pass on. */
let payload: Span = ABSENT;
/** Of the key that has signed the token; absent where it names none. */
let keyId: Span = ABSENT;
let mode: Mode = Mode.Enforce;
let ruleInForce: Rule | null = null;
const arrival = makeForever<Waiting>();
/** Milliseconds since 1970; 0 while the clock was not read. */
let now: i64 = 0;
/** Milliseconds since 1970 when what the request was admitted by ends. */
let endsAt: i64 = 0;
/** True when nobody here can say what the token is worth. */
let isUnverified: bool = false;
/** True when a holdfast before this one in the proxy has allowed the request for its token. */
let isJudged: bool = false;
/** The admitted request that is judged again; null: one that has come. */
let reviewed: LiveStream | null = null;

/** Judges one request by the policy of `root`, the one in force when it arrived; null when there is none. */
export function handleRequest(root: RootContext | null, stream: u32): Action {
  arrival.stream = stream;
  arrival.root = root == null ? 0 : root.id;
  arrival.until = 0;
  arrival.hasFailed = false;
  return decide(root, arrival);
}

/** Judges a request that has waited, from the start: what it waited for is there now, or its time is up. */
export function resumeRequest(request: Waiting): void {
  const action = decide(findRoot(request.root), request);
  // What Envoy does not let go on must not wait for ever.
  if (action == Action.Continue && !continueRequest()) closeStream();
}

/**
 * Judges a request that was admitted and goes on, by the policy of `root`; false when it does not hold any more, and is closed.
 * @param at milliseconds since 1970
 * @param end the same, when what admitted it ends, as far as was known until now
 */
export function reviewRequest(root: RootContext, stream: LiveStream, at: i64, end: i64): bool {
  const policy = policyOf(root);
  forget();
  reviewed = stream;
  // Whatever is asked on its behalf is answered to its own root context.
  inquiry.root = stream.root;
  const reason = judge(policy);
  reviewed = null;
  const meaning = answerTo(reason);
  if (meaning == Answer.None || mode == Mode.Observe) {
    const rule = ruleInForce;
    const beat = rule == null || rule.revalidateEvery == 0 ? MAX_BEAT : rule.revalidateEvery;
    stream.dueAt = min(stream.dueAt, at + beat * 1000);
    if (endsAt != 0) stream.endsAt = min(stream.endsAt, endsAt);
    return true;
  }
  // What cannot be known now may be known at the next beat, but not for longer than what admitted it lasts.
  if (meaning == Answer.Unavailable && at < end) {
    stream.dueAt = min(stream.dueAt, at + RETRY);
    return true;
  }
  decision.close(meaning == Answer.Unavailable ? Reason.token_expired : reason);
  facts.tokenHeader = credential.header;
  if (policy != null && policy.logsClaims) tellRequest(policy);
  record(decision, facts, presenter, at, false);
  answer(policy, at);
  return false;
}

function decide(root: RootContext | null, request: Waiting): Action {
  const policy = policyOf(root);
  const isResumed = request.until != 0;
  forget();
  inquiry.root = request.root;
  inquiry.stream = request.stream;
  inquiry.hasFailed = request.hasFailed;
  if (isResumed) presenter.recallExpressions(request.trueExpressions);
  isJudged = policy != null && wasAllowedBefore();
  const reason = judge(policy);
  return inquiry.awaited == NOTHING ? conclude(root, reason) : wait(root, reason, request);
}

/** What would decide the request is on its way: it waits, if there is time and room, and is then judged from the start. */
function wait(root: RootContext | null, reason: Reason, request: Waiting): Action {
  // The client would see a pause.
  if (mode == Mode.Observe) return conclude(root, Reason.answer_pending);
  if (request.until == 0) request.until = inquiry.awaitedUntil;
  if (now >= request.until) return conclude(root, reason);
  const rule = ruleInForce;
  if (rule != null) evaluateAll(rule, presenter);
  request.presenter = inquiry.holder;
  request.hasFailed = false;
  request.trueExpressions = presenter.trueExpressions;
  return addWaiter(request, inquiry.awaited) ? Action.Stop : conclude(root, inquiry.reasonWithoutRoom);
}

function conclude(root: RootContext | null, reason: Reason): Action {
  const policy = policyOf(root);
  const rule = ruleInForce;
  const isFollowed = rule != null && rule.revalidateEvery > 0 && reason == Reason.ok && mode == Mode.Enforce;
  const hasRoom = !isFollowed || followUp(policy!, rule!, presenter, sent.headers, endsAt);
  let outcome = hasRoom ? reason : Reason.streams_full;
  // A proof is good once, and a token belongs to its first presenter, so that only a request that passes changes either.
  if (outcome == Reason.ok) outcome = spendProof(mode == Mode.Observe);
  if (outcome == Reason.ok) outcome = noteHolder();
  if (isFollowed && outcome != Reason.ok) forgetStream(inquiry.stream);
  if (outcome == Reason.ok && isUnverified) outcome = Reason.token_unverified;
  decision.combine(outcome, mode, mayStrip(outcome));
  if (policy != null && !prepareForUpstream(policy)) decision.combine(Reason.host_unavailable, mode, false);
  if (decision.verdict == Verdict.Allow) noteService();
  // A request that was refused before its presenter mattered still came from somebody: the log says from whom.
  if (decision.verdict != Verdict.Allow && policy != null && !presenter.isGathered) {
    identify(policy);
  }
  facts.tokenHeader = credential.header;
  const isLogged = isSampled(root);
  if (policy != null && policy.logsClaims && (isLogged || decision.verdict != Verdict.Allow))
    tellRequest(policy);
  record(decision, facts, presenter, now, isLogged);
  return answer(policy, now);
}

/** Has the record say what the request was, with what another policy may look at, so that it can be decided again elsewhere. */
function tellRequest(policy: Policy): void {
  if (!sent.isRead) return;
  facts.isTold = true;
  facts.method = target.method;
  facts.authority = target.authority;
  facts.path = target.path;
  facts.payload = payload;
  facts.localId = readLocalId();
  gatherCertificate(presenter);
  gatherConnection(presenter, policy, CONNECTION_FACTS);
}

/** True when what is wrong is in a header that is ours to take out, and the rule says that requests go on without it. */
function mayStrip(reason: Reason): bool {
  const rule = ruleInForce;
  if (rule == null || !rule.stripsRefused || hasQueryToken(sent.path)) return false;
  if (reason == Reason.listener_not_outbound) return false;
  return rule.readsAuthorization || reason != Reason.token_duplicate;
}

/** @param at milliseconds since 1970 */
function answer(policy: Policy | null, at: i64): Action {
  return apply(decision, policy == null ? null : policy.dpop, credential.isDpop, at / 1000);
}

/** True for one in so many requests that are allowed. */
function isSampled(root: RootContext | null): bool {
  const policy = policyOf(root);
  if (root == null || policy == null || policy.sampleAllowed == 0) return false;
  if (decision.verdict != Verdict.Allow || ++root.unlogged < policy.sampleAllowed) return false;
  root.unlogged = 0;
  return true;
}

/** Leaves in a request that goes on what the upstream is to get. False when the host refused. */
function prepareForUpstream(policy: Policy): bool {
  if (decision.verdict == Verdict.Deny) return true;
  if (!sent.isRead) return removeUnseenOwnHeaders();
  // What a holdfast before this one has written stays.
  const isJudgedBefore = decision.reason == Reason.judged_before;
  if (sent.hasOwnHeader && !isJudgedBefore && !removeOwnHeaders(sent.headers)) return false;
  // The upstream would see the rest.
  if (mode == Mode.Observe) return true;
  if (!removePayloadHeaders(sent.headers, policy, isJudgedBefore ? earlierPayloadHeader() : ABSENT))
    return false;
  const rule = ruleInForce;
  return rule == null || forward(sent.headers, rule, payload, decision, facts);
}

/** Where the token stands in its travels. */
function noteUse(claims: VerifiedClaims): void {
  facts.isUse = true;
  facts.age = ageOf(claims, now / 1000);
  const reach = reachOfToken();
  if (reach == null) return;
  if (reach.usedAt != 0) facts.sinceCheck = max<i64>(0, now - reach.usedAt);
  reach.usedAt = now;
  facts.isNewPresenter = reach.presenters.add(inquiry.sender);
  facts.presenters = reach.presenters.count;
  facts.services = reach.services.count;
}

/** The host that has accepted the token. */
function noteService(): void {
  const reach = facts.isUse ? reachOfToken() : null;
  if (reach == null) return;
  facts.isNewService = reach.services.add(secretHash(plainHost(target.authority)));
  facts.services = reach.services.count;
}

function forget(): void {
  mode = Mode.Enforce;
  ruleInForce = null;
  now = 0;
  endsAt = 0;
  reviewed = null;
  isJudged = false;
  isUnverified = false;
  payload = ABSENT;
  keyId = ABSENT;
  trail.clear();
  forgetProof();
  forgetPossession();
  forgetFirstUse();
  inquiry.clear();
  facts.clear();
  sent.clear();
  credential.clear();
  presenter.clear();
}

function judge(policy: Policy | null): Reason {
  if (policy == null) return Reason.policy_absent;
  mode = policy.modeWithoutRule;
  let reason = sent.read(reviewed == null ? readRequestHeaders() : reviewed!.headers, target, credential);
  if (reason != Reason.ok) return reason;

  const rule = matchRule(policy, target);
  if (!isOnlyRule(policy, target, rule)) return Reason.path_ambiguous;
  if (!isRuleByLookalikes(policy, target, rule)) return Reason.header_ambiguous;
  mode = policy.mode;
  if (rule == null) return Reason.no_rule;
  mode = rule.mode;
  ruleInForce = rule;
  facts.rule = rule.name;
  if (reviewed != null) recallExpressions(reviewed!, rule, presenter);
  if (rule.token == TokenNeed.None) return Reason.token_not_required;

  if (rule.headers.count > 0) sent.readNamed(rule, credential);
  reason = credential.find(sent.path, rule.readsAuthorization);
  facts.token = credential.token;
  if (isJudged && isSameToken(rule, reason)) return Reason.judged_before;
  if (reason == Reason.token_absent) return judgeWithoutToken(policy, rule);
  if (reason != Reason.ok) return reason;
  return rule.takesOpaque && isOpaque(credential.token)
    ? judgeOpaque(policy, rule)
    : judgeToken(policy, rule);
}

/**
 * True when a holdfast before this one in the proxy has judged the very token that this one would, or has taken it out. What comes in
 * another header is another token.
 * @param reason what came of looking for the token
 */
function isSameToken(rule: Rule, reason: Reason): bool {
  const header = earlierTokenHeader();
  if (reason == Reason.ok) return equals(credential.header, header);
  const isRead = lengthOf(header) == 0 ? rule.readsAuthorization : hasText(rule.headers, header);
  return reason == Reason.token_absent && isRead;
}

function judgeToken(policy: Policy, rule: Rule): Reason {
  let reason = read(credential.token, credential.known);
  if (reason != Reason.ok) return reason;
  const token = readToken();
  const issuer = issuerOf(token, rule.issuers, credential.header);
  if (issuer == null) return Reason.issuer_unknown;
  facts.issuer = issuer.name;
  reason = checkHeader(token, issuer.kind);
  if (reason == Reason.ok) reason = checkJwtAuthn(policy, issuer);
  if (reason != Reason.ok) return reason;

  // Before the signature, which costs as much as all the rest many times over: nobody without an identity gets to spend it.
  reason = judgePresenter(policy, issuer);
  if (reason != Reason.ok) return reason;
  reason = startInquiry(policy);
  if (reason != Reason.ok) return reason;
  const claims =
    issuer.proof == Proof.Signature
      ? proveBySignature(issuer)
      : proveByForwardedPayload(sent.only(issuer.payloadHeader));
  if (claims == null) return inquiry.reason;
  payload = readToken().payloadText;
  // A header that jwt_authn did not look at is nobody's word.
  if (issuer.proof == Proof.Signature) keyId = readToken().keyId;
  return judgeClaims(policy, rule, issuer, claims);
}

/** A token that says nothing of itself: its issuer is asked, or nobody. */
function judgeOpaque(policy: Policy, rule: Rule): Reason {
  const issuer = opaqueIssuerFor(rule.issuers, credential.header);
  if (issuer == null) return Reason.token_malformed;
  facts.issuer = issuer.name;
  if (lengthOf(credential.token) > MAX_OPAQUE_BYTES) return Reason.token_too_large;
  let reason = checkJwtAuthn(policy, issuer);
  if (reason == Reason.ok) reason = judgePresenter(policy, issuer);
  if (reason != Reason.ok) return reason;
  reason = startInquiry(policy);
  if (reason != Reason.ok) return reason;
  const claims =
    issuer.proof == Proof.Upstream
      ? VerifiedClaims.ofNothing()
      : proveByIntrospection(issuer.introspector!, credential.token);
  return claims == null ? inquiry.reason : judgeClaims(policy, rule, issuer, claims);
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
  let reason = judgePresenter(policy, issuer);
  if (reason == Reason.ok) reason = startInquiry(policy);
  if (reason != Reason.ok) return reason;
  const collected = collectClaims(issuer, rule, policy.revocations != null);
  if (collected == null) return Reason.claim_malformed;
  return judgeClaims(policy, rule, issuer, VerifiedClaims.byMetadata(collected));
}

/** From here on time counts, and so does who asks. */
function startInquiry(policy: Policy): Reason {
  now = readClock();
  inquiry.now = now;
  const isOutside = facts.border == Border.Outside;
  inquiry.sender = secretHash(isOutside ? readSourceHost(policy) : presenter.spiffeId);
  inquiry.isStranger = isOutside || facts.border == Border.Federated;
  inquiry.holder = inquiry.isStranger
    ? shareOfStrangers(isOutside ? 0 : secretHash(presenter.trustDomain))
    : shareOf(inquiry.sender);
  facts.sender = inquiry.sender;
  inquiry.isObserved = mode == Mode.Observe;
  if (now == 0) return Reason.host_unavailable;
  // Behind a forwarder the live certificate is the forwarder's, whoever its client is.
  const isForwarded = presenter.forwarder != ABSENT;
  const isExamined = policy.examinesCertificate && (isForwarded || !presenter.hasNoCertificate);
  return isExamined ? examineCertificate(now / 1000, isOutside && !isForwarded ? 0 : 1) : Reason.ok;
}

/** Who is live on this connection, and may he be here at all, and the issuer's tokens with him? */
function judgePresenter(policy: Policy, issuer: Issuer): Reason {
  let reason = identify(policy);
  if (isNobody(reason) && crossingOf(issuer, Border.Outside) != null)
    reason = gatherOutsider(presenter, policy);
  if (reason == Reason.ok) reason = judgePresenterRevoked(policy, presenter);
  if (reason == Reason.ok) reason = judgeBorder(policy, issuer);
  if (reason == Reason.ok) reason = checkPresenter(issuer, presenter);
  return reason == Reason.ok && issuer.acceptedBy.count > 0 ? checkService(issuer, readLocalId()) : reason;
}

/** True when there is no SPIFFE ID to be seen, which is how it is outside of the mesh. */
function isNobody(reason: Reason): bool {
  return reason == Reason.peer_absent || reason == Reason.spiffe_id_absent || reason == Reason.caller_absent;
}

function judgeBorder(policy: Policy, issuer: Issuer): Reason {
  facts.border = borderOf(policy, presenter);
  if (asksForCluster(issuer, facts.border)) {
    const reason = gatherCluster(presenter);
    if (reason != Reason.ok) return reason;
    facts.border = clusterBorderOf(policy, presenter);
    if (facts.border == Border.None) return Reason.cluster_unknown;
  }
  return checkBorder(issuer, facts.border);
}

/** The live peer, or whom it speaks for. */
function identify(policy: Policy): Reason {
  const reason = gatherIdentity(presenter, policy);
  if (reason != Reason.ok || !isForwarder(policy, presenter)) return reason;
  return sent.xfccCount > 1 ? Reason.xfcc_malformed : becomeForwarded(policy, presenter, sent.xfcc);
}

/** The second question: is the token meant for who presents it, here and now? */
function judgeClaims(policy: Policy, rule: Rule, issuer: Issuer, claims: VerifiedClaims): Reason {
  const isVerified = issuer.proof != Proof.Upstream;
  isUnverified = !isVerified;
  if (reviewed == null && isVerified) noteUse(claims);
  let reason = isVerified ? checkClaims(claims, issuer, rule, now / 1000) : Reason.ok;
  if (reason == Reason.ok && policy.from == PresenterFrom.Self)
    reason = checkEgress(issuer.egress, claims, target.authority);
  if (reason == Reason.ok) reason = judgeRevoked(policy, issuer, claims, keyId, credential.token, presenter);
  if (reason != Reason.ok) return reason;
  endsAt = isVerified ? endOf(claims, issuer) * 1000 : i64.MAX_VALUE;
  if (policy.examinesCertificate && !presenter.hasNoCertificate)
    endsAt = min(endsAt, (liveNotAfter() + 1) * 1000);

  reason =
    reviewed == null
      ? provePossession(policy, issuer, claims, credential, target, sent, presenter)
      : recallPossession(reviewed!, policy, issuer, claims);
  if (reason != Reason.ok) return reason;
  if (sent.isEarly && reviewed == null && !hasFreshNonce(policy.dpop)) return Reason.early_data;
  reason = namesCertificate(claims) ? gatherCertificate(presenter) : Reason.ok;
  const crossing = crossingOf(issuer, facts.border);
  const wanted = rule.bind.facts | factsOf(crossing);
  if (reason == Reason.ok && wanted != 0) reason = gatherConnection(presenter, policy, wanted);
  if (reason != Reason.ok) return reason;
  moment.now = now / 1000;
  moment.clockSkew = issuer.clockSkew;
  moment.isObserved = mode == Mode.Observe;
  reason = proveBindings(claims, policy, rule, crossing, presenter);
  if (reason == Reason.ok && rule.bind.firstUse != null && claims.registered.cnf == NO_NODE)
    reason = judgeHolder(policy, rule.bind.firstUse!, isVerified ? endOf(claims, issuer) : 0);
  // The rest was done for the request that began the stream.
  if (reviewed != null) return reason;
  if (rule.bind.rotation != null) followRotation(claims, rule.bind.rotation!, reason);
  return reason;
}

/** Is it the token of who presents it? @param end seconds since 1970 when it ends; 0: nobody here knows, nor what it is */
function judgeHolder(policy: Policy, firstUse: FirstUse, end: i64): Reason {
  const reason = judgeFirstUse(firstUse, policy, presenter, credential.token, end, reviewed == null);
  if (reason != Reason.ok) trail.note(Method.FirstUse, reason, false);
  return reason;
}

/** Notes whose the token is, where the rule asks for that. */
function noteHolder(): Reason {
  if (!hasFirstUse()) return Reason.ok;
  const reason = noteFirstUse();
  trail.note(Method.FirstUse, reason, false);
  return reason;
}

function factsOf(crossing: Crossing | null): i32 {
  return crossing == null ? 0 : crossing.bind.facts;
}

/** A proof was good for the request that began the stream, and so is the key that it has shown, where proofs are judged at all. */
function recallPossession(
  stream: LiveStream,
  policy: Policy,
  issuer: Issuer,
  claims: VerifiedClaims,
): Reason {
  const isJudged = isWit(issuer.kind) ? policy.wpt != null : policy.dpop != null;
  presenter.keyThumbprint = isJudged ? stream.keyThumbprint : ABSENT;
  return namesKey(claims) || !credential.isDpop ? Reason.ok : Reason.dpop_unbound;
}

/** Counts what a newer certificate has let pass, and notes the live one, since a token that names it may outlive it. */
function followRotation(claims: VerifiedClaims, rotation: Rotation, reason: Reason): void {
  if (reason == Reason.ok && rotatedBy() == Rotated.Seen) countEvent(Event.RotationSeen);
  if (reason == Reason.ok && rotatedBy() == Rotated.Renewed) countEvent(Event.RotationRenewed);
  // Otherwise one token would do to note any number of workloads.
  if (!isHolders(claims, rotation, presenter)) return;
  certificatesSeen(moment.isObserved).note(presenter.spiffeId, presenter.certificateDigest, moment.now);
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
