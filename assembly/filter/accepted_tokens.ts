// Requests with tokens that nobody here can verify, until their upstreams have answered: one that is taken there belongs to its presenter
// from then on.

import { arenaMark, ascii, makeForever, returnTo } from "../host/arena";
import { enterContext, readClock, readProperty } from "../host/call";
import { Span, equalsAscii, lengthOf, wordAt } from "../host/span";
import { Table, tableForever } from "../host/table";
import { Holding, Showing, firstUsesFor } from "../state/first_use";
import { Event, countEvent } from "../telemetry/events";
import { inquiry } from "./inquiry";

/** Seconds since its last use that such a token belongs to somebody: nobody knows how long it is good. */
export const AWAITED_FOR: i64 = 24 * 60 * 60;
/** Requests that may wait for this at one time in a worker. Full means denied. */
const MAX_AWAITED: i32 = 2048;
/** Of these, one presenter's: a flood of his leaves room for the others. */
const MAX_OF_ONE: i32 = 512;
/** Presenters whose hashes fall together share what one of them may have. */
const SHARES: i32 = 1024;

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
const shares: Table<Share> = tableForever<Share>(SHARES);
let count: i32 = 0;

function makeAnswers(): Table<AwaitedAnswer> {
  const table = tableForever<AwaitedAnswer>(MAX_AWAITED);
  for (let i = 0; i < MAX_AWAITED; i++) table.at(i).showing = makeForever<Showing>();
  return table;
}

/** Has the token become this presenter's once the upstream takes it. False when there is no room to wait for that. */
export function awaitAcceptance(showing: Showing, quarantines: bool): bool {
  const share = shares.at(inquiry.holder & (SHARES - 1));
  if (count == MAX_AWAITED || share.awaited == MAX_OF_ONE) return false;
  share.awaited++;
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
    if (lengthOf(readProperty(RESPONSE_CODE)) > 0) settle(i);
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
    const holding = uses.judge(settled.showing, true, settled.quarantines, now + AWAITED_FOR, now);
    if (holding != Holding.Own) countEvent(Event.FirstUseLost);
  }
  shares.at(settled.holder & (SHARES - 1)).awaited--;
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
  return status > 0 && status != 401 && status != 403 && isOfUpstream(readProperty(RESPONSE_DETAILS));
}

/** Of a client that has left, Envoy says that in place of where the answer came from. */
function isOfUpstream(details: Span): bool {
  return equalsAscii(details, "via_upstream") || equalsAscii(details, "downstream_remote_disconnect");
}
