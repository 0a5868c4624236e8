// Where an issuer's keys are: in the policy, for ever, or at a server that is asked again and again. What is here says when to
// ask and how long an answer is good; asking is filter/key_fetch's.

import { makeForever } from "../host/arena";
import { Region } from "../host/region";
import { Span, ABSENT, equals } from "../host/span";
import { KeyUse } from "../crypto/jwk";
import { KeySet } from "./key_set";

const SECOND: i64 = 1000;
/** Milliseconds that requests may wait for keys which have never been there: from the start on, not from each request on. */
const FIRST_WAIT: i64 = 5 * SECOND;
/** No answer makes anybody ask more often than this. */
const MIN_INTERVAL: i64 = SECOND;
/** How long an answer may take: Envoy ends a call after so long. */
const ANSWER_TIME: i64 = 5 * SECOND;
/** An answer that has not come after so long never will: Envoy ends a call after five seconds. */
const LOST_AFTER: i64 = 10 * SECOND;
/** Between two early fetches. Each presenter has an allowance of his own besides. */
const EARLY_INTERVAL: i64 = SECOND;
const FIRST_RETRY: i64 = SECOND / 2;
const LAST_RETRY: i64 = 30 * SECOND;
/** One part in so many of a delay is left to chance, so that workers do not ask all at once. */
const JITTER_PARTS: i64 = 10;

/** Bytes of an ETag, at most; a longer one is not used. */
export const MAX_ETAG_BYTES: i32 = 256;

export const enum KeyState {
  /** There have never been any. */
  Absent = 0,
  /** They were last confirmed too long ago. */
  Stale = 1,
  Ready = 2,
}

/** What to fetch. Two issuers, or two policies, with the same share one source. */
@unmanaged
export class KeyLocation {
  cluster: Span;
  authority: Span;
  path: Span;
  use: KeyUse;
  /** Seconds between two fetches, at most. */
  refresh: i64;

  equals(other: KeyLocation): bool {
    return (
      equals(this.cluster, other.cluster) &&
      equals(this.authority, other.authority) &&
      equals(this.path, other.path) &&
      this.use == other.use &&
      this.refresh == other.refresh
    );
  }

  copyTo(region: Region): KeyLocation {
    const copy = region.make<KeyLocation>();
    copy.cluster = region.copy(this.cluster);
    copy.authority = region.copy(this.authority);
    copy.path = region.copy(this.path);
    copy.use = this.use;
    copy.refresh = this.refresh;
    return copy;
  }
}

/** Times are milliseconds since 1970. */
@unmanaged
export class KeySource {
  /** By which it is known to those who wait for it; 0 for keys that stand in the policy. */
  id: u32;
  /** Null for keys that stand in the policy. */
  location: KeyLocation | null;
  /** Null while there have never been any. */
  keys: KeySet | null;
  /** Absent when the last answer had none. */
  etag: Span;
  /** Policies that use it; 0: nobody, and the place is free. */
  users: i32;
  /** The root context that has asked, and the number of its call; 0 when no answer is awaited. */
  askedBy: u32;
  call: u32;
  private confirmedAt: i64;
  private dueAt: i64;
  private askedAt: i64;
  /** When the clock was looked at last. */
  private seenAt: i64;
  private failures: i32;
  private waitUntil: i64;
  private earlyAt: i64;
  private observedEarlyAt: i64;
  /** What the keys are made of, and where the next ones are going to be. */
  private region: Region;
  private spare: Region;
  /** What outlives the keys: the location. */
  private own: Region | null;

  /** Begins anew: to be asked at once. */
  start(location: KeyLocation, now: i64): void {
    if (this.own == null) this.makeRegions();
    this.location = location.copyTo(this.own!);
    this.keys = null;
    this.etag = ABSENT;
    this.call = 0;
    this.askedBy = 0;
    this.confirmedAt = 0;
    this.dueAt = now;
    this.failures = 0;
    this.seenAt = 0;
    this.earlyAt = 0;
    this.observedEarlyAt = 0;
    this.waitUntil = now + FIRST_WAIT;
  }

  /** Gives back all memory. */
  release(): void {
    this.keys = null;
    this.etag = ABSENT;
    this.location = null;
    this.region.release();
    this.spare.release();
    this.own!.release();
  }

  private makeRegions(): void {
    this.own = makeForever<Region>();
    this.region = makeForever<Region>();
    this.spare = makeForever<Region>();
  }

