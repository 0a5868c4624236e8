// How far tokens travel, in counters: how old they are when they are used, how long ago they were checked, by how many presenters
// they are shown and how many hosts accept them, what ties them to anybody, and which borders they cross. Envoy shows them as
// `wasmcustom.holdfast.reach.<name>`. They are counted in memory and handed over on the tick: a call to the host for each would cost
// a request more than all of them are worth.

import { ascii } from "../host/arena";
import { addToCounter, defineCounter } from "../host/call";
import { indexOf, slice } from "../host/span";
import { Table, tableForever } from "../host/table";
import { line, startLine, writeAscii, writeBytes } from "../host/writer";
import { trail } from "../binding/trail";
import { Char } from "../text/ascii";
import { Decision, Verdict } from "../decision/decision";
import { Facts, UNKNOWN } from "./facts";

/** The first counter of each family. */
const enum Family {
  TokenAge = 0,
  SinceCheck = 7,
  Presenters = 14,
  Services = 19,
  Uses = 24,
  Border = 26,
}
const COUNTERS: i32 = 30;
/** In the order of the families, each ended by a blank. */
const NAMES = ascii(
  "token_age.1m token_age.5m token_age.15m token_age.1h token_age.8h token_age.24h token_age.more since_check.first since_check.1s since_check.10s since_check.1m since_check.10m since_check.1h since_check.more presenters.1 presenters.2 presenters.3 presenters.4 presenters.more services.1 services.2 services.3 services.4 services.more uses.bound uses.unbound border.same border.cluster border.federated border.outside ",
);
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
  let start = 0;
  for (let i = 0; i < COUNTERS; i++) {
    const end = indexOf(NAMES, Char.Space, start);
    startLine();
    writeAscii("holdfast.reach.");
    writeBytes(slice(NAMES, start, end));
    counts.at(i).id = defineCounter(line());
    start = end + 1;
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
