// One log line for a policy that was accepted or refused.

import { LogLevel, isLogged, writeLog } from "../host/call";
import { line, startLine, writeAscii, writeDecimal } from "../host/writer";
import { Mode, Policy } from "../policy/policy";
import { refusal } from "../policy/refusal";

/** Says in a few numbers what is in force from now on, so that a surprise shows at once. */
export function logPolicy(policy: Policy): void {
  if (!isLogged(LogLevel.Info)) return;
  startLine();
  writeAscii("policy in force: ");
  writeAscii(policy.mode == Mode.Observe ? "observe" : "enforce");
  writeCount(countIssuers(policy), " issuers");
  writeCount(countRules(policy), " rules");
  writeCount(countKeysPassedOver(policy), " keys passed over");
  writeCount(countWithoutAudiences(policy), " issuers whose tokens are taken whatever their audience");
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

function countIssuers(policy: Policy): i32 {
  let count = 0;
  let issuer = policy.issuers;
  while (issuer != null) {
    count++;
    issuer = issuer.next;
  }
  return count;
}

function countKeysPassedOver(policy: Policy): i32 {
  let count = 0;
  let issuer = policy.issuers;
  while (issuer != null) {
    count += issuer.keysPassedOver;
    issuer = issuer.next;
  }
  return count;
}

function countWithoutAudiences(policy: Policy): i32 {
  let count = 0;
  let issuer = policy.issuers;
  while (issuer != null) {
    if (issuer.audiences == null) count++;
    issuer = issuer.next;
  }
  return count;
}

function countRules(policy: Policy): i32 {
  let count = 0;
  let rule = policy.rules;
  while (rule != null) {
    count++;
    rule = rule.next;
  }
  return count;
}
