// Judges admitted requests again: on the beat that their rule asks for, when their token or certificate ends, and when a policy or keys
// have changed. One that no longer holds is closed, wherever it is.

import { resetArena } from "../host/arena";
import { enterContext } from "../host/call";
import { RootContext, newestOf } from "./contexts";
import { LiveStream, followed, streamAt } from "./live_streams";
import { reviewRequest } from "./request";

/** Streams that are looked at in one callback, and closed in one, at most; see `MAX_RESUMED` in schedule.ts for the reason. */
const MAX_REVIEWED: i32 = 256;
const MAX_CLOSED: i32 = 32;
/** Milliseconds until a stream is looked at again of which nothing can be known now. */
const RETRY: i64 = 1000;

/** Reviews the streams of a root context that are due. True when some of them had to be left for the next tick. */
export function reviewStreams(root: RootContext, now: i64): bool {
  let reviewed = 0;
  let closed = 0;
  let isCut = false;
  for (let i = 0; i < followed() && !isCut; i++) {
    const stream = streamAt(i);
    if (stream.root != root.id || now < min(stream.dueAt, stream.endsAt)) continue;
    isCut = reviewed == MAX_REVIEWED || closed == MAX_CLOSED;
    if (isCut) break;
    reviewed++;
    // It says itself when it is looked at next; one that is closed is gone once Envoy says so.
    stream.dueAt = now + RETRY;
    if (enterContext(stream.id) && !isKept(root, stream, now)) closed++;
  }
  if (reviewed > 0) enterContext(root.id);
  return isCut;
}

/** By the policy that has admitted it, and by the newest one in its place: neither opens what the other has closed. */
function isKept(root: RootContext, stream: LiveStream, now: i64): bool {
  const newest = newestOf(root);
  if (!holds(root, stream, now)) return false;
  return newest == root || holds(newest, stream, now);
}

function holds(root: RootContext, stream: LiveStream, now: i64): bool {
  resetArena();
  return reviewRequest(root, stream, now);
}
