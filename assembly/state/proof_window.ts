// How long proofs may be good by any policy of the process, and since when. The replay table remembers each proof for as long as the
// longest of them said when the proof was spent. A policy that comes later and takes older proofs would find some of them forgotten: it
// begins as a process does, with proofs that have a nonce from after its start.

import { ascii, copyTo, makeForever } from "../host/arena";
import { ONLY_WHEN_ABSENT, readShared, sharedVersion, writeShared } from "../host/call";
import { Span, ABSENT, addressOf, clearBytes, lengthOf, spanOf } from "../host/span";
import { tableBytes, tableForever } from "../host/table";

/** Writing is tried so many times when other workers load the same policy. */
const MAX_TRIES: i32 = 64;
/** Seconds: no policy has a window or a `clockSkew` above it. */
const LONGEST: u32 = 300;

/** The largest of the process, in seconds, and seconds since 1970. */
@unmanaged
class Shared {
  maxAge: u32;
  clockSkew: u32;
  since: u32;
}

@unmanaged
export class ProofWindow {
  private name: Span;
  private shared: Shared;
  /** The same as it is shared. */
  private bytes: Span;

  /** @param name of the key in shared data */
  static make(name: string): ProofWindow {
    const window = makeForever<ProofWindow>();
    const records = tableForever<Shared>(1);
    window.name = ascii(name);
    window.shared = records.at(0);
    window.bytes = spanOf(records.base, tableBytes<Shared>(1));
    return window;
  }

  /**
   * Has the process remember proofs for as long as this policy takes them, and learns for how long it does. False when nobody can say;
   * otherwise what follows speaks of now.
   * @param now seconds since 1970
   */
  cover(maxAge: i64, clockSkew: i64, now: i64): bool {
    // A start that nobody knows would be taken for one of long ago.
    if (now <= 0) return false;
    const shared = this.shared;
    for (let i = 0; i < MAX_TRIES; i++) {
      const value = readShared(this.name);
      const isFirst = value == ABSENT;
      const version = isFirst ? ONLY_WHEN_ABSENT : sharedVersion();
      // Anybody who shares this `vm_id` may have written something else there.
      if (!isFirst && lengthOf(value) != lengthOf(this.bytes)) return false;
      if (isFirst) clearBytes(this.bytes);
      else copyTo(addressOf(this.bytes), value);
      if (max(shared.maxAge, shared.clockSkew) > LONGEST) return false;
      if (!isFirst && maxAge <= <i64>shared.maxAge && clockSkew <= <i64>shared.clockSkew) return true;
      shared.maxAge = max(shared.maxAge, <u32>maxAge);
      shared.clockSkew = max(shared.clockSkew, <u32>clockSkew);
      // Others may have given out nonces in this second, and have spent what had them.
      shared.since = <u32>(isFirst ? now : now + 1);
      if (writeShared(this.name, this.bytes, version)) return true;
    }
    return false;
  }

  /** Seconds that a proof is good, by any of them. */
  get longest(): i64 {
    return <i64>this.shared.maxAge;
  }

  /** Seconds that clocks may differ, by any of them. */
  get widestSkew(): i64 {
    return <i64>this.shared.clockSkew;
  }

  /** Nonces from before this second count for nothing. */
  get since(): i64 {
    return <i64>this.shared.since;
  }

  /** Seconds since 1970 until when a proof could have been spent, and forgotten, before all that is spent was remembered long enough. */
  get uncertainUntil(): i64 {
    return this.since + this.longest + 2 * this.widestSkew;
  }
}

const enforced = ProofWindow.make("holdfast.proofs");
const observed = ProofWindow.make("holdfast.proofs.observed");

/** Nobody who is enforced depends on what observed requests are asked. */
export function proofWindowFor(isObserved: bool): ProofWindow {
  return isObserved ? observed : enforced;
}
