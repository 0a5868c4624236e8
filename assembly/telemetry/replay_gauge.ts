// How full the replay table is, as `wasmcustom.holdfast.replay.used`: its places that are taken. It is looked through a part at a time,
// on ticks, so that the gauge is some seconds late.

import { ascii } from "../host/arena";
import { defineGauge, setGauge } from "../host/call";
import { REPLAY_BUCKETS, replayTableFor } from "../state/replay";

const NAME = ascii("holdfast.replay.used");
/** Buckets that are looked through on one tick. */
const AT_ONCE: i32 = 32;
const UNDEFINED: i32 = -1;

let id: i32 = UNDEFINED;
let next: i32 = 0;
let used: i32 = 0;

/** Makes the gauge known to the host, once in a VM. */
export function defineReplayGauge(): void {
  if (id == UNDEFINED) id = defineGauge(NAME);
}

/** @param now seconds since 1970 */
export function measureReplay(now: i64): void {
  for (let i = 0; i < AT_ONCE; i++) used += replayTableFor(false).usedIn(next++, now);
  if (next < REPLAY_BUCKETS) return;
  if (id != UNDEFINED) setGauge(id, used);
  next = 0;
  used = 0;
}
