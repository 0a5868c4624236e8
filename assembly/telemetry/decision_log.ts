// The decision record: one log line, JSON after the word `holdfast`, for a deny, and for a sample of what is allowed; its members are
// documented in docs/decision-record.md. Never a token or the value of a header: what identifies the token is
// the start of its SHA-256, and what identifies the presenter is the well-formed SPIFFE ID in its certificate, under another
// name as long as nobody vouches for that certificate.

import { ascii } from "../host/arena";
import { LogLevel, isLogged, readClock, writeLog } from "../host/call";
import { Span, ABSENT } from "../host/span";
import { Table, tableForever } from "../host/table";
import { line, startLine, writeAscii, writeByte, writeDecimal, writeHex } from "../host/writer";
import { methodName, trail } from "../binding/trail";
import { sha256 } from "../crypto/sha256";
import { Char } from "../text/ascii";
import { fnv1a } from "../text/hash";
import { Decision, Verdict, verdictName } from "../decision/decision";
import { Reason, reasonName } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { Border, Mode } from "../policy/policy";
import { Facts, UNKNOWN } from "./facts";
import { writeNumber, writeText } from "./members";
import { writeRequestMembers } from "./request_members";

/** Lines in a second for one presenter, in one worker: an attacker fills no disk. */
const LINES_PER_SECOND: i32 = 10;
/**
 * Presenters whose IDs fall together share a budget, one pair in a thousand; all whom nobody vouches for share one, since they
 * could call themselves anything. Those of observe mode are apart.
 */
const BUDGETS: i32 = 1024;
/** Bytes of the digest that are shown: enough to find a token again, too few to stand for it. */
const FINGERPRINT_BYTES: i32 = 8;

const SAME = ascii("same");
const CLUSTER = ascii("cluster");
const FEDERATED = ascii("federated");
const OUTSIDE = ascii("outside");

@unmanaged
class Budget {
  second: i64;
  written: i32;
  heldBack: i64;
}

const budgets: Table<Budget> = tableForever<Budget>(2 * BUDGETS);

/** @param known milliseconds since 1970, or 0 when the clock was not read on the way */
export function logDeny(decision: Decision, facts: Facts, presenter: Presenter, known: i64): void {
  if (!isLogged(LogLevel.Warn)) return;
  const now = known == 0 ? readClock() : known;
  const second = now / 1000;
  const budget = budgetOf(decision.verdict, senderOf(facts, presenter));
  if (budget.second != second) {
    budget.second = second;
    budget.written = 0;
  }
  // Whoever has every step logged wants every line.
  if (budget.written >= LINES_PER_SECOND && !isLogged(LogLevel.Trace)) {
    budget.heldBack++;
    return;
  }
  budget.written++;
  compose(decision, facts, presenter, now, budget.heldBack);
  budget.heldBack = 0;
  writeLog(LogLevel.Warn, line());
}

export function logAllowed(decision: Decision, facts: Facts, presenter: Presenter, known: i64): void {
  if (!isLogged(LogLevel.Info)) return;
  compose(decision, facts, presenter, known == 0 ? readClock() : known, 0);
  writeLog(LogLevel.Info, line());
}

/** Outsiders are told apart by what is known of where they come from. */
function senderOf(facts: Facts, presenter: Presenter): u32 {
  if (facts.border == Border.Outside) return facts.sender;
  return fnv1a(presenter.isValidated ? presenter.spiffeId : ABSENT, 0);
}

function budgetOf(verdict: Verdict, sender: u32): Budget {
  const own = sender & (BUDGETS - 1);
  return budgets.at(verdict == Verdict.WouldDeny ? BUDGETS + own : own);
}

function compose(decision: Decision, facts: Facts, presenter: Presenter, now: i64, heldBack: i64): void {
  const fingerprint = facts.token == ABSENT ? ABSENT : sha256(facts.token);
  startLine();
  writeAscii('holdfast {"verdict":"');
  writeAscii(verdictName(decision.verdict));
  writeAscii('","reason":"');
  writeAscii(reasonName(decision.reason));
  writeAscii(decision.mode == Mode.Observe ? '","mode":"observe","time":' : '","mode":"enforce","time":');
  writeDecimal(now);
  // Names of rules and issuers, and SPIFFE IDs, have no character that JSON escapes.
  writeText("rule", facts.rule);
  writeText("issuer", facts.issuer);
  writeText(presenter.isValidated ? "presenter" : "unvalidatedPresenter", presenter.spiffeId);
  writeText("forwarder", presenter.forwarder);
  if (facts.border != Border.None) writeText("border", borderName(facts.border));
  if (fingerprint != ABSENT) {
    writeAscii(',"token":"sha256:');
    writeHex(fingerprint, FINGERPRINT_BYTES);
    writeByte(Char.Quote);
  }
  if (facts.isUse) composeUse(decision, facts);
  if (heldBack > 0) writeNumber("heldBack", heldBack);
  if (facts.isTold) writeRequestMembers(facts, presenter);
  writeByte(Char.ClosingBrace);
}

/** What is known of a token whose claims were proven. */
function composeUse(decision: Decision, facts: Facts): void {
  if (facts.age != UNKNOWN) writeNumber("age", facts.age);
  if (facts.sinceCheck != UNKNOWN) writeNumber("sinceCheck", facts.sinceCheck);
  if (facts.presenters > 0) writeNumber("presenters", facts.presenters);
  if (facts.services > 0) writeNumber("services", facts.services);
  if (decision.verdict == Verdict.Allow) writeAscii(trail.isBound ? ',"bound":true' : ',"bound":false');
  if (trail.count == 0) return;
  writeAscii(',"bindings":[');
  for (let i = 0; i < trail.count; i++) composeBinding(i);
  writeByte(Char.ClosingBracket);
}

function composeBinding(index: i32): void {
  const reason = trail.reasonAt(index);
  if (index > 0) writeByte(Char.Comma);
  writeAscii('{"method":"');
  writeAscii(methodName(trail.methodAt(index)));
  writeAscii(reason == Reason.ok ? '","held":true' : '","held":false,"reason":"');
  if (reason != Reason.ok) {
    writeAscii(reasonName(reason));
    writeByte(Char.Quote);
  }
  writeByte(Char.ClosingBrace);
}

function borderName(border: Border): Span {
  switch (border) {
    case Border.Same:
      return SAME;
    case Border.Cluster:
      return CLUSTER;
    case Border.Federated:
      return FEDERATED;
    default:
      return OUTSIDE;
  }
}
