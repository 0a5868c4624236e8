// Who asks for a proof of a token's claims, and what came of it.

import { makeForever } from "../host/arena";
import { Reason } from "../decision/reason";
import { Awaited, NOTHING } from "./waiting";

/** Shares of a table, by the lowest bits of a holder. */
const SHARES: u32 = 1024;
/** The first of them are not for workloads of ours: who comes from elsewhere has other names than we can count. */
const STRANGERS: u32 = 16;

/** The share of one of our workloads. @param hash of its ID */
export function shareOf(hash: u32): u32 {
  return (hash & (SHARES - 1)) < STRANGERS ? hash + STRANGERS : hash;
}

/** The share of all outsiders together, or of a federated trust domain. @param hash of its name; 0: outsiders */
export function shareOfStrangers(hash: u32): u32 {
  return hash == 0 ? 0 : 1 + (hash % (STRANGERS - 1));
}

@unmanaged
export class Inquiry {
  /** Milliseconds since 1970. */
  now: i64;
  /** Whose share of every table it takes. */
  holder: u32;
  /** A hash of who sends it: the presenter's ID, or for outsiders the address that they come from. */
  sender: u32;
  root: u32;
  stream: u32;
  isObserved: bool;
  /** True when the sender is not of our trust domain: what he spends is no workload's of ours. */
  isStranger: bool;
  /** True for a request that has waited for a question which failed: it is not put again. */
  hasFailed: bool;
  /** Why there is no proof. */
  reason: Reason;
  /** What would give one, is on its way, and may be waited for until then; NOTHING: nothing is. */
  awaited: Awaited;
  awaitedUntil: i64;
  /** What is said when there is no room to wait. */
  reasonWithoutRoom: Reason;

  clear(): void {
    this.now = 0;
    this.holder = 0;
    this.isStranger = false;
    this.sender = 0;
    this.hasFailed = false;
    this.reason = Reason.signature_invalid;
    this.awaited = NOTHING;
    this.awaitedUntil = 0;
  }

  waitFor(what: Awaited, until: i64, otherwise: Reason): void {
    this.awaited = what;
    this.awaitedUntil = until;
    this.reasonWithoutRoom = otherwise;
  }
}

/** One request is judged at a time. */
export const inquiry = makeForever<Inquiry>();
