// Which policy a stream falls under. Envoy makes one root context for each plugin configuration, several may live in one VM,
// and an old one stays until its last stream has ended. A request is judged within one callback, and one that waits finds its
// policy anew when it is woken, so nothing holds a policy longer than a callback, and a root context may release its policy
// whenever it gets another one or ends.

import { ascii, makeForever } from "../host/arena";
import { readClock, readProperty } from "../host/call";
import { Region } from "../host/region";
import { Span } from "../host/span";
import { Table, tableForever } from "../host/table";
import { compileExpressions } from "../evidence/expressions";
import { resolveSelf } from "../evidence/self";
import { loadPolicy } from "../policy/load";
import { Mode, Policy, longestProof, widestClockSkew } from "../policy/policy";
import { refuseRoom } from "../policy/refusal";
import { proofWindowFor } from "../state/proof_window";
import { buildIntrospections } from "../token/introspections";
import { logPolicy, logRefusal } from "../telemetry/policy_log";
import { fnv1a } from "../text/hash";
import { forgetIntrospectionsOf } from "./introspect";
import { attachSources, detachSources, forgetCallsOf, forgetWants, wantSources } from "./sources";
import { resolveSecrets } from "./secrets";
import { forgetExpressionsOf } from "./waiting";

/** Root contexts at one time, each kept by Envoy until its last stream has ended; past it a configuration is refused. */
const MAX_ROOTS: i32 = 4096;
/** Streams that were created and have not shown their headers yet. Envoy does both in one go, so this is never near full. */
const MAX_PENDING: i32 = 1024;
/** Envoy numbers contexts from 1. */
const NO_CONTEXT: u32 = 0;

@unmanaged
export class RootContext {
  id: u32;
  /** Milliseconds between its ticks; 0: none. */
  tickPeriod: i32;
  policy: Policy | null;
  /** A hash of the plugin's names: a policy update makes a root context with the same ones. */
  lineage: u32;
  /** Counts configurations in this VM, so that the newest one of a lineage can be told. */
  generation: u32;
  /** Requests allowed since one of them was logged. */
  unlogged: i32;
  /** What the policy is made of, and where the next one is going to be. */
  region: Region | null;
  spare: Region | null;
}

@unmanaged
class PendingStream {
  id: u32;
  root: u32;
}

const PLUGIN_NAME = ascii("plugin_name");
const PLUGIN_ROOT = ascii("plugin_root_id");

let generations: u32 = 0;

const roots: Table<RootContext> = tableForever<RootContext>(MAX_ROOTS);
/** No slot from here on is in use, so that a search stays short. */
let usedRoots: i32 = 0;
const pending: Table<PendingStream> = tableForever<PendingStream>(MAX_PENDING);

/** Notes a new context; one without a parent is a root context. */
export function createContext(id: u32, parent: u32): void {
  if (parent != NO_CONTEXT) {
    const stream = pending.at(id & (MAX_PENDING - 1));
    stream.id = id;
    stream.root = parent;
    return;
  }
  const root = freeRoot();
  if (root != null) root.id = id;
}

/** Gives the root context a new policy. False when it is refused: the log says why, and the policy it had stays. */
export function configureRoot(id: u32, text: Span): bool {
  const isAccepted = replacePolicy(findRoot(id), text);
  if (!isAccepted) logRefusal();
  return isAccepted;
}

function replacePolicy(root: RootContext | null, text: Span): bool {
  if (root == null) return refuseRoom();
  const region = root.spare == null ? makeForever<Region>() : root.spare!;
  root.spare = region;
  const policy = loadPolicy(text, region);
  if (policy == null || !attach(policy, region)) {
    region.release();
    return false;
  }
  const hasShared = detach(root.policy);
  forgetExpressionsOf(root.id);
  root.spare = root.region;
  root.region = region;
  root.policy = policy;
  if (hasShared) wantAnew();
  root.lineage = lineageOf(policy);
  root.generation = ++generations;
  releaseRegion(root.spare);
  logPolicy(policy);
  return true;
}

