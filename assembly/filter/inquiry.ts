// Who asks for a proof of a token's claims, and what came of it.

import { makeForever } from "../host/arena";
import { Reason } from "../decision/reason";
import { Awaited, NOTHING } from "./waiting";

@unmanaged
export class Inquiry {
  /** Milliseconds since 1970. */
  now: i64;
  /** A hash of the presenter. */
  holder: u32;
  root: u32;
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
    this.holder = 0;
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
