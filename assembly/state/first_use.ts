// Whose a token is that names nobody: the first presenter's who showed it here. What all workers of the process know together, kept in
// shared data under a fixed number of keys, and gone when the process ends.
//
// A key is a bucket of pins, and a secret hash says which bucket a token belongs to, so that nobody aims at one. A workload has so many
// places of a bucket, and few when it is nearly full; whoever has as many gives up his own pin that ends first. Nobody else's is ever given
// up. Without the pin a token would be anybody's again, so one that finds no place is denied.

import { makeForever } from "../host/arena";
import { Span, ABSENT, FAILED, wordAt } from "../host/span";
import { Table, placeTable, tableBytes } from "../host/table";
import { SharedBuckets } from "./shared_buckets";
import { sharedHash, sharedHashOf } from "./shared_hash";

/** Buckets, a power of two, and the pins of each. */
const BUCKETS: i32 = 256;
const PLACES: i32 = 256;
/** Places of a bucket that one workload may have, and as long as so many are taken in all. */
const SHARE: i32 = 32;
const COMMON: i32 = 224;
/** The same when more are taken. */
const LAST_SHARE: i32 = 4;
const LAST_SECOND: i64 = 0xffff_ffff;
/** Writing is tried so many times when other workers write to the same bucket. */
const MAX_TRIES: i32 = 64;

/** What is known of a token and who shows it. */
export const enum Holding {
  /** The host does not say. */
  Unknown = 0,
  /** It is this presenter's. */
  Own = 1,
  /** Nobody has shown it yet, or nobody's showing counted. */
  Nobodys = 2,
  /** It is another presenter's. */
  Foreign = 3,
  /** Two have shown it, and it is nobody's any more. */
  Quarantined = 4,
  /** There is no place left for its pin. */
  Full = 5,
  /** Other workers wrote to the bucket all the while. */
  Busy = 6,
}

/** A token, and who shows it. */
@unmanaged
export class Showing {
  bucket: i32;
  token: u64;
  presenter: u64;
  holder: u32;

  /**
   * False when there can be none now.
   * @param terms 32 bytes: tokens are pinned on the same terms only
   * @param presenter who counts as one of them
   * @param holder whose share of the table it takes
   */
  read(terms: Span, token: Span, presenter: Span, holder: Span): bool {
    let hash = sharedHashOf(terms, token);
    if (hash == ABSENT) return false;
    this.bucket = (<i32>wordAt(hash, 0)) & (BUCKETS - 1);
    this.token = doubleWord(hash, 1);
    hash = sharedHashOf(terms, presenter);
    this.presenter = doubleWord(hash, 1);
    this.holder = wordAt(sharedHash(holder), 0) & ~1;
    return hash != ABSENT;
  }

  copyFrom(other: Showing): void {
    this.bucket = other.bucket;
    this.token = other.token;
    this.presenter = other.presenter;
    this.holder = other.holder;
  }
}

@unmanaged
class Pin {
  token: u64;
  presenter: u64;
  /** Seconds since 1970 from when on nobody takes the token any more; 0: there is no pin. */
  end: u32;
  /** Whose share it takes: an even number. One more once somebody else has shown the token, where that takes it from both. */
  holder: u32;

  get isQuarantined(): bool {
    return (this.holder & 1) == 1;
  }
}

const BUCKET_BYTES: i32 = tableBytes<Pin>(PLACES);

/** One bucket is looked at at a time, in a copy. */
const pins: Table<Pin> = makeForever<Table<Pin>>();

@unmanaged
export class FirstUses {
  private buckets: SharedBuckets;

  /** @param prefix of the keys in shared data */
  static make(prefix: string): FirstUses {
    const table = makeForever<FirstUses>();
    table.buckets = SharedBuckets.make(prefix, BUCKET_BYTES);
    return table;
  }

  /**
   * Whose the token is, after this showing.
   * @param isPinning whether it becomes the presenter's if it was nobody's
   * @param quarantines whether it becomes nobody's if it was another's
   * @param end seconds since 1970 from when on nobody takes it any more
   * @param slack seconds that a pin may last longer, so that it is not written with each use of a token whose end moves on
   * @param now seconds since 1970
   */
  judge(showing: Showing, isPinning: bool, quarantines: bool, end: i64, slack: i64, now: i64): Holding {
    needed = <u32>min(end, LAST_SECOND);
    written = <u32>min(end + slack, LAST_SECOND);
    for (let i = 0; i < MAX_TRIES; i++) {
      const bytes = this.buckets.open(showing.bucket);
      if (bytes == FAILED) return Holding.Unknown;
      placeTable(pins, bytes);
      isChanged = false;
      const holding = look(showing, isPinning, quarantines, <u32>now);
      if (!isChanged || this.buckets.write(showing.bucket, bytes)) return holding;
    }
    return Holding.Busy;
  }
}

/** True when `look` has changed the bucket. */
let isChanged: bool = false;
/** Until when a pin has to last, and until when one is written that does not last so long. */
let needed: u32 = 0;
let written: u32 = 0;

function look(showing: Showing, isPinning: bool, quarantines: bool, now: u32): Holding {
  for (let i = 0; i < PLACES; i++) {
    const pin = pins.at(i);
    if (pin.token == showing.token && pin.end > now) return judgePin(pin, showing, quarantines);
  }
  const place = placeFor(showing.holder, now);
  if (place < 0) return Holding.Full;
  if (!isPinning) return Holding.Nobodys;
  const pin = pins.at(place);
  pin.token = showing.token;
  pin.presenter = showing.presenter;
  pin.holder = showing.holder;
  pin.end = written;
  isChanged = true;
  return Holding.Own;
}

function judgePin(pin: Pin, showing: Showing, quarantines: bool): Holding {
  const isOwn = pin.presenter == showing.presenter;
  if (isOwn || pin.isQuarantined) {
    isChanged = needed > pin.end;
    if (isChanged) pin.end = written;
    return pin.isQuarantined ? Holding.Quarantined : Holding.Own;
  }
  isChanged = quarantines;
  if (quarantines) pin.holder |= 1;
  return Holding.Foreign;
}

/** Where another pin of this holder's may be; -1: nowhere. What is quarantined takes its share, too, and nobody can give it up. */
function placeFor(holder: u32, now: u32): i32 {
  let free = -1;
  let used = 0;
  let own = 0;
  let first = -1;
  for (let i = 0; i < PLACES; i++) {
    const pin = pins.at(i);
    if (pin.end <= now) {
      free = i;
      continue;
    }
    used++;
    if ((pin.holder & ~1) != holder) continue;
    own++;
    if (!pin.isQuarantined && (first < 0 || pin.end < pins.at(first).end)) first = i;
  }
  return free < 0 || own >= (used < COMMON ? SHARE : LAST_SHARE) ? first : free;
}

function doubleWord(hash: Span, index: i32): u64 {
  return ((<u64>wordAt(hash, index)) << 32) | (<u64>wordAt(hash, index + 1));
}

const enforced = FirstUses.make("holdfast.first.");
const observed = FirstUses.make("holdfast.first.observed.");

/** What observed requests show is in a table of its own: nobody who is enforced depends on it. */
export function firstUsesFor(isObserved: bool): FirstUses {
  return isObserved ? observed : enforced;
}
