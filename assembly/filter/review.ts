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
    if (!enterContext(stream.id) || !isKept(root, stream, now)) {
      // Envoy may take its time to say that it is gone.
      stream.dueAt = i64.MAX_VALUE;
      stream.endsAt = i64.MAX_VALUE;
      closed++;
    }
  }
  if (reviewed > 0) enterContext(root.id);
  return isCut;
}

/** By the policy that has admitted it, and by the newest one in its place: neither opens, or puts off, what the other has closed. */
function isKept(root: RootContext, stream: LiveStream, now: i64): bool {
  const newest = newestOf(root);
  const end = stream.endsAt;
  stream.dueAt = i64.MAX_VALUE;
  stream.endsAt = i64.MAX_VALUE;
  if (!holds(root, stream, now, end)) return false;
  if (newest != root && !holds(newest, stream, now, end)) return false;
  // Where nobody could say anew when it ends, what was known before holds.
  if (stream.endsAt == i64.MAX_VALUE && end > now) stream.endsAt = end;
  return true;
}

function holds(root: RootContext, stream: LiveStream, now: i64, end: i64): bool {
  resetArena();
  return reviewRequest(root, stream, now, end);
}
