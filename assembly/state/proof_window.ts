// How long proofs may be good by any policy of the process, and since when. The replay table remembers each proof for as long as the
// longest of them said when the proof was spent. A policy that comes later and takes older proofs would find some of them forgotten: it
// begins as a process does, with proofs that have a nonce from after its start.

import { ascii, copyTo } from "../host/arena";
import { ONLY_WHEN_ABSENT, readShared, sharedVersion, writeShared } from "../host/call";
import { Span, ABSENT, addressOf, clearBytes, lengthOf, spanOf } from "../host/span";
import { Table, tableBytes, tableForever } from "../host/table";

const NAME = ascii("holdfast.proofs");
/** Writing is tried so many times when other workers load the same policy. */
const MAX_TRIES: i32 = 64;
/** Seconds: no policy has a `maxAge` or a `clockSkew` above it. */
const LONGEST: u32 = 300;

/** The largest of the process, in seconds, and seconds since 1970. */
@unmanaged
class Window {
  maxAge: u32;
  clockSkew: u32;
  since: u32;
}

const windows: Table<Window> = tableForever<Window>(1);
const window: Window = windows.at(0);
/** The same as it is shared. */
const bytes: Span = spanOf(windows.base, tableBytes<Window>(1));

/**
 * Has the process remember proofs for as long as this policy takes them, and learns for how long it does. False when nobody can say; otherwise
 * what follows speaks of now.
 * @param now seconds since 1970
 */
export function coverWindow(maxAge: i64, clockSkew: i64, now: i64): bool {
  // A start that nobody knows would be taken for one of long ago.
  if (now <= 0) return false;
  for (let i = 0; i < MAX_TRIES; i++) {
    const value = readShared(NAME);
    const isFirst = value == ABSENT;
    const version = isFirst ? ONLY_WHEN_ABSENT : sharedVersion();
    // Anybody who shares this `vm_id` may have written something else there.
    if (!isFirst && lengthOf(value) != lengthOf(bytes)) return false;
    if (isFirst) clearBytes(bytes);
    else copyTo(addressOf(bytes), value);
    if (max(window.maxAge, window.clockSkew) > LONGEST) return false;
    if (!isFirst && maxAge <= <i64>window.maxAge && clockSkew <= <i64>window.clockSkew) return true;
    window.maxAge = max(window.maxAge, <u32>maxAge);
    window.clockSkew = max(window.clockSkew, <u32>clockSkew);
    // Others may have given out nonces in this second, and have spent what had them.
    window.since = <u32>(isFirst ? now : now + 1);
    if (writeShared(NAME, bytes, version)) return true;
  }
  return false;
}

/** Seconds that a proof is good, by any of them. */
export function longestWindow(): i64 {
  return <i64>window.maxAge;
}

/** Seconds that clocks may differ, by any of them. */
export function widestSkew(): i64 {
  return <i64>window.clockSkew;
}

/** Nonces from before this second count for nothing. */
export function noncesSince(): i64 {
  return <i64>window.since;
}

/** Seconds since 1970 until when a proof could have been spent, and forgotten, before all that is spent was remembered long enough. */
export function uncertainUntil(): i64 {
  return <i64>window.since + <i64>window.maxAge + 2 * <i64>window.clockSkew;
}
