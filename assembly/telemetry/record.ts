// The one place that writes down what was decided: filter state, counter, log.

import { ascii } from "../host/arena";
import { readProperty, writeFilterState } from "../host/call";
import { Span, ABSENT, equals } from "../host/span";
import { line, startLine, writeAscii } from "../host/writer";
import { Decision, Verdict, verdictName } from "../decision/decision";
import { reasonName } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { Mode } from "../policy/policy";
import { count } from "./counters";
import { logDeny, sampleAllowed } from "./decision_log";
import { Facts } from "./facts";
import { countUse } from "./reach";

/** Envoy publishes these as filter state `wasm.holdfast.verdict` and so on. */
const VERDICT = ascii("holdfast.verdict");
const MODE = ascii("holdfast.mode");
const OBSERVE = ascii("observe");
const REASON = ascii("holdfast.reason");

const ALLOW = ascii(verdictName(Verdict.Allow));
const DENY = ascii(verdictName(Verdict.Deny));
const STRIP = ascii(verdictName(Verdict.Strip));
const WOULD_DENY = ascii(verdictName(Verdict.WouldDeny));

/**
 * True when a holdfast before this one in the proxy has allowed the request, and meant it. Its verdict holds: a second reading would
 * find the token taken out, or its proof used up. One that only observed has decided nothing.
 */
export function wasAllowedBefore(): bool {
  const verdict = readProperty(VERDICT);
  const hasDecided = equals(verdict, ALLOW) || equals(verdict, STRIP);
  return hasDecided && readProperty(MODE) == ABSENT;
}

/** @param now milliseconds since 1970, or 0 when the clock was not read on the way; @param oneIn of so many allowed requests one is logged */
export function record(decision: Decision, facts: Facts, presenter: Presenter, now: i64, oneIn: i32): void {
  count(decision);
  countUse(facts, decision);
  writeFilterState(VERDICT, stateOf(decision.verdict));
  if (decision.mode == Mode.Observe) writeFilterState(MODE, OBSERVE);
  if (decision.verdict == Verdict.Allow) return sampleAllowed(oneIn, decision, facts, presenter, now);
  startLine();
  writeAscii(reasonName(decision.reason));
  writeFilterState(REASON, line());
  logDeny(decision, facts, presenter, now);
}

function stateOf(verdict: Verdict): Span {
  switch (verdict) {
    case Verdict.Allow:
      return ALLOW;
    case Verdict.WouldDeny:
      return WOULD_DENY;
    case Verdict.Strip:
      return STRIP;
    default:
      return DENY;
  }
}
