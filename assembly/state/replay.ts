// Proofs that were here before: put-if-absent, for all workers of the process together. Kept in shared data under a fixed number of
// keys, and gone when the process ends.
//
// A key is a bucket of places, and a secret hash says which bucket a proof belongs to, so that nobody aims at one. A place is free
// again when nobody takes its proof any more. Nobody is sent away for somebody else: until a bucket is nearly full anybody has any
// place of it, and what is left then is for keys that have few: whoever floods with one finds no room, and all others do.

import { makeForever } from "../host/arena";
import { Span, ABSENT, FAILED, wordAt } from "../host/span";
import { Table, placeTable, tableBytes } from "../host/table";
import { Reason } from "../decision/reason";
import { SharedBuckets } from "./shared_buckets";
import { sharedHash, sharedHashOf } from "./shared_hash";

/** Buckets, a power of two, and the places of each. */
const BUCKETS: i32 = 256;
const PLACES: i32 = 1024;
/** What all buckets hold together. */
export const REPLAY_BUCKETS: i32 = BUCKETS;
/**
 * Places of a bucket that anybody may take. With 70 % of all places taken a bucket has 717 on average, and more than this in one case of
 * twenty million, so that up to there one key alone finds room.
 */
const COMMON: i32 = 864;
/** Of the places beyond these, as many as leave a key with so many in the bucket. */
const SHARE: i32 = 32;
/** Writing is tried so many times when other workers write to the same bucket. */
const MAX_TRIES: i32 = 64;

@unmanaged
class Place {
  /** Of the proof: 64 bits of a secret hash. */
  id: u64;
  /** Of the key that has made it. */
  owner: u32;
  /** Seconds since 1970 from when on nobody takes it any more; 0: the place was never taken. */
  end: u32;
}

const BUCKET_BYTES: i32 = tableBytes<Place>(PLACES);

/** One bucket is looked at at a time. */
const places: Table<Place> = makeForever<Table<Place>>();

@unmanaged
export class ReplayTable {
  private buckets: SharedBuckets;

  /** @param prefix of the keys in shared data */
  static make(prefix: string): ReplayTable {
    const table = makeForever<ReplayTable>();
    table.buckets = SharedBuckets.make(prefix, BUCKET_BYTES);
    return table;
  }

  /**
   * Notes a proof, which was not here before: `ok`. Otherwise `proof_replayed`, or why it cannot be told.
   * @param thumbprint of the key that has made it
   * @param id its own
   * @param end seconds since 1970 from when on nobody takes it any more
   * @param now seconds since 1970
   */
  admit(thumbprint: Span, id: Span, end: i64, now: i64): Reason {
    const owner = wordAt(sharedHash(thumbprint), 0);
    const hash = sharedHashOf(thumbprint, id);
    if (hash == ABSENT) return Reason.host_unavailable;
    const bucket = (<i32>wordAt(hash, 0)) & (BUCKETS - 1);
    const proof = ((<u64>wordAt(hash, 1)) << 32) | (<u64>wordAt(hash, 2));
    for (let i = 0; i < MAX_TRIES; i++) {
      const bytes = this.buckets.open(bucket);
      if (bytes == FAILED) return Reason.host_unavailable;
      placeTable(places, bytes);
      const reason = take(proof, owner, <u32>end, <u32>now);
      if (reason != Reason.ok || this.buckets.write(bucket, bytes)) return reason;
    }
    return Reason.replay_table_busy;
  }

  /** How many places of a bucket are taken. */
  usedIn(bucket: i32, now: i64): i32 {
    const bytes = this.buckets.read(bucket & (BUCKETS - 1));
    if (bytes == ABSENT || bytes == FAILED) return 0;
    placeTable(places, bytes);
    let used = 0;
    for (let i = 0; i < PLACES; i++) {
      if (places.at(i).end > <u32>now) used++;
    }
    return used;
  }
}

/** Takes a place in the bucket that is looked at. */
function take(proof: u64, owner: u32, end: u32, now: u32): Reason {
  let free = -1;
  let used = 0;
  let own = 0;
  for (let i = 0; i < PLACES; i++) {
    const place = places.at(i);
    if (place.end <= now) {
      if (free < 0) free = i;
      continue;
    }
    if (place.id == proof) return Reason.proof_replayed;
    if (place.owner == owner) own++;
    used++;
  }
  if (free < 0 || (used >= COMMON && own >= SHARE)) return Reason.replay_table_full;
  const place = places.at(free);
  place.id = proof;
  place.owner = owner;
  place.end = end;
  return Reason.ok;
}

const enforced = ReplayTable.make("holdfast.replay.");
const observed = ReplayTable.make("holdfast.replay.observed.");

/** What observed requests show is in a table of its own: nobody who is enforced depends on it. */
export function replayTableFor(isObserved: bool): ReplayTable {
  return isObserved ? observed : enforced;
}
