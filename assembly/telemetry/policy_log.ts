// One log line for a policy that was accepted or refused.

import { LogLevel, isLogged, writeLog } from "../host/call";
import { line, startLine, writeAscii, writeDecimal } from "../host/writer";
import { Mode, Policy, Proof, sourceOf } from "../policy/policy";
import { refusal } from "../policy/refusal";

/** Says in a few numbers what is in force from now on, so that a surprise shows at once. */
export function logPolicy(policy: Policy): void {
  if (!isLogged(LogLevel.Info)) return;
  startLine();
  writeAscii("policy in force: ");
  writeAscii(policy.mode == Mode.Observe ? "observe" : "enforce");
  writeCount(policy.issuers.count, " issuers");
  writeCount(policy.rules.count, " rules");
  writeOddity(countKeysPassedOver(policy), " keys for other purposes left out");
  writeOddity(
    countWithoutAudiences(policy),
    " issuers without audiences: their tokens pass whatever service they are for",
  );
  writeLog(LogLevel.Info, line());
}

export function logRefusal(): void {
  writeLog(LogLevel.Error, refusal());
}

function writeCount(count: i32, things: string): void {
  writeAscii(", ");
  writeDecimal(count);
  writeAscii(things);
}

/** What is legal and perhaps not meant shows only where there is any. */
function writeOddity(count: i32, things: string): void {
  if (count > 0) writeCount(count, things);
}

function countKeysPassedOver(policy: Policy): i32 {
  let count = 0;
  let link = policy.issuers.first;
  while (link != null) {
    const source = sourceOf(link.item.keys);
    if (source != null && source.keys != null) count += source.keys!.passedOver;
    link = link.next;
  }
  return count;
}

function countWithoutAudiences(policy: Policy): i32 {
  let count = 0;
  let link = policy.issuers.first;
  while (link != null) {
    // What nobody can verify has none, as far as anybody knows.
    if (link.item.audiences.count == 0 && link.item.proof != Proof.Upstream) count++;
    link = link.next;
  }
  return count;
}
