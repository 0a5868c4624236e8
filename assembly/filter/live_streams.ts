// Requests that were admitted and go on: what has to be known of each to judge it once more, without the client sending it again.

import { makeForever } from "../host/arena";
import { MAX_KEPT, giveBack, keep } from "../host/keep";
import { Span, ABSENT, lengthOf } from "../host/span";
import { Table, tableForever } from "../host/table";

/** Streams that are judged again, at one time in a worker. Full means denied: one that could not be followed is not let go on. */
const MAX_STREAMS: i32 = 4096;
/** Of these, one presenter's: his flood leaves room for the others. */
const MAX_OF_ONE: i32 = 1300;
/** Presenters whose hashes fall together share what one of them may have. */
const SHARES: i32 = 1024;

/** An admitted request. Times are milliseconds since 1970. */
@unmanaged
export class LiveStream {
  id: u32;
  /** The root context whose policy has admitted it. */
  root: u32;
  /** Whose share it takes. */
  holder: u32;
  /** When it is judged again, at the latest. */
  dueAt: i64;
  /** When its token, or its presenter's certificate, ends. */
  endsAt: i64;
  /** Header pairs as they came, as far as rules look at them. */
  headers: Span;
  /** Which of its rule's expressions are true, a bit for each, and of which expressions these are. */
  trueExpressions: u32;
  expressionsHash: u32;
  /** RFC 7638: the key that a proof has shown to be its presenter's; absent: none. */
  keyThumbprint: Span;

  copyFrom(other: LiveStream): void {
    this.id = other.id;
    this.root = other.root;
    this.holder = other.holder;
    this.dueAt = other.dueAt;
    this.endsAt = other.endsAt;
    this.headers = other.headers;
    this.trueExpressions = other.trueExpressions;
    this.expressionsHash = other.expressionsHash;
    this.keyThumbprint = other.keyThumbprint;
  }
}

/** Bytes of headers that one presenter's streams may take, of all that may be kept. */
const MAX_BYTES_OF_ONE: i32 = MAX_KEPT / 3;

@unmanaged
class Share {
  streams: i32;
  bytes: i32;
}

const streams: Table<LiveStream> = tableForever<LiveStream>(MAX_STREAMS);
const shares: Table<Share> = tableForever<Share>(SHARES);
let count: i32 = 0;

/** Follows a stream from here on. False when there is no room for it. */
export function follow(stream: LiveStream): bool {
  const share = shares.at(stream.holder & (SHARES - 1));
  const bytes = lengthOf(stream.headers);
  if (count == MAX_STREAMS || share.streams == MAX_OF_ONE || bytes == 0) return false;
  if (bytes > MAX_BYTES_OF_ONE - share.bytes) return false;
  const headers = keep(stream.headers);
  if (headers == ABSENT) return false;
  const thumbprint = stream.keyThumbprint == ABSENT ? ABSENT : keep(stream.keyThumbprint);
  if (stream.keyThumbprint != ABSENT && thumbprint == ABSENT) {
    giveBack(headers);
    return false;
  }
  const place = streams.at(count++);
  place.copyFrom(stream);
  place.headers = headers;
  place.keyThumbprint = thumbprint;
  share.streams++;
  share.bytes += bytes;
  return true;
}

/** A stream has ended. */
export function forgetStream(id: u32): void {
  for (let i = 0; i < count; i++) {
    if (streams.at(i).id == id) return remove(i);
  }
}

/** How many are followed. */
export function followed(): i32 {
  return count;
}

/** The stream at a place below `followed`. */
export function streamAt(index: i32): LiveStream {
  return streams.at(index);
}

/** Something has changed for all of them: each is judged again as soon as possible. */
export function callStreams(): void {
  for (let i = 0; i < count; i++) streams.at(i).dueAt = 0;
}

function remove(index: i32): void {
  const gone = streams.at(index);
  const share = shares.at(gone.holder & (SHARES - 1));
  share.streams--;
  share.bytes -= lengthOf(gone.headers);
  giveBack(gone.headers);
  giveBack(gone.keyThumbprint);
  const last = streams.at(--count);
  if (last != gone) gone.copyFrom(last);
}

/** One stream is begun to be followed at a time. */
export const newcomer = makeForever<LiveStream>();
