// Who asks for a proof of a token's claims, and what came of it.

import { makeForever } from "../host/arena";
import { Reason } from "../decision/reason";
import { Awaited, NOTHING } from "./waiting";

/** Who shows no SPIFFE ID: all of them together have one share, which is no workload's. */
export const OUTSIDERS: u32 = 0;
/** Tables have so many shares, by the lowest bits of a holder. */
const SHARES: u32 = 1024;

/** The share of a workload: any but that of the outsiders. @param hash of its ID */
export function shareOf(hash: u32): u32 {
  return (hash & (SHARES - 1)) == OUTSIDERS ? hash + 1 : hash;
}

@unmanaged
export class Inquiry {
  /** Milliseconds since 1970. */
  now: i64;
  /** Whose share of every table it takes: a hash of the presenter's ID, or OUTSIDERS. */
  holder: u32;
  /** A hash of who sends it: the presenter's ID, or for outsiders the address that they come from. */
  sender: u32;
  root: u32;
  stream: u32;
  isObserved: bool;
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
    this.holder = OUTSIDERS;
    this.sender = 0;
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
