// One log line for a deny, as JSON after the word `holdfast`. Never a token, a header or a path: what identifies the token is
// the start of its SHA-256, and what identifies the presenter is the well-formed SPIFFE ID in its certificate, under another
// name as long as nobody vouches for that certificate.

import { LogLevel, isLogged, readClock, writeLog } from "../host/call";
import { Span, ABSENT } from "../host/span";
import { Table, tableForever } from "../host/table";
import { line, startLine, writeAscii, writeByte, writeBytes, writeDecimal, writeHex } from "../host/writer";
import { sha256 } from "../crypto/sha256";
import { Char } from "../text/ascii";
import { fnv1a } from "../text/hash";
import { Decision, Verdict, verdictName } from "../decision/decision";
import { reasonName } from "../decision/reason";
import { Presenter } from "../evidence/presenter";

/** Lines in a second for one presenter, in one worker: an attacker fills no disk. */
const LINES_PER_SECOND: i32 = 10;
/**
 * Presenters whose IDs fall together share a budget, one pair in a thousand; all whom nobody vouches for share one, since they
 * could call themselves anything. Those of observe mode are apart.
 */
const BUDGETS: i32 = 1024;
/** Bytes of the digest that are shown: enough to find a token again, too few to stand for it. */
const FINGERPRINT_BYTES: i32 = 8;

@unmanaged
class Budget {
  second: i64;
  written: i32;
  heldBack: i64;
}

const budgets: Table<Budget> = tableForever<Budget>(2 * BUDGETS);

/** What a line tells; every span may be absent. */
@unmanaged
export class DenyFacts {
  rule: Span;
  issuer: Span;
  token: Span;

  clear(): void {
    this.rule = ABSENT;
    this.issuer = ABSENT;
    this.token = ABSENT;
  }
}

/** @param known milliseconds since 1970, or 0 when the clock was not read on the way */
export function logDeny(decision: Decision, facts: DenyFacts, presenter: Presenter, known: i64): void {
  if (!isLogged(LogLevel.Warn)) return;
  const second = (known == 0 ? readClock() : known) / 1000;
  const budget = budgetOf(decision.verdict, presenter.isValidated ? presenter.spiffeId : ABSENT);
  if (budget.second != second) {
    budget.second = second;
    budget.written = 0;
  }
  if (budget.written >= LINES_PER_SECOND) {
    budget.heldBack++;
    return;
  }
  budget.written++;
  compose(decision, facts, presenter, budget.heldBack);
  budget.heldBack = 0;
  writeLog(LogLevel.Warn, line());
}

function budgetOf(verdict: Verdict, spiffeId: Span): Budget {
  const own = fnv1a(spiffeId, 0) & (BUDGETS - 1);
  return budgets.at(verdict == Verdict.WouldDeny ? BUDGETS + own : own);
}

function compose(decision: Decision, facts: DenyFacts, presenter: Presenter, heldBack: i64): void {
  const fingerprint = facts.token == ABSENT ? ABSENT : sha256(facts.token);
  startLine();
  writeAscii('holdfast {"verdict":"');
  writeAscii(verdictName(decision.verdict));
  writeAscii('","reason":"');
  writeAscii(reasonName(decision.reason));
  writeByte(Char.Quote);
  writeText("rule", facts.rule);
  writeText("issuer", facts.issuer);
  writeText(presenter.isValidated ? "presenter" : "unvalidatedPresenter", presenter.spiffeId);
  if (fingerprint != ABSENT) {
    writeAscii(',"token":"sha256:');
    writeHex(fingerprint, FINGERPRINT_BYTES);
    writeByte(Char.Quote);
  }
  if (heldBack > 0) {
    writeAscii(',"heldBack":');
    writeDecimal(heldBack);
  }
  writeByte(Char.ClosingBrace);
}

/** Rule and issuer names and SPIFFE IDs have no character that JSON escapes. */
function writeText(name: string, value: Span): void {
  if (value == ABSENT) return;
  writeAscii(',"');
  writeAscii(name);
  writeAscii('":"');
  writeBytes(value);
  writeByte(Char.Quote);
}
