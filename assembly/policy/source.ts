// Where a document that a policy needs is: in the policy, for ever, or at a server that is asked again and again. What is here says when
// to ask and how long an answer is good; asking is filter/fetch's.

import { makeForever } from "../host/arena";
import { Region } from "../host/region";
import { Span, ABSENT, equals } from "../host/span";
import { KeyUse } from "../crypto/jwk";
import { KeySet } from "./key_set";
import { Revocations } from "./revocations";
import { StatusList } from "./status_list";

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

export const enum SourceState {
  /** Nothing has ever been there. */
  Absent = 0,
  /** It was last confirmed too long ago, or is over by its own word. */
  Stale = 1,
  Ready = 2,
}

/** What a document is. */
export const enum Content {
  /** A JWK set or a SPIFFE bundle. */
  Keys = 0,
  Revocations = 1,
  StatusList = 2,
}

/** As logs and refusals call it. */
export function contentName(content: Content): string {
  switch (content) {
    case Content.Revocations:
      return "revocations";
    case Content.StatusList:
      return "status list";
    default:
      return "keys";
  }
}

/** A document that was read; of the first three there is one. */
@unmanaged
export class Contents {
  keys: KeySet | null;
  revocations: Revocations | null;
  statuses: StatusList | null;
  /** For a status list: the key that has signed it. */
  proof: Span;
  /** It never goes back: a bundle's sequence, a feed's version, when a status list was made; 0 where a document has none. */
  version: i64;
  /** Milliseconds since 1970 when it ends by its own word; 0: it does not say. */
  endsAt: i64;
  /** Seconds after which it asks to be fetched again; 0: it does not say. */
  refreshHint: i64;
}

/** What to fetch. Two issuers, or two policies, with the same share one source. */
@unmanaged
export class Location {
  content: Content;
  cluster: Span;
  authority: Span;
  path: Span;
  /** For keys. */
  use: KeyUse;
  /** For revocations and status lists: a digest of whose signature it has to have; absent: nobody's. */
  signers: Span;
  /** For a status list: its URI. */
  subject: Span;
  /** Seconds between two fetches, at most. Who shares a source has it asked as often as the one who wants it most often. */
  refresh: i64;

  equals(other: Location): bool {
    return (
      equals(this.cluster, other.cluster) &&
      equals(this.authority, other.authority) &&
      equals(this.path, other.path) &&
      this.content == other.content &&
      this.use == other.use &&
      equals(this.signers, other.signers) &&
      equals(this.subject, other.subject)
    );
  }

  copyTo(region: Region): Location {
    const copy = region.make<Location>();
    copy.cluster = region.copy(this.cluster);
    copy.authority = region.copy(this.authority);
    copy.path = region.copy(this.path);
    copy.content = this.content;
    copy.use = this.use;
    copy.signers = region.copy(this.signers);
    copy.subject = region.copy(this.subject);
    copy.refresh = this.refresh;
    return copy;
  }
}

/** Times are milliseconds since 1970. */
@unmanaged
export class Source {
  /** By which it is known to those who wait for it; 0 for keys that stand in the policy. */
  id: u32;
  /** Null for keys that stand in the policy. */
  location: Location | null;
  /** Null while there has never been any. */
  contents: Contents | null;
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
  /** What the contents are made of, and where the next are going to be. */
  private region: Region;
  private spare: Region;
  /** What outlives the contents: the location. */
  private own: Region | null;

  /** Keys that stand in the policy. */
  static ofKeys(keys: KeySet, region: Region): Source {
    const source = region.make<Source>();
    source.contents = region.make<Contents>();
    source.contents!.keys = keys;
    return source;
  }

  /** Null while there have never been any. */
  get keys(): KeySet | null {
    const contents = this.contents;
    if (contents == null) return null;
    return contents.keys;
  }

  /** Begins anew: to be asked at once. */
  start(location: Location, now: i64): void {
    if (this.own == null) this.makeRegions();
    this.location = location.copyTo(this.own!);
    this.contents = null;
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

  /** Nobody wants it asked for any more, until `want` says otherwise. */
  forgetWants(): void {
    if (this.location != null) this.location!.refresh = i64.MAX_VALUE;
  }

  /** Somebody wants it asked for at least so often. */
  want(refresh: i64, now: i64): void {
    const location = this.location;
    if (location == null) return;
    location.refresh = min(location.refresh, refresh);
    this.dueAt = min(this.dueAt, now + location.refresh * SECOND);
  }

  /** Gives back all memory. */
  release(): void {
    this.contents = null;
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

  /** @param staleFor seconds that it may be used since it was last confirmed */
  stateAt(now: i64, staleFor: i64): SourceState {
    const contents = this.contents;
    if (contents == null) return SourceState.Absent;
    if (this.location == null) return SourceState.Ready;
    if (contents.endsAt != 0 && now >= contents.endsAt) return SourceState.Stale;
    const overdue = now - this.confirmedAt - staleFor * SECOND;
    // While the server is being asked in time it may take its time to answer.
    const isStale = overdue > 0 && (this.failures > 0 || overdue > ANSWER_TIME);
    return isStale ? SourceState.Stale : SourceState.Ready;
  }

  /** True when a request that needs what has never been there may still wait for it. */
  isAwaited(now: i64): bool {
    return this.contents == null && now < this.waitUntil;
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

  /** Where to read the next contents into: nothing of the present ones is touched. */
  roomForNext(): Region {
    this.spare.release();
    return this.spare;
  }

  /** Puts what was read into `roomForNext` in force; all at once, and the old is gone. */
  replace(contents: Contents): void {
    this.contents = contents;
    const old = this.region;
    this.region = this.spare;
    this.spare = old;
    old.release();
  }

  /** The next answer is to be a whole one. */
  forgetEtag(): void {
    this.etag = ABSENT;
  }

  /** Notes the ETag of the contents in force; absent: they have none. */
  noteEtag(etag: Span): void {
    this.etag = this.region.copy(etag);
  }

  /**
   * The contents in force are the server's present ones.
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
