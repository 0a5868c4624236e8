// How far tokens travel, in counters: how old they are when they are used, how long ago they were checked, by how many presenters
// they are shown and how many hosts accept them, what ties them to anybody, and which borders they cross. Envoy shows them as
// `wasmcustom.holdfast.reach.<name>`. They are counted in memory and handed over on the tick: a call to the host for each would cost
// a request more than all of them are worth.

import { addToCounter, defineCounter } from "../host/call";
import { Table, tableForever } from "../host/table";
import { line, startLine, writeAscii } from "../host/writer";
import { trail } from "../binding/trail";
import { Decision, Verdict } from "../decision/decision";
import { Facts, UNKNOWN } from "./facts";

/** The first counter of each family; the rest follow in the order of `suffixOf`. */
const enum Family {
  TokenAge = 0,
  SinceCheck = 7,
  Presenters = 14,
  Services = 19,
  Uses = 24,
  Border = 26,
}
const COUNTERS: i32 = 30;
const UNDEFINED: i32 = -1;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const SECOND_MS: i64 = 1000;
/** Presenters and services of one token that are told apart; more are one bucket. */
const MOST: i32 = 5;

@unmanaged
class Count {
  id: i32;
  waiting: i32;
}

const counts: Table<Count> = tableForever<Count>(COUNTERS);
let areDefined: bool = false;
let isWaiting: bool = false;

/** Makes every counter known to the host, once in a VM. */
export function defineReach(): void {
  if (areDefined) return;
  areDefined = true;
  for (let i = 0; i < COUNTERS; i++) {
    startLine();
    writeAscii("holdfast.reach.");
    writeAscii(familyOf(i));
    writeAscii(suffixOf(i));
    counts.at(i).id = defineCounter(line());
  }
}

/** One use of a token whose claims were proven, whatever became of it. */
export function countUse(facts: Facts, decision: Decision): void {
  if (!facts.isUse) return;
  if (facts.age != UNKNOWN) add(Family.TokenAge + ageBucket(facts.age));
  if (facts.presenters > 0) add(Family.SinceCheck + checkBucket(facts.sinceCheck));
  if (facts.isNewPresenter) add(Family.Presenters + min(facts.presenters, MOST) - 1);
  if (facts.border > 0) add(Family.Border + <i32>facts.border - 1);
  if (decision.verdict != Verdict.Allow) return;
  if (facts.isNewService) add(Family.Services + min(facts.services, MOST) - 1);
  add(Family.Uses + (trail.isBound ? 0 : 1));
}

/** Hands over what was counted since the last time. */
export function flushReach(): void {
  if (!isWaiting) return;
  isWaiting = false;
  for (let i = 0; i < COUNTERS; i++) {
    const count = counts.at(i);
    if (count.waiting > 0 && count.id != UNDEFINED) addToCounter(count.id, count.waiting);
    count.waiting = 0;
  }
}

function add(index: i32): void {
  counts.at(index).waiting++;
  isWaiting = true;
}

function ageBucket(seconds: i64): i32 {
  if (seconds <= MINUTE) return 0;
  if (seconds <= 5 * MINUTE) return 1;
  if (seconds <= 15 * MINUTE) return 2;
  if (seconds <= HOUR) return 3;
  if (seconds <= 8 * HOUR) return 4;
  return seconds <= 24 * HOUR ? 5 : 6;
}

function checkBucket(milliseconds: i64): i32 {
  if (milliseconds == UNKNOWN) return 0;
  if (milliseconds <= SECOND_MS) return 1;
  if (milliseconds <= 10 * SECOND_MS) return 2;
  if (milliseconds <= MINUTE * SECOND_MS) return 3;
  if (milliseconds <= 10 * MINUTE * SECOND_MS) return 4;
  return milliseconds <= HOUR * SECOND_MS ? 5 : 6;
}

function familyOf(index: i32): string {
  if (index >= Family.Border) return "border.";
  if (index >= Family.Uses) return "uses.";
  if (index >= Family.Services) return "services.";
  if (index >= Family.Presenters) return "presenters.";
  return index >= Family.SinceCheck ? "since_check." : "token_age.";
}

function suffixOf(index: i32): string {
  switch (index) {
    case Family.TokenAge:
      return "1m";
    case Family.TokenAge + 1:
      return "5m";
    case Family.TokenAge + 2:
      return "15m";
    case Family.TokenAge + 3:
      return "1h";
    case Family.TokenAge + 4:
      return "8h";
    case Family.TokenAge + 5:
      return "24h";
    case Family.SinceCheck:
      return "first";
    case Family.SinceCheck + 1:
      return "1s";
    case Family.SinceCheck + 2:
      return "10s";
    case Family.SinceCheck + 3:
      return "1m";
    case Family.SinceCheck + 4:
      return "10m";
    case Family.SinceCheck + 5:
      return "1h";
    case Family.Presenters:
    case Family.Services:
      return "1";
    case Family.Presenters + 1:
    case Family.Services + 1:
      return "2";
    case Family.Presenters + 2:
    case Family.Services + 2:
      return "3";
    case Family.Presenters + 3:
    case Family.Services + 3:
      return "4";
    case Family.Uses:
      return "bound";
    case Family.Uses + 1:
      return "unbound";
    case Family.Border:
      return "same";
    case Family.Border + 1:
      return "cluster";
    case Family.Border + 2:
      return "federated";
    case Family.Border + 3:
      return "outside";
    default:
      return "more";
  }
}
