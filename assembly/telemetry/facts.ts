// What is known of a request when it is decided: logs, metrics and the header for the next hop are made of this.

import { Span, ABSENT } from "../host/span";
import { Border } from "../policy/policy";

export const UNKNOWN: i64 = -1;

/** Every span may be absent. */
@unmanaged
export class Facts {
  rule: Span;
  issuer: Span;
  /** The token as it came. Never shown. */
  token: Span;
  /** The header that it came in; absent: `authorization`. */
  tokenHeader: Span;
  /** A hash of who sent the request, as far as that is known. */
  sender: u32;
  /** Where the presenter stands. */
  border: Border;
  /** True once the token's claims were proven, so that what follows is known as far as it can be. */
  isUse: bool;
  /** Seconds since the token was issued, or UNKNOWN. */
  age: i64;
  /** Milliseconds since this worker saw the token last, or UNKNOWN. */
  sinceCheck: i64;
  /** How many presenters have shown the token here, and how many hosts have accepted it; 0: not known. */
  presenters: i32;
  services: i32;
  /** True when this use made the number one larger. */
  isNewPresenter: bool;
  isNewService: bool;
  /** True when a record is to say the rest, too: what the request asked for, and what its token claims. */
  isTold: bool;
  method: Span;
  authority: Span;
  /** Without the query. */
  path: Span;
  /** Of a token whose claims are proven, base64url. */
  payload: Span;
  /** The SPIFFE ID that this service shows. */
  localId: Span;

  clear(): void {
    this.rule = ABSENT;
    this.issuer = ABSENT;
    this.token = ABSENT;
    this.tokenHeader = ABSENT;
    this.sender = 0;
    this.border = Border.None;
    this.isUse = false;
    this.age = UNKNOWN;
    this.sinceCheck = UNKNOWN;
    this.presenters = 0;
    this.services = 0;
    this.isNewPresenter = false;
    this.isNewService = false;
    this.isTold = false;
    this.method = ABSENT;
    this.authority = ABSENT;
    this.path = ABSENT;
    this.payload = ABSENT;
    this.localId = ABSENT;
  }
}
