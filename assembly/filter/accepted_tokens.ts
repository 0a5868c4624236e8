// Requests with tokens that nobody here can verify, until their upstreams have answered: one that is taken there belongs to its presenter
// from then on.

import { arenaMark, ascii, makeForever, returnTo } from "../host/arena";
import { enterContext, readClock, readProperty } from "../host/call";
import { Span, equalsAscii, lengthOf, startsWith, wordAt } from "../host/span";
import { Table, tableForever } from "../host/table";
import { Holding, Showing, firstUsesFor } from "../state/first_use";
import { Event, countEvent } from "../telemetry/events";
import { inquiry } from "./inquiry";

/** Seconds since its last use that such a token belongs to somebody: nobody knows how long it is good. */
export const AWAITED_FOR: i64 = 24 * 60 * 60;
/** Seconds that it may be more. */
export const SLACK: i64 = 60;
/** Requests that may wait for this at one time in a worker. Full means denied. Observed ones have as much room of their own. */
const MAX_AWAITED: i32 = 2048;
/** Of these, one presenter's: a flood of his leaves room for the others. */
const MAX_OF_ONE: i32 = 512;
/** Presenters whose hashes fall together share what one of them may have. */
const SHARES: i32 = 1024;

/** As in `http2.remote_reset`. */
const CODEC = ascii("http");
const BROKEN_OFF = ascii("upstream_reset_after_response_started");
const RESPONSE_CODE = ascii("response\0code");
const RESPONSE_DETAILS = ascii("response\0code_details");

@unmanaged
class AwaitedAnswer {
  stream: u32;
  root: u32;
  /** A hash of who sends the request. */
  holder: u32;
  showing: Showing;
  quarantines: bool;
  isObserved: bool;
}

@unmanaged
class Share {
  awaited: i32;
}

const answers: Table<AwaitedAnswer> = makeAnswers();
const shares: Table<Share> = tableForever<Share>(2 * SHARES);
let count: i32 = 0;
/** Of these, how many are of observed requests. */
let observed: i32 = 0;

function makeAnswers(): Table<AwaitedAnswer> {
  const table = tableForever<AwaitedAnswer>(2 * MAX_AWAITED);
  for (let i = 0; i < 2 * MAX_AWAITED; i++) table.at(i).showing = makeForever<Showing>();
  return table;
}

function shareOf(holder: u32, isObserved: bool): Share {
  const own = holder & (SHARES - 1);
  return shares.at(isObserved ? SHARES + own : own);
}

/** Has the token become this presenter's once the upstream takes it. False when there is no room to wait for that. */
export function awaitAcceptance(showing: Showing, quarantines: bool): bool {
  const share = shareOf(inquiry.holder, inquiry.isObserved);
  const others = inquiry.isObserved ? observed : count - observed;
  if (others == MAX_AWAITED || share.awaited == MAX_OF_ONE) return false;
  share.awaited++;
  if (inquiry.isObserved) observed++;
  const awaited = answers.at(count++);
  awaited.stream = inquiry.stream;
  awaited.root = inquiry.root;
  awaited.holder = inquiry.holder;
  awaited.showing.copyFrom(showing);
  awaited.quarantines = quarantines;
  awaited.isObserved = inquiry.isObserved;
  return true;
}

/** Looks for answers that have begun, of requests of this root context. */
export function settleAnswered(root: u32): void {
  let hasEntered = false;
  for (let i = count - 1; i >= 0; i--) {
    const awaited = answers.at(i);
    if (awaited.root != root || !enterContext(awaited.stream)) continue;
    hasEntered = true;
    const mark = arenaMark();
    if (lengthOf(readProperty(RESPONSE_CODE)) > 0) settle(i);
    returnTo(mark);
  }
  if (hasEntered) enterContext(root);
}

/** A request has ended. It may end within another callback, of which nothing may be forgotten. */
export function settleEnded(stream: u32): void {
  for (let i = 0; i < count; i++) {
    if (answers.at(i).stream != stream) continue;
    const mark = arenaMark();
    settle(i);
    return returnTo(mark);
  }
}

/** In the request's own context. */
function settle(index: i32): void {
  const settled = answers.at(index);
  const now = readClock() / 1000;
  if (now > 0 && isAccepted()) {
    const uses = firstUsesFor(settled.isObserved);
    const holding = uses.judge(settled.showing, true, settled.quarantines, now + AWAITED_FOR, SLACK, now);
    if (holding != Holding.Own) countEvent(Event.FirstUseLost);
  }
  shareOf(settled.holder, settled.isObserved).awaited--;
  if (settled.isObserved) observed--;
  const last = answers.at(--count);
  if (last == settled) return;
  settled.stream = last.stream;
  settled.root = last.root;
  settled.holder = last.holder;
  settled.showing.copyFrom(last.showing);
  settled.quarantines = last.quarantines;
  settled.isObserved = last.isObserved;
}

/** True when the upstream has answered, and does not refuse the token: an answer of Envoy's own says nothing of it. */
function isAccepted(): bool {
  const code = readProperty(RESPONSE_CODE);
  if (lengthOf(code) != 8) return false;
  const status = wordAt(code, 0);
  if (status == 0 || status == 401 || status == 403) return false;
  const details = readProperty(RESPONSE_DETAILS);
  // Of a stream that broke off after its headers, Envoy says how, in place of where the answer came from: its own are errors.
  return equalsAscii(details, "via_upstream") || (status < 400 && hasBrokenOff(details));
}

function hasBrokenOff(details: Span): bool {
  return (
    equalsAscii(details, "downstream_remote_disconnect") ||
    startsWith(details, CODEC) ||
    startsWith(details, BROKEN_OFF)
  );
}