/** Connects a policy that was read to what outlives it, and to what it names and does not hold. */
function attach(policy: Policy, region: Region): bool {
  if (!resolveSelf(policy, region) || !compileExpressions(policy, region)) return false;
  if (!resolveSecrets(policy, region)) return false;
  if (policy.introspects) buildIntrospections();
  if (policy.fetched.count > 0 && !attachSources(policy, readClock())) {
    detachSources(policy);
    return refuseRoom();
  }
  coverProofs(policy);
  return true;
}

/** The sooner the start is known, the shorter proofs are asked for a nonce. Without it, requests try again. */
function coverProofs(policy: Policy): void {
  const longest = longestProof(policy);
  if (longest == 0) return;
  const clockSkew = widestClockSkew(policy.issuers);
  const now = readClock() / 1000;
  proofWindowFor(true).cover(longest, clockSkew, now);
  if (policy.modeWithoutRule == Mode.Enforce) proofWindowFor(false).cover(longest, clockSkew, now);
}

/** True when others may have shared sources with this policy, which goes. */
function detach(policy: Policy | null): bool {
  if (policy == null) return false;
  detachSources(policy);
  return policy.fetched.count > 0;
}

/** What only a policy wanted that has gone is not asked for so often any more. */
function wantAnew(): void {
  const now = readClock();
  forgetWants();
  for (let i = 0; i < usedRoots; i++) {
    const policy = roots.at(i).policy;
    if (policy != null) wantSources(policy, now);
  }
}

/** The root context of a stream that shows its headers, asked for once; null when the stream is unknown. */
export function rootFor(stream: u32): RootContext | null {
  const slot = pending.at(stream & (MAX_PENDING - 1));
  if (stream == NO_CONTEXT || slot.id != stream) return null;
  slot.id = NO_CONTEXT;
  return findRoot(slot.root);
}

/** The policy in force there; null when there is none. */
export function policyOf(root: RootContext | null): Policy | null {
  if (root == null) return null;
  return root.policy;
}

/** The root context that was configured last for the same plugin: this one, unless its policy has been replaced. */
export function newestOf(root: RootContext): RootContext {
  let newest = root;
  for (let i = 0; i < usedRoots; i++) {
    const other = roots.at(i);
    const isHeir = other.id != NO_CONTEXT && other.policy != null && other.lineage == root.lineage;
    if (isHeir && other.generation > newest.generation) newest = other;
  }
  return newest;
}

/** What a policy and the one that replaces it have in common. */
function lineageOf(policy: Policy): u32 {
  return fnv1a(policy.name, fnv1a(readProperty(PLUGIN_NAME), fnv1a(readProperty(PLUGIN_ROOT), 0)));
}

/** Forgets a context that has ended. */
export function deleteContext(id: u32): void {
  const root = findRoot(id);
  if (root == null) return;
  forgetCallsOf(id);
  forgetIntrospectionsOf(id);
  const hasShared = detach(root.policy);
  root.id = NO_CONTEXT;
  root.policy = null;
  if (hasShared) wantAnew();
  releaseRegion(root.region);
  while (usedRoots > 0 && roots.at(usedRoots - 1).id == NO_CONTEXT) usedRoots--;
}

function releaseRegion(region: Region | null): void {
  if (region != null) region.release();
}

/** The root context of this number, or null. */
export function findRoot(id: u32): RootContext | null {
  return id == NO_CONTEXT ? null : slotWith(id);
}

function freeRoot(): RootContext | null {
  const free = slotWith(NO_CONTEXT);
  if (free != null || usedRoots == MAX_ROOTS) return free;
  return roots.at(usedRoots++);
}

function slotWith(id: u32): RootContext | null {
  for (let i = 0; i < usedRoots; i++) {
    const root = roots.at(i);
    if (root.id == id) return root;
  }
  return null;
}
