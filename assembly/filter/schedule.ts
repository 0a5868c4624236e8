// What happens without a request: ticks, and answers to HTTP calls. Both may wake requests that wait.

import { makeForever, resetArena } from "../host/arena";
import { NO_CALL, enterContext, readClock, setTickPeriod } from "../host/call";
import { Policy, longestProof } from "../policy/policy";
import { settleAnswered } from "./accepted_tokens";
import { RootContext, findRoot, policyOf } from "./contexts";
import { forgetLostIntrospections, takeIntrospection } from "./introspect";
import { fetch, takeContents } from "./fetch";
import { sourceAwaiting } from "./sources";
import { callStreams } from "./live_streams";
import { resumeRequest } from "./request";
import { reviewStreams } from "./review";
import { measureReplay } from "../telemetry/replay_gauge";
import { flushReach } from "../telemetry/reach";
import { Waiting, callExpired, callWaiters, putBack, takeCalled } from "./waiting";

/** Milliseconds. The short one is for the first fetch, and for as long as requests that were called still wait. */
const SHORT_TICK: i32 = 5;
const TICK: i32 = 250;
/** For a policy that asks nobody anything: what was counted is handed over. */
const IDLE_TICK: i32 = 1000;
/**
 * Requests that are decided in one callback, at most. Envoy ends each within the end of the one before, so that a few hundred
 * denied at once overflow its stack and take the VM down (docs/host.md).
 */
const MAX_RESUMED: i32 = 32;

const woken = makeForever<Waiting>();

/** Begins the ticks that a new policy needs. Fetching waits for the first: Envoy also configures VMs that it throws away. */
export function startTicks(rootId: u32): void {
  const root = findRoot(rootId);
  const policy = policyOf(root);
  if (root == null || policy == null) return;
  root.tickPeriod = 0;
  // Another policy may see some requests in another way.
  callStreams();
  pace(root, asksSomebody(policy) ? SHORT_TICK : IDLE_TICK);
}

function asksSomebody(policy: Policy): bool {
  return policy.fetched.count > 0 || policy.introspects;
}

export function handleTick(rootId: u32): void {
  flushReach();
  const root = findRoot(rootId);
  const policy = policyOf(root);
  const now = readClock();
  if (root == null || policy == null) return;
  if (now == 0) {
    // Without a clock nobody's time would ever be up.
    callExpired(rootId, i64.MAX_VALUE);
    return resumeCalled(root, false);
  }
  settleAnswered(rootId);
  const isBusy = reviewStreams(root, now);
  if (longestProof(policy) > 0) measureReplay(now / 1000);
  if (!asksSomebody(policy)) return pace(root, isBusy ? SHORT_TICK : IDLE_TICK);
  fetchWhatIsDue(policy, rootId, now);
  if (policy.introspects) forgetLostIntrospections(now);
  callExpired(rootId, now);
  resumeCalled(root, isBusy);
}

/** Takes in an answer to a call of this root context. */
export function handleAnswer(rootId: u32, call: u32, bodySize: i32): void {
  const root = findRoot(rootId);
  // What is idle has no call, too: such a number would match it.
  if (root == null || call == NO_CALL) return;
  const source = sourceAwaiting(rootId, call);
  if (source != null) {
    // Keys that are gone take their streams with them, and so does what was taken back.
    if (takeContents(source, policyOf(root), bodySize, readClock())) callStreams();
    callWaiters(source.id, false);
  } else {
    takeIntrospection(rootId, call, bodySize, readClock());
  }
  resumeCalled(root, false);
}

function fetchWhatIsDue(policy: Policy, root: u32, now: i64): void {
  let link = policy.fetched.first;
  while (link != null) {
    const source = link.item.source;
    if (source != null && source.isDue(now)) fetch(source, root, now);
    link = link.next;
  }
}

/** Judges those who were called, the first ones now and the rest in the next ticks; then speaks of the root context again. */
function resumeCalled(root: RootContext, isBusy: bool): void {
  let resumed = 0;
  while (resumed < MAX_RESUMED && takeCalled(woken)) {
    if (!enterContext(woken.stream)) {
      putBack(woken);
      continue;
    }
    resumed++;
    resetArena();
    resumeRequest(woken);
  }
  if (resumed > 0) enterContext(root.id);
  pace(root, isBusy || resumed == MAX_RESUMED ? SHORT_TICK : TICK);
}

function pace(root: RootContext, milliseconds: i32): void {
  if (root.tickPeriod == milliseconds) return;
  if (setTickPeriod(milliseconds)) root.tickPeriod = milliseconds;
}
