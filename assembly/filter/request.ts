// The way of a request, from top to bottom. Each step answers a reason; the first that is not `ok` is the outcome.

import { makeForever } from "../host/arena";
import { readClock, readRequestHeaders } from "../host/call";
import { PairReader } from "../host/pairs";
import { Span, ABSENT, byteAt, equals, equalsAscii, lengthOf } from "../host/span";
import { proveBindings } from "../binding/bind";
import { namesCertificate } from "../binding/confirmation";
import { checkTrustDomain } from "../boundary/trust_domain";
import { Decision, Verdict } from "../decision/decision";
import { Reason } from "../decision/reason";
import { gatherCertificate, gatherIdentity } from "../evidence/gather";
import { Verified, collectClaims, findVerified, leftAnything, verifiedIssuer } from "../evidence/jwt_authn";
import { Presenter } from "../evidence/presenter";
import { isPlainAuthority } from "../policy/authority";
import { Target, isOnlyRule, matchRule } from "../policy/match";
import { isMethod } from "../policy/method";
import { isAmbiguousPath, withoutQuery } from "../policy/path";
import { Issuer, Mode, Policy, Proof, Rule, TokenNeed, issuerIdentifiedBy } from "../policy/policy";
import { Char } from "../text/ascii";
import { checkClaims } from "../token/claims";
import { Credential } from "../token/credential";
import { UnverifiedToken } from "../token/jws";
import { VerifiedClaims } from "../token/verified_claims";
import { DenyFacts } from "../telemetry/deny_log";
import { record } from "../telemetry/record";
import { Action, apply } from "./apply";

// One request is judged at a time and from start to end in one callback, so its records can be static.
const pairs = makeForever<PairReader>();
const target = makeForever<Target>();
const credential = makeForever<Credential>();
const token = UnverifiedToken.make();
const presenter = Presenter.make();
const facts = makeForever<DenyFacts>();
const decision = Decision.make();
let headers: Span = ABSENT;
let wholePath: Span = ABSENT;
let mode: Mode = Mode.Enforce;
let now: i64 = 0;

/** Judges one request by `policy`, the one in force when it arrived; null when there is none. */
export function handleRequest(policy: Policy | null): Action {
  forget();
  decision.combine(judge(policy), mode);
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

  reason = credential.find(wholePath);
  facts.token = credential.token;
  if (reason == Reason.token_absent) return judgeWithoutToken(policy, rule);
  return reason == Reason.ok ? judgeToken(policy, rule) : reason;
}

function judgeToken(policy: Policy, rule: Rule): Reason {
  let reason = token.read(credential.token);
  if (reason != Reason.ok) return reason;
  const issuer = issuerIdentifiedBy(rule.issuers, token.claimedIssuer);
  if (issuer == null) return Reason.issuer_unknown;
  facts.issuer = issuer.name;
  reason = checkJwtAuthn(policy, issuer);
  if (reason != Reason.ok) return reason;

  // Before the signature, which costs as much as all the rest many times over: nobody without an identity gets to spend it.
  reason = judgePresenter(policy);
  if (reason != Reason.ok) return reason;
  const claims = verify(issuer);
  return claims == null ? VerifiedClaims.refusedBy() : judgeClaims(rule, issuer, claims);
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
  return judgeClaims(rule, issuer, VerifiedClaims.byMetadata(collectClaims(issuer, rule)));
}

/** Who is live on this connection, and may he be here at all? */
function judgePresenter(policy: Policy): Reason {
  const reason = gatherIdentity(presenter, policy);
  return reason == Reason.ok ? checkTrustDomain(policy, presenter) : reason;
}

/** The second question: is the token meant for who presents it, here and now? */
function judgeClaims(rule: Rule, issuer: Issuer, claims: VerifiedClaims): Reason {
  now = readClock();
  if (now == 0) return Reason.host_unavailable;
  let reason = checkClaims(claims, issuer, rule, now);
  if (reason != Reason.ok) return reason;

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

function verify(issuer: Issuer): VerifiedClaims | null {
  if (issuer.proof == Proof.Signature) return VerifiedClaims.bySignature(token, issuer);
  // That jwt_authn verified some token does not mean that it was this one: its payload has to be the one it forwards.
  return VerifiedClaims.byForwardedPayload(token, onlyHeader(issuer.payloadHeader));
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
