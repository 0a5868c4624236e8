// Which certificates each workload has shown on live connections to this proxy, and when last: what all workers know together. It is
// kept in shared data, under a fixed number of keys, and gone when the proxy ends.
//
// A key is a bucket of eight workloads, and a workload has four certificates in it. A fifth takes the place of the one that was seen
// longest ago, so whoever mints certificates drives out his own only. A workload that finds no place is not noted, since nobody's
// place may be taken from him; a place is free again when no policy may count on anything in it any more.

import { ascii, copyTo, makeForever, takeForever } from "../host/arena";
import { ONLY_WHEN_ABSENT, readShared, sharedVersion, writeShared } from "../host/call";
import { Span, ABSENT, FAILED, addressOf, equals, lengthOf, slice, spanOf } from "../host/span";
import { Table, placeTable, tableBytes, tableForever } from "../host/table";
import { line, startLine, writeBytes, writeHex } from "../host/writer";
import { DIGEST_BYTES } from "../crypto/sha256";
import { MAX_WINDOW } from "../policy/policy";
import { secretHash } from "../text/hash";
import { sharedHash } from "./shared_hash";

/** Bytes of a workload's hash that name its bucket: there are 256. */
const BUCKET_NAME_BYTES: i32 = 1;
/** Workloads of a bucket. */
const WORKLOADS: i32 = 8;
/** Certificates of a workload. */
const CERTIFICATES: i32 = 4;
/** Writing is tried so many times when other workers write to the same bucket. */
const MAX_TRIES: i32 = 4;
/** Seconds in which a worker does not note the same again. */
const INTERVAL: i64 = 60;
/** Sightings that a worker knows to be noted; those whose hashes fall together take turns, and are noted more often. */
const RECENT: i32 = 1024;
/** Seconds that another worker's clock, read a moment later, may be ahead. */
const MOMENT: i64 = 1;

@unmanaged
class Sighting {
  /** Seconds since 1970; 0: never. */
  at: i64;
}

@unmanaged
class RecentSighting {
  workload: u32;
  certificate: u32;
  at: i64;
}

// A bucket: the hashes of its workloads, the digests of their certificates, and when each of these was seen.
const DIGESTS_START: i32 = WORKLOADS * DIGEST_BYTES;
const TIMES_START: i32 = DIGESTS_START + WORKLOADS * CERTIFICATES * DIGEST_BYTES;
const BUCKET_BYTES: i32 = TIMES_START + tableBytes<Sighting>(WORKLOADS * CERTIFICATES);

// One bucket is looked at at a time, in a copy.
const bucket: Span = spanOf(takeForever(BUCKET_BYTES), BUCKET_BYTES);
const emptyBucket: Span = spanOf(takeForever(BUCKET_BYTES), BUCKET_BYTES);
const sightings: Table<Sighting> = makeForever<Table<Sighting>>();
placeTable(sightings, slice(bucket, TIMES_START, BUCKET_BYTES));
const workload: Span = spanOf(takeForever(DIGEST_BYTES), DIGEST_BYTES);
let version: u32 = 0;

const NO_SLOT: i32 = -1;

@unmanaged
export class CertificatesSeen {
  private prefix: Span;
  private recent: Table<RecentSighting>;

  /** @param prefix of the keys in shared data */
  static make(prefix: string): CertificatesSeen {
    const seen = makeForever<CertificatesSeen>();
    seen.prefix = ascii(prefix);
    seen.recent = tableForever<RecentSighting>(RECENT);
    return seen;
  }

  /**
   * Notes that this workload has shown this certificate on a live connection.
   * @param digest SHA-256 of the certificate; absent: nothing is noted
   * @param now seconds since 1970
   */
  note(spiffeId: Span, digest: Span, now: i64): void {
    if (digest == ABSENT || this.isRecent(spiffeId, digest, now)) return;
    for (let i = 0; i < MAX_TRIES; i++) {
      if (!this.open(spiffeId)) return;
      const slot = ownSlot() == NO_SLOT ? freeSlot(now) : ownSlot();
      if (slot == NO_SLOT) return;
      const place = placeFor(slot, digest, now);
      copyTo(addressOf(digestAt(place)), digest);
      sightings.at(place).at = now;
      if (writeShared(this.bucketName(), bucket, version)) return;
    }
  }

