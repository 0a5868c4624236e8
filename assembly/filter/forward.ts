// What the upstream gets besides what the client sent: a header with what was proven, one with the verdict, and no token where a
// rule takes it out. Whatever a client has put into these headers is taken out first.

import { ascii, makeForever } from "../host/arena";
import { removeRequestHeader, replaceRequestHeader } from "../host/call";
import { PairReader } from "../host/pairs";
import { Span, ABSENT, equals, equalsAscii, lengthOf } from "../host/span";
import { line, startLine, writeAscii, writeByte, writeBytes } from "../host/writer";
import { Char } from "../text/ascii";
import { Reason, reasonName } from "../decision/reason";
import { Decision, Verdict, verdictName } from "../decision/decision";
import { Policy, Rule, headerSpelled, isSpelledAlike } from "../policy/policy";
import { Facts } from "../telemetry/facts";
import { recordPayloadHeader } from "../telemetry/record";

/** The verdict, for the next hop; a structured field item (RFC 9651). */
const VERDICT_HEADER = ascii("x-holdfast-verdict");

const VERDICT_BY_UNDERSCORES = ascii("x_holdfast_verdict");
const VERDICT_BY_FIRST_UNDERSCORE = ascii("x_holdfast-verdict");
const VERDICT_BY_LAST_UNDERSCORE = ascii("x-holdfast_verdict");

const pairs = makeForever<PairReader>();

/** True when this header is one that nobody but holdfast may write, whatever the policy says. */
export function isOwnHeader(name: Span): bool {
  return isSpelledAlike(VERDICT_HEADER, name);
}

/** Takes out what a client has put where only holdfast writes. False when the host refused. */
export function removeOwnHeaders(headers: Span): bool {
  pairs.start(headers);
  while (pairs.next()) {
    if (isOwnHeader(pairs.name) && !removeRequestHeader(pairs.name)) return false;
  }
  return true;
}

/** The same where nobody could read what the client has sent: every spelling of it. */
export function removeUnseenOwnHeaders(): bool {
  return (
    removeRequestHeader(VERDICT_HEADER) &&
    removeRequestHeader(VERDICT_BY_UNDERSCORES) &&
    removeRequestHeader(VERDICT_BY_FIRST_UNDERSCORE) &&
    removeRequestHeader(VERDICT_BY_LAST_UNDERSCORE)
  );
}

/** The same for the headers that this policy has payloads go on in. @param except one that another holdfast has written; absent: none */
export function removePayloadHeaders(headers: Span, policy: Policy, except: Span): bool {
  if (policy.payloadHeaders.count == 0) return true;
  pairs.start(headers);
  while (pairs.next()) {
    const isOurs = headerSpelled(policy.payloadHeaders, pairs.name) != ABSENT;
    if (isOurs && !equals(pairs.name, except) && !removeRequestHeader(pairs.name)) return false;
  }
  return true;
}

/** Does what the rule's `forward` says. False when the host refused. @param payload of the token, as it came; absent: none */
export function forward(headers: Span, rule: Rule, payload: Span, decision: Decision, facts: Facts): bool {
  const wanted = rule.forward;
  const isRefused = decision.verdict == Verdict.Strip;
  if ((isRefused || wanted.stripsToken) && !stripToken(headers, rule)) return false;
  if (!isRefused && wanted.payloadHeader != ABSENT && lengthOf(payload) > 0) {
    if (!replaceRequestHeader(wanted.payloadHeader, payload)) return false;
    recordPayloadHeader(wanted.payloadHeader);
  }
  // Whoever has judged the token has said so already.
  const isTold = !wanted.tellsVerdict || decision.reason == Reason.judged_before;
  return isTold || replaceRequestHeader(VERDICT_HEADER, verdictLine(decision, facts));
}

/** Takes the token out, from wherever the rule takes tokens. */
function stripToken(headers: Span, rule: Rule): bool {
  pairs.start(headers);
  while (pairs.next()) {
    const isAuthorization = rule.readsAuthorization && equalsAscii(pairs.name, "authorization");
    const carriesToken = isAuthorization || headerSpelled(rule.headers, pairs.name) != ABSENT;
    if (carriesToken && !removeRequestHeader(pairs.name)) return false;
  }
  return true;
}

function verdictLine(decision: Decision, facts: Facts): Span {
  startLine();
  writeAscii(verdictName(decision.verdict));
  writeAscii(";reason=");
  writeAscii(reasonName(decision.reason));
  writeParameter("rule", facts.rule);
  writeParameter("issuer", facts.issuer);
  return line();
}

/** Names of rules and issuers have no character that a quoted string escapes. */
function writeParameter(name: string, value: Span): void {
  if (value == ABSENT) return;
  writeByte(Char.Semicolon);
  writeAscii(name);
  writeAscii('="');
  writeBytes(value);
  writeByte(Char.Quote);
}
