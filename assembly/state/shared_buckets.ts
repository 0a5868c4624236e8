// A table that all workers of the process share: a fixed number of buckets in shared data, each read and written whole. A write counts only
// when nobody else has written since the read.

import { ascii, makeForever, takeSpan } from "../host/arena";
import { ONLY_WHEN_ABSENT, readShared, sharedVersion, writeShared } from "../host/call";
import { Span, ABSENT, FAILED, clearBytes, lengthOf } from "../host/span";
import { line, startLine, writeBytes, writeDecimal } from "../host/writer";

@unmanaged
export class SharedBuckets {
  private prefix: Span;
  private size: i32;
  private version: u32;

  /** @param prefix of the keys in shared data @param size bytes of a bucket */
  static make(prefix: string, size: i32): SharedBuckets {
    const buckets = makeForever<SharedBuckets>();
    buckets.prefix = ascii(prefix);
    buckets.size = size;
    return buckets;
  }

  /** A copy of the bucket; absent while nobody has written it. FAILED when nobody can say, or when what is there is no bucket. */
  read(bucket: i32): Span {
    const value = readShared(this.nameOf(bucket));
    this.version = value == ABSENT ? ONLY_WHEN_ABSENT : sharedVersion();
    return value == ABSENT || lengthOf(value) == this.size ? value : FAILED;
  }

  /** The same, and one that is all zero where there is none. */
  open(bucket: i32): Span {
    const value = this.read(bucket);
    if (value != ABSENT) return value;
    const empty = takeSpan(this.size);
    if (empty == ABSENT) return FAILED;
    clearBytes(empty);
    return empty;
  }

  /** Puts the copy that was read last in its place. False when somebody was faster. */
  write(bucket: i32, bytes: Span): bool {
    return writeShared(this.nameOf(bucket), bytes, this.version);
  }

  private nameOf(bucket: i32): Span {
    startLine();
    writeBytes(this.prefix);
    writeDecimal(bucket);
    return line();
  }
}
