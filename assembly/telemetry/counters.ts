// A counter for each verdict and reason. Envoy shows them as `wasmcustom.holdfast.<verdict>.<reason>`.

import { addToCounter, defineCounter } from "../host/call";
import { Table, tableForever } from "../host/table";
import { line, startLine, writeAscii } from "../host/writer";
import { Decision, Verdict } from "../decision/decision";
import { Answer, REASON_LIMIT, Reason, answerTo, reasonName } from "../decision/reason";

const VERDICTS: i32 = 5;
const UNDEFINED: i32 = -1;

@unmanaged
class Counter {
  id: i32;
}

const counters: Table<Counter> = tableForever<Counter>(VERDICTS * REASON_LIMIT);
let areDefined: bool = false;

/** Makes every counter known to the host, once in a VM, so that each is there with a zero before it is first needed. */
export function defineCounters(): void {
  if (areDefined) return;
  areDefined = true;
  for (let reason: Reason = 0; reason < REASON_LIMIT; reason++) {
    const isReason = reasonName(reason).length > 0;
    const allows = answerTo(reason) == Answer.None;
    define(Verdict.Allow, "allow", reason, isReason && allows);
    define(Verdict.Deny, "deny", reason, isReason && !allows);
    define(Verdict.WouldDeny, "would_deny", reason, isReason && !allows);
    define(Verdict.Strip, "strip", reason, isReason && canStrip(reason));
    define(Verdict.Close, "close", reason, isReason && canClose(reason));
  }
}

export function count(decision: Decision): void {
  const id = counterOf(decision.verdict, decision.reason).id;
  if (id != UNDEFINED) addToCounter(id, 1);
}

/** Only a token can be taken out, so only what is said of tokens can come of it. */
function canStrip(reason: Reason): bool {
  const answer = answerTo(reason);
  return (
    reason >= Reason.scheme_unsupported && answer != Answer.Unavailable && reason != Reason.token_in_query
  );
}

/** What is not known now closes nothing, and nor does a request's form. */
function canClose(reason: Reason): bool {
  const answer = answerTo(reason);
  return answer == Answer.InvalidToken || answer == Answer.Forbidden || reason == Reason.token_absent;
}

function define(verdict: Verdict, name: string, reason: Reason, isPossible: bool): void {
  counterOf(verdict, reason).id = UNDEFINED;
  if (!isPossible) return;
  startLine();
  writeAscii("holdfast.");
  writeAscii(name);
  writeAscii(".");
  writeAscii(reasonName(reason));
  counterOf(verdict, reason).id = defineCounter(line());
}

function counterOf(verdict: Verdict, reason: Reason): Counter {
  return counters.at(verdict * REASON_LIMIT + reason);
}