  /** True when a live connection of exactly this workload has shown the certificate within so many seconds. */
  hasSeen(spiffeId: Span, digest: Span, window: i64, now: i64): bool {
    if (!this.open(spiffeId)) return false;
    const slot = ownSlot();
    if (slot == NO_SLOT) return false;
    const place = placeFor(slot, digest, now);
    const at = seenAt(place, now);
    return at != 0 && at >= now - window && equals(digestAt(place), digest);
  }

  /** True when it was noted a moment ago, or was tried to; otherwise it counts as such from here on. */
  private isRecent(spiffeId: Span, digest: Span, now: i64): bool {
    const who = secretHash(spiffeId);
    const what = secretHash(digest);
    const recent = this.recent.at(<i32>((who ^ what) & (RECENT - 1)));
    const isSame = recent.workload == who && recent.certificate == what;
    if (isSame && now >= recent.at && now - recent.at < INTERVAL) return true;
    recent.workload = who;
    recent.certificate = what;
    recent.at = now;
    return false;
  }

  /** Copies the bucket of this workload. What is there and is none, as somebody else's value, is taken for an empty one. */
  private open(spiffeId: Span): bool {
    const hash = sharedHash(spiffeId);
    if (hash == ABSENT) return false;
    copyTo(addressOf(workload), hash);
    const value = readShared(this.bucketName());
    if (value == FAILED) return false;
    version = value == ABSENT ? ONLY_WHEN_ABSENT : sharedVersion();
    copyTo(addressOf(bucket), lengthOf(value) == BUCKET_BYTES ? value : emptyBucket);
    return true;
  }

  private bucketName(): Span {
    startLine();
    writeBytes(this.prefix);
    writeHex(workload, BUCKET_NAME_BYTES);
    return line();
  }
}

const enforced = CertificatesSeen.make("holdfast.seen.");
const observed = CertificatesSeen.make("holdfast.seen.observed.");

/** What enforced requests have shown, or observed ones: nobody who is enforced depends on these. */
export function certificatesSeen(isObserved: bool): CertificatesSeen {
  return isObserved ? observed : enforced;
}

function workloadAt(slot: i32): Span {
  return slice(bucket, slot * DIGEST_BYTES, (slot + 1) * DIGEST_BYTES);
}

function digestAt(place: i32): Span {
  const start = DIGESTS_START + place * DIGEST_BYTES;
  return slice(bucket, start, start + DIGEST_BYTES);
}

/** Seconds since 1970; 0 when no policy may count on it any more, or when it lies ahead, after a clock was set back. */
function seenAt(place: i32, now: i64): i64 {
  const at = sightings.at(place).at;
  return at >= now - MAX_WINDOW && at <= now + MOMENT ? at : 0;
}

function ownSlot(): i32 {
  for (let slot = 0; slot < WORKLOADS; slot++) {
    if (equals(workloadAt(slot), workload)) return slot;
  }
  return NO_SLOT;
}

/** A slot of which nothing counts any more, made this workload's own. */
function freeSlot(now: i64): i32 {
  for (let slot = 0; slot < WORKLOADS; slot++) {
    if (!isOver(slot, now)) continue;
    copyTo(addressOf(workloadAt(slot)), workload);
    for (let i = 0; i < CERTIFICATES; i++) sightings.at(slot * CERTIFICATES + i).at = 0;
    return slot;
  }
  return NO_SLOT;
}

function isOver(slot: i32, now: i64): bool {
  for (let i = 0; i < CERTIFICATES; i++) {
    if (seenAt(slot * CERTIFICATES + i, now) != 0) return false;
  }
  return true;
}

/** Where the slot has this certificate; or else where it may have it, which is in place of the one seen longest ago. */
function placeFor(slot: i32, digest: Span, now: i64): i32 {
  const first = slot * CERTIFICATES;
  let oldest = first;
  for (let place = first; place < first + CERTIFICATES; place++) {
    if (equals(digestAt(place), digest)) return place;
    if (seenAt(place, now) < seenAt(oldest, now)) oldest = place;
  }
  return oldest;
}
