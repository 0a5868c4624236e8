// What the policies of this VM have servers asked for. Policies that name the same share what was said, so that a new policy
// need not begin without keys, and nothing is fetched twice.

import { Table, tableForever } from "../host/table";
import { Location, Source } from "../policy/source";
import { Policy } from "../policy/policy";

/** At one time; past it a policy is refused. */
const MAX_SOURCES: i32 = 1024;

const sources: Table<Source> = tableForever<Source>(MAX_SOURCES);
/** No place from here on was ever used, so that a search stays short. */
let usedPlaces: i32 = 0;

/** Gives all that is fetched its source. False when there are too many. */
export function attachSources(policy: Policy, now: i64): bool {
  let link = policy.fetched.first;
  while (link != null) {
    const location = link.item.location;
    if (location != null) {
      const source = sourceAt(location, now);
      if (source == null) return false;
      source.users++;
      source.want(location.refresh, now);
      link.item.source = source;
    }
    link = link.next;
  }
  return true;
}

/** Undoes `attachSources`, also when it stopped half-way. What nobody uses any more is forgotten. */
export function detachSources(policy: Policy): void {
  let link = policy.fetched.first;
  while (link != null) {
    const source = link.item.source;
    if (source != null) {
      link.item.source = null;
      if (--source.users == 0) source.release();
    }
    link = link.next;
  }
}

/** Nobody wants anything any more, until `wantSources` says otherwise. */
export function forgetWants(): void {
  for (let i = 0; i < usedPlaces; i++) sources.at(i).forgetWants();
}

/** Has what this policy needs asked for as often as it wants. */
export function wantSources(policy: Policy, now: i64): void {
  let link = policy.fetched.first;
  while (link != null) {
    if (link.item.source != null) link.item.source!.want(link.item.location!.refresh, now);
    link = link.next;
  }
}

/** The source that awaits this answer, or null. */
export function sourceAwaiting(root: u32, call: u32): Source | null {
  for (let i = 0; i < usedPlaces; i++) {
    const source = sources.at(i);
    if (source.users > 0 && source.call == call && source.askedBy == root) return source;
  }
  return null;
}

/** A root context has ended, and no answer will reach it. */
export function forgetCallsOf(root: u32): void {
  for (let i = 0; i < usedPlaces; i++) {
    const source = sources.at(i);
    if (source.users > 0 && source.call != 0 && source.askedBy == root) source.forgetCall();
  }
}

function sourceAt(location: Location, now: i64): Source | null {
  let free: Source | null = null;
  for (let i = 0; i < usedPlaces; i++) {
    const source = sources.at(i);
    if (source.users == 0) free = source;
    else if (source.location!.equals(location)) return source;
  }
  if (free == null && usedPlaces < MAX_SOURCES) {
    free = sources.at(usedPlaces++);
    free.id = usedPlaces;
  }
  if (free != null) free.start(location, now);
  return free;
}
