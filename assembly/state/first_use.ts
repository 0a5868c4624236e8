// Whose a token is that names nobody: the first presenter's who showed it here. What all workers of the process know together, kept in
// shared data under a fixed number of keys, and gone when the process ends.
//
// A key is a bucket of pins, and a secret hash says which bucket a token belongs to, so that nobody aims at one. Until a bucket is nearly
// full anybody has any place of it; what is left then is for presenters that have few, and whoever has many gives up his own pin that ends
// first. Nobody else's is ever given up. Without the pin a token would be anybody's again, so one that finds no place is denied.

import { makeForever } from "../host/arena";
import { Span, ABSENT, FAILED, wordAt } from "../host/span";
import { Table, placeTable, tableBytes } from "../host/table";
import { SharedBuckets } from "./shared_buckets";
import { sharedHashOf } from "./shared_hash";

/** Buckets, a power of two, and the pins of each. */
const BUCKETS: i32 = 256;
const PLACES: i32 = 256;
/** Places of a bucket that anybody may take. With 70 % of all places taken a bucket has 179 on average, with a deviation of 13. */
const COMMON: i32 = 224;
/** Of the places beyond these, as many as leave a presenter with so many in the bucket. */
const SHARE: i32 = 8;
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

  /**
   * False when there can be none now.
   * @param terms 32 bytes: tokens are pinned on the same terms only
   * @param presenter who counts as one of them
   */
  read(terms: Span, token: Span, presenter: Span): bool {
    let hash = sharedHashOf(terms, token);
    if (hash == ABSENT) return false;
    this.bucket = (<i32>wordAt(hash, 0)) & (BUCKETS - 1);
    this.token = doubleWord(hash, 1);
    hash = sharedHashOf(terms, presenter);
    this.presenter = doubleWord(hash, 1);
    return hash != ABSENT;
  }

  copyFrom(other: Showing): void {
    this.bucket = other.bucket;
    this.token = other.token;
    this.presenter = other.presenter;
  }
}

@unmanaged
class Pin {
  token: u64;
  presenter: u64;
  /** Seconds since 1970 from when on nobody takes the token any more; 0: there is no pin. */
  end: u32;
  /** 1 once somebody else has shown the token, where that takes it from both. */
  isQuarantined: u32;
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
   * @param now seconds since 1970
   */
  judge(showing: Showing, isPinning: bool, quarantines: bool, end: i64, now: i64): Holding {
    for (let i = 0; i < MAX_TRIES; i++) {
      const bytes = this.buckets.open(showing.bucket);
      if (bytes == FAILED) return Holding.Unknown;
      placeTable(pins, bytes);
      isChanged = false;
      const holding = look(showing, isPinning, quarantines, <u32>end, <u32>now);
      if (!isChanged || this.buckets.write(showing.bucket, bytes)) return holding;
    }
    return Holding.Busy;
  }
}

/** True when `look` has changed the bucket. */
let isChanged: bool = false;

function look(showing: Showing, isPinning: bool, quarantines: bool, end: u32, now: u32): Holding {
  for (let i = 0; i < PLACES; i++) {
    const pin = pins.at(i);
    if (pin.token == showing.token && pin.end > now) return judgePin(pin, showing, quarantines, end, now);
  }
  if (!isPinning) return Holding.Nobodys;
  const place = placeFor(showing.presenter, now);
  if (place < 0) return Holding.Full;
  const pin = pins.at(place);
  pin.token = showing.token;
  pin.presenter = showing.presenter;
  pin.end = end;
  pin.isQuarantined = 0;
  isChanged = true;
  return Holding.Own;
}

function judgePin(pin: Pin, showing: Showing, quarantines: bool, end: u32, now: u32): Holding {
  if (pin.isQuarantined != 0) return Holding.Quarantined;
  if (pin.presenter == showing.presenter) {
    // Of what nobody knows the end of: written once in a while, and not with each use.
    isChanged = end > pin.end && end - pin.end > (end - now) / 8;
    if (isChanged) pin.end = end;
    return Holding.Own;
  }
  isChanged = quarantines;
  pin.isQuarantined = quarantines ? 1 : 0;
  return Holding.Foreign;
}

/** Where another pin of this presenter's may be; -1: nowhere. What is quarantined is nobody's, and nobody can give it up. */
function placeFor(presenter: u64, now: u32): i32 {
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
    if (pin.presenter != presenter || pin.isQuarantined != 0) continue;
    own++;
    if (first < 0 || pin.end < pins.at(first).end) first = i;
  }
  return free < 0 || (used >= COMMON && own >= SHARE) ? first : free;
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
