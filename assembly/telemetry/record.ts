// The one place that writes down what was decided: filter state, counter, log.

import { ascii } from "../host/arena";
import { writeFilterState } from "../host/call";
import { Span } from "../host/span";
import { line, startLine, writeAscii } from "../host/writer";
import { Decision, Verdict, verdictName } from "../decision/decision";
import { reasonName } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { count } from "./counters";
import { DenyFacts, logDeny } from "./deny_log";

/** Envoy publishes these as filter state `wasm.holdfast.verdict` and `wasm.holdfast.reason`. */
const VERDICT = ascii("holdfast.verdict");
const REASON = ascii("holdfast.reason");

const ALLOW = ascii(verdictName(Verdict.Allow));
const DENY = ascii(verdictName(Verdict.Deny));
const WOULD_DENY = ascii(verdictName(Verdict.WouldDeny));

/** @param now milliseconds since 1970, or 0 when the clock was not read on the way */
export function record(decision: Decision, facts: DenyFacts, presenter: Presenter, now: i64): void {
  count(decision);
  writeFilterState(VERDICT, stateOf(decision.verdict));
  if (decision.verdict == Verdict.Allow) return;
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
    default:
      return DENY;
  }
}
