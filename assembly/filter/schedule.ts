// What happens without a request: ticks, and answers to HTTP calls. Both may wake requests that wait.

import { makeForever, resetArena } from "../host/arena";
import { enterContext, readClock, setTickPeriod } from "../host/call";
import { Policy } from "../policy/policy";
import { findRoot, policyOf } from "./contexts";
import { fetchKeys, takeKeys } from "./key_fetch";
import { sourceAwaiting } from "./key_sources";
import { resumeRequest } from "./request";
import { Woken, callExpired, callWaiters, takeCalled } from "./waiting";

/** Milliseconds. The first one is short, since requests wait for the first keys. */
const FIRST_TICK: i32 = 10;
const TICK: i32 = 250;

const woken = makeForever<Woken>();

/** Begins the ticks that a new policy needs. Fetching waits for the first: Envoy also configures VMs that it throws away. */
export function startTicks(rootId: u32): void {
  const policy = policyOf(findRoot(rootId));
  if (policy != null && policy.fetchesKeys) setTickPeriod(FIRST_TICK);
}

export function handleTick(rootId: u32): void {
  const root = findRoot(rootId);
  const policy = policyOf(root);
  const now = readClock();
  if (root == null || policy == null || now == 0) return;
  if (!root.hasTicked) setTickPeriod(TICK);
  root.hasTicked = true;
  fetchDueKeys(policy, rootId, now);
  callExpired(rootId, now);
  resumeCalled(rootId);
}

/** Takes in an answer to a call of this root context. */
export function handleAnswer(root: u32, call: u32, bodySize: i32): void {
  const source = sourceAwaiting(root, call);
  if (source == null) return;
  takeKeys(source, bodySize, readClock());
  callWaiters(source.id);
  resumeCalled(root);
}

function fetchDueKeys(policy: Policy, root: u32, now: i64): void {
  let link = policy.issuers.first;
  while (link != null) {
    const source = link.item.source;
    if (source != null && source.isDue(now)) fetchKeys(source, root, now);
    link = link.next;
  }
}

/** Judges everybody who was called, and then speaks of the root context again. */
function resumeCalled(root: u32): void {
  let hasLeft = false;
  while (takeCalled(woken)) {
    if (!enterContext(woken.stream)) continue;
    hasLeft = true;
    resetArena();
    resumeRequest(woken);
  }
  if (hasLeft) enterContext(root);
}
