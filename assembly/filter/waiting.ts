// Requests that were paused because what decides them is on its way. Whoever waits is woken by the answer or by the clock, and
// is then judged from the start.

import { makeForever } from "../host/arena";
import { Table, tableForever } from "../host/table";

/** Requests that wait at one time in a worker. Full means denied: nobody who waits is sent away for somebody else. */
const MAX_WAITING: i32 = 2048;
/** Of these, one presenter's: a flood of his leaves room for the others. */
const MAX_OF_ONE: i32 = 512;
/** Presenters whose hashes fall together share what one of them may have. */
const SHARES: i32 = 1024;

/** Milliseconds that a request waits for anything, at most. */
export const MAX_WAIT: i64 = 5000;

/** What a request waits for: the number of a key source or of a question. */
export type Awaited = u32;
export const NOTHING: Awaited = 0;

@unmanaged
class Waiter {
  request: Waiting;
  awaited: Awaited;
  isCalled: bool;
}

@unmanaged
class Share {
  waiting: i32;
}

/** A request that waits, and what is known of it that cannot be found out later. */
@unmanaged
export class Waiting {
  stream: u32;
  root: u32;
  /** A hash of who sent it. */
  presenter: u32;
  /** When it has to be decided, in milliseconds since 1970; 0 for one that has not waited. */
  until: i64;
  /** True when what it has waited for came to nothing, and is not to be asked for again. */
  hasFailed: bool;
  /** Which of its rule's expressions are true, a bit for each. */
  trueExpressions: u32;

  copyFrom(other: Waiting): void {
    this.stream = other.stream;
    this.root = other.root;
    this.presenter = other.presenter;
    this.until = other.until;
    this.hasFailed = other.hasFailed;
    this.trueExpressions = other.trueExpressions;
  }
}

const waiters: Table<Waiter> = makeWaiters();
const shares: Table<Share> = tableForever<Share>(SHARES);
let count: i32 = 0;

function makeWaiters(): Table<Waiter> {
  const table = tableForever<Waiter>(MAX_WAITING);
  for (let i = 0; i < MAX_WAITING; i++) table.at(i).request = makeForever<Waiting>();
  return table;
}

/** Notes that a request waits. False when there is no room for it. */
export function addWaiter(request: Waiting, awaited: Awaited): bool {
  const share = shares.at(request.presenter & (SHARES - 1));
  if (count >= MAX_WAITING || share.waiting >= MAX_OF_ONE) return false;
  share.waiting++;
  const waiter = waiters.at(count++);
  waiter.request.copyFrom(request);
  waiter.awaited = awaited;
  waiter.isCalled = false;
  return true;
}

/** A root context has another policy: what was found of the old one's expressions says nothing of the new one's, and none is true. */
export function forgetExpressionsOf(root: u32): void {
  for (let i = 0; i < count; i++) {
    const request = waiters.at(i).request;
    if (request.root == root) request.trueExpressions = 0;
  }
}

/** A stream has ended, perhaps while it waited. */
export function forgetWaiter(stream: u32): void {
  for (let i = 0; i < count; i++) {
    if (waiters.at(i).request.stream == stream) return remove(i);
  }
}

/** Calls all who wait for this, come or failed. Then `takeCalled` gives them one by one. */
export function callWaiters(awaited: Awaited, hasFailed: bool): void {
  if (awaited == NOTHING) return;
  for (let i = 0; i < count; i++) {
    const waiter = waiters.at(i);
    if (waiter.awaited != awaited) continue;
    waiter.isCalled = true;
    waiter.request.hasFailed = hasFailed;
  }
}

/** Calls those of a root context whose time is up. */
export function callExpired(root: u32, now: i64): void {
  for (let i = 0; i < count; i++) {
    const waiter = waiters.at(i);
    // A clock that was set back makes nobody wait for longer.
    const isOver = now >= waiter.request.until || waiter.request.until - now > MAX_WAIT;
    if (waiter.request.root == root && isOver) waiter.isCalled = true;
  }
}

/** Takes one who was called out of the table and into `into`; false when there is none left. */
export function takeCalled(into: Waiting): bool {
  for (let i = count - 1; i >= 0; i--) {
    if (!waiters.at(i).isCalled) continue;
    into.copyFrom(waiters.at(i).request);
    remove(i);
    return true;
  }
  return false;
}

/** Puts one back who could not be judged now: a stream that has ended is no more among those who wait. */
export function putBack(request: Waiting): void {
  addWaiter(request, NOTHING);
}

function remove(index: i32): void {
  const gone = waiters.at(index);
  shares.at(gone.request.presenter & (SHARES - 1)).waiting--;
  const last = waiters.at(--count);
  if (last == gone) return;
  gone.request.copyFrom(last.request);
  gone.awaited = last.awaited;
  gone.isCalled = last.isCalled;
}
