// Requests that were paused because what decides them is on its way. Whoever waits is woken by the answer or by the clock, and
// is then judged from the start.

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
  stream: u32;
  root: u32;
  awaited: Awaited;
  presenter: u32;
  /** Milliseconds since 1970. */
  until: i64;
  hasAsked: bool;
  isCalled: bool;
}

@unmanaged
class Share {
  waiting: i32;
}

/** One request taken from the waiting ones. */
@unmanaged
export class Woken {
  stream: u32;
  root: u32;
  presenter: u32;
  until: i64;
  hasAsked: bool;
}

const waiters: Table<Waiter> = tableForever<Waiter>(MAX_WAITING);
const shares: Table<Share> = tableForever<Share>(SHARES);
let count: i32 = 0;

/**
 * Notes that a request waits. False when there is no room for it.
 * @param presenter a hash of who sent it
 * @param until milliseconds since 1970
 * @param hasAsked whether the answer is about its own token
 */
export function addWaiter(
  root: u32,
  stream: u32,
  awaited: Awaited,
  presenter: u32,
  until: i64,
  hasAsked: bool,
): bool {
  const share = shares.at(presenter & (SHARES - 1));
  if (count >= MAX_WAITING || share.waiting >= MAX_OF_ONE) return false;
  share.waiting++;
  const waiter = waiters.at(count++);
  waiter.stream = stream;
  waiter.root = root;
  waiter.awaited = awaited;
  waiter.presenter = presenter;
  waiter.until = until;
  waiter.hasAsked = hasAsked;
  waiter.isCalled = false;
  return true;
}

/** A stream has ended, perhaps while it waited. */
export function forgetWaiter(stream: u32): void {
  for (let i = 0; i < count; i++) {
    if (waiters.at(i).stream == stream) return remove(i);
  }
}

/** Calls all who wait for this. Then `takeCalled` gives them one by one. */
export function callWaiters(awaited: Awaited): void {
  if (awaited == NOTHING) return;
  for (let i = 0; i < count; i++) {
    if (waiters.at(i).awaited == awaited) waiters.at(i).isCalled = true;
  }
}

/** Calls those of a root context whose time is up. */
export function callExpired(root: u32, now: i64): void {
  for (let i = 0; i < count; i++) {
    const waiter = waiters.at(i);
    // A clock that was set back makes nobody wait for longer.
    const isOver = now >= waiter.until || waiter.until - now > MAX_WAIT;
    if (waiter.root == root && isOver) waiter.isCalled = true;
  }
}

/** Takes one who was called out of the table and into `into`; false when there is none left. */
export function takeCalled(into: Woken): bool {
  for (let i = count - 1; i >= 0; i--) {
    const waiter = waiters.at(i);
    if (!waiter.isCalled) continue;
    into.stream = waiter.stream;
    into.root = waiter.root;
    into.presenter = waiter.presenter;
    into.until = waiter.until;
    into.hasAsked = waiter.hasAsked;
    remove(i);
    return true;
  }
  return false;
}

/** Puts one back who could not be judged now: a stream that has ended is no more among those who wait. */
export function putBack(woken: Woken): void {
  addWaiter(woken.root, woken.stream, NOTHING, woken.presenter, woken.until, woken.hasAsked);
}

function remove(index: i32): void {
  const gone = waiters.at(index);
  shares.at(gone.presenter & (SHARES - 1)).waiting--;
  const last = waiters.at(--count);
  if (last == gone) return;
  gone.stream = last.stream;
  gone.root = last.root;
  gone.awaited = last.awaited;
  gone.presenter = last.presenter;
  gone.until = last.until;
  gone.hasAsked = last.hasAsked;
  gone.isCalled = last.isCalled;
}