  /** @param staleFor seconds that keys may be used since they were last confirmed */
  stateAt(now: i64, staleFor: i64): KeyState {
    if (this.keys == null) return KeyState.Absent;
    if (this.location == null) return KeyState.Ready;
    const overdue = now - this.confirmedAt - staleFor * SECOND;
    // While the server is being asked in time it may take its time to answer.
    const isStale = overdue > 0 && (this.failures > 0 || overdue > ANSWER_TIME);
    return isStale ? KeyState.Stale : KeyState.Ready;
  }

  /** True when a request for keys that have never been there may still wait for them. */
  isAwaited(now: i64): bool {
    return this.keys == null && now < this.waitUntil;
  }

  /** Until when such a request may wait. */
  awaitedUntil(): i64 {
    return this.waitUntil;
  }

  /** Is it time to ask? Asked at every tick. */
  isDue(now: i64): bool {
    if (now < this.seenAt) this.startClockAnew(now);
    this.seenAt = now;
    const isIdle = this.call == 0 || now - this.askedAt > LOST_AFTER;
    return this.location != null && isIdle && now >= this.dueAt;
  }

  /** The clock was set back: times that lie ahead of it now would hold everything up until it comes there again. */
  private startClockAnew(now: i64): void {
    this.dueAt = min(this.dueAt, now);
    this.confirmedAt = min(this.confirmedAt, now);
    this.askedAt = min(this.askedAt, now);
    this.earlyAt = min(this.earlyAt, now);
    this.observedEarlyAt = min(this.observedEarlyAt, now);
    this.waitUntil = min(this.waitUntil, now + FIRST_WAIT);
  }

  /** True while the last attempt to ask has failed. */
  isFailing(): bool {
    return this.failures > 0;
  }

  /** True, once in a while, when a token names a key that is not there: perhaps the server has it by now. */
  takeEarlyTurn(now: i64, isObserved: bool): bool {
    const last = isObserved ? this.observedEarlyAt : this.earlyAt;
    if (this.location == null || this.call != 0 || now - last < EARLY_INTERVAL) return false;
    if (isObserved) this.observedEarlyAt = now;
    else this.earlyAt = now;
    return true;
  }

  /** Has it asked as soon as the interval allows. True when it will be. */
  askSoon(now: i64): bool {
    this.dueAt = min(this.dueAt, now + EARLY_INTERVAL);
    return this.location != null;
  }

  /** Somebody has begun to ask. */
  asked(by: u32, call: u32, now: i64): void {
    this.askedBy = by;
    this.call = call;
    this.askedAt = now;
  }

  /** Where to read the next keys into: nothing of the present ones is touched. */
  roomForNext(): Region {
    this.spare.release();
    return this.spare;
  }

  /** Puts the keys that were read into `roomForNext` in force; all at once, and the old ones are gone. */
  replace(keys: KeySet): void {
    this.keys = keys;
    const old = this.region;
    this.region = this.spare;
    this.spare = old;
    old.release();
  }

  /** Notes the ETag of the keys in force; absent: they have none. */
  noteEtag(etag: Span): void {
    this.etag = this.region.copy(etag);
  }

  /**
   * The keys in force are the server's present ones.
   * @param freshFor seconds that the answer says it is good; negative when it does not say
   * @param chance from 0 to 999
   */
  confirm(now: i64, freshFor: i64, chance: i64): void {
    const location = this.location;
    if (location == null) return;
    this.call = 0;
    this.failures = 0;
    this.confirmedAt = now;
    const interval = (freshFor < 0 ? location.refresh : min(freshFor, location.refresh)) * SECOND;
    this.dueAt = now + shortened(max(interval, MIN_INTERVAL), chance);
  }

  /** There was no answer, or none to use. @param chance from 0 to 999 */
  fail(now: i64, chance: i64): void {
    this.call = 0;
    const delay = this.failures < 6 ? FIRST_RETRY << this.failures : LAST_RETRY;
    this.failures++;
    this.dueAt = now + shortened(min(delay, LAST_RETRY), chance);
  }

  /** The root context that has asked is gone, and with it the answer. */
  forgetCall(): void {
    this.call = 0;
    this.dueAt = 0;
  }
}

function shortened(delay: i64, chance: i64): i64 {
  return delay - ((delay / JITTER_PARTS) * chance) / 1000;
}
