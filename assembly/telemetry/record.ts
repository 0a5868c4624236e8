// The one place that writes down what was decided: filter state, counter, log.

import { ascii } from "../host/arena";
import { readProperty, writeFilterState } from "../host/call";
import { Span, ABSENT, EMPTY, equals, lengthOf } from "../host/span";
import { line, startLine, writeAscii } from "../host/writer";
import { Decision, Verdict, verdictName } from "../decision/decision";
import { Reason, reasonName } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { Mode } from "../policy/policy";
import { count } from "./counters";
import { logAllowed, logDeny } from "./decision_log";
import { Facts } from "./facts";
import { countUse } from "./reach";

/** Envoy publishes these as filter state `wasm.holdfast.verdict` and so on. */
const VERDICT = ascii("holdfast.verdict");
/** `true` where a holdfast further on is to judge the request itself. */
const PROVISIONAL = ascii("holdfast.provisional");
const TRUE = ascii("true");
const FALSE = ascii("false");
const TOKEN_HEADER = ascii("holdfast.token_header");
const PAYLOAD_HEADER = ascii("holdfast.payload_header");
const REASON = ascii("holdfast.reason");

const ALLOW = ascii(verdictName(Verdict.Allow));
const DENY = ascii(verdictName(Verdict.Deny));
const STRIP = ascii(verdictName(Verdict.Strip));
const CLOSE = ascii(verdictName(Verdict.Close));
const WOULD_DENY = ascii(verdictName(Verdict.WouldDeny));

/** What a holdfast before this one in the proxy has written, if there was one. */
let hasEarlierVerdict: bool = false;
let hasEarlierReason: bool = false;
let isProvisional: bool = false;

/**
 * True when a holdfast before this one in the proxy has allowed the request, and meant it. Its verdict holds: a second reading would
 * find the token taken out, or its proof used up. One that only observed has decided nothing, nor has one that asked for no token.
 */
export function wasAllowedBefore(): bool {
  const verdict = readProperty(VERDICT);
  hasEarlierVerdict = lengthOf(verdict) > 0;
  if (!hasEarlierVerdict) return false;
  hasEarlierReason = equals(verdict, WOULD_DENY);
  const provisional = readProperty(PROVISIONAL);
  isProvisional = provisional != ABSENT && !equals(provisional, FALSE);
  return equals(verdict, ALLOW) && !isProvisional;
}

/**
 * @param now milliseconds since 1970, or 0 when the clock was not read on the way
 * @param isSampled whether a record of an allowed request is logged
 */
export function record(
  decision: Decision,
  facts: Facts,
  presenter: Presenter,
  now: i64,
  isSampled: bool,
): void {
  count(decision);
  countUse(facts, decision);
  // A verdict that a later holdfast relies on is not written without what says how far it goes.
  if (writeProvisional(isOpen(decision)) && writeTokenHeader(decision, facts.tokenHeader))
    writeFilterState(VERDICT, stateOf(decision.verdict));
  if (decision.verdict != Verdict.Allow) {
    writeReason(decision.reason);
    return logDeny(decision, facts, presenter, now);
  }
  // State cannot be taken back, but it can be empty.
  if (hasEarlierVerdict && hasEarlierReason) writeFilterState(REASON, EMPTY);
  if (isSampled) logAllowed(decision, facts, presenter, now);
}

/** True when the request is still to be judged by whoever comes next: nothing was decided about its token. */
function isOpen(decision: Decision): bool {
  if (decision.reason == Reason.judged_before) return false;
  return (
    decision.mode == Mode.Observe ||
    decision.verdict == Verdict.Strip ||
    decision.reason == Reason.token_not_required ||
    decision.reason == Reason.token_optional_absent ||
    decision.reason == Reason.token_unverified
  );
}

/** A state that is not there says no, so that most requests pay for none. False when the host refused. */
function writeProvisional(isOpen: bool): bool {
  if (isOpen) return writeFilterState(PROVISIONAL, TRUE);
  if (hasEarlierVerdict && isProvisional) writeFilterState(PROVISIONAL, FALSE);
  return true;
}

/** Most tokens come in `authorization`, which goes without saying. False when the host refused. */
function writeTokenHeader(decision: Decision, header: Span): bool {
  if (decision.verdict != Verdict.Allow || (header == ABSENT && !hasEarlierVerdict)) return true;
  return writeFilterState(TOKEN_HEADER, header == ABSENT ? EMPTY : header);
}

/** The header that the token came in which a holdfast before this one has judged; absent: `authorization`. */
export function earlierTokenHeader(): Span {
  return readProperty(TOKEN_HEADER);
}

function writeReason(reason: Reason): void {
  startLine();
  writeAscii(reasonName(reason));
  writeFilterState(REASON, line());
}

/** A later holdfast leaves what is in this header. @param name absent: none */
export function recordPayloadHeader(name: Span): void {
  if (name != ABSENT) writeFilterState(PAYLOAD_HEADER, name);
}

/** The header that a holdfast before this one has put a payload in; absent: none. */
export function earlierPayloadHeader(): Span {
  return readProperty(PAYLOAD_HEADER);
}

function stateOf(verdict: Verdict): Span {
  switch (verdict) {
    case Verdict.Allow:
      return ALLOW;
    case Verdict.WouldDeny:
      return WOULD_DENY;
    case Verdict.Strip:
      return STRIP;
    case Verdict.Close:
      return CLOSE;
    default:
      return DENY;
  }
}
