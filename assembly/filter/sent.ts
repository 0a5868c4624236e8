// What the client has sent: the header pairs, read once, and what of them every request is judged by.

import { makeForever } from "../host/arena";
import { PairReader } from "../host/pairs";
import { Span, ABSENT, byteAt, equals, equalsAscii, lengthOf } from "../host/span";
import { Reason } from "../decision/reason";
import { isPlainAuthority } from "../policy/authority";
import { Target } from "../policy/match";
import { isMethod } from "../policy/method";
import { isAmbiguousPath, withoutQuery } from "../policy/path";
import { Rule, headerSpelled, isSpelledAlike } from "../policy/policy";
import { Char } from "../text/ascii";
import { Credential } from "../token/credential";
import { isOwnHeader } from "./forward";

const pairs = makeForever<PairReader>();
let found: Span = ABSENT;

@unmanaged
export class Sent {
  /** All header pairs, serialised. */
  headers: Span;
  /** False while nobody knows what they are. */
  isRead: bool;
  /** `:path` with its query. */
  path: Span;
  /** `x-forwarded-client-cert`, and how many there are. */
  xfcc: Span;
  xfccCount: i32;
  /** True when there is a header that only holdfast writes. */
  hasOwnHeader: bool;
  /** True when the request came as TLS early data, by the word of whoever ended TLS.  RFC 8470, section 5.1 */
  isEarly: bool;

  clear(): void {
    this.headers = ABSENT;
    this.isRead = false;
    this.path = ABSENT;
    this.xfcc = ABSENT;
    this.xfccCount = 0;
    this.hasOwnHeader = false;
    this.isEarly = false;
  }

  /** Reads the pairs, and notes what rules and tokens are found by. `ok` only when all of it has one plain reading. */
  read(headers: Span, target: Target, credential: Credential): Reason {
    this.headers = headers;
    if (lengthOf(headers) == 0) return Reason.host_unavailable;
    target.clear();
    target.headers = headers;
    pairs.start(headers);
    while (pairs.next()) this.note(pairs.name, pairs.value, target, credential);
    this.isRead = pairs.ok;
    if (!this.isRead) return Reason.host_unavailable;
    target.path = withoutQuery(this.path);
    if (isAmbiguousPath(target.path)) return Reason.path_ambiguous;
    if (!isMethod(target.method)) return Reason.method_ambiguous;
    return isPlainAuthority(target.authority) ? Reason.ok : Reason.authority_ambiguous;
  }

  /** Notes the tokens in headers besides `authorization` that this rule takes tokens from. */
  readNamed(rule: Rule, credential: Credential): void {
    pairs.start(this.headers);
    while (pairs.next()) {
      const header = headerSpelled(rule.headers, pairs.name);
      if (header != ABSENT) credential.noteNamed(header, pairs.value);
    }
  }

  /** The value of a header that is there exactly once; otherwise absent. */
  only(name: Span): Span {
    return this.countOf(name) == 1 ? found : ABSENT;
  }

  /** How often a header is there. */
  countOf(name: Span): i32 {
    let count = 0;
    pairs.start(this.headers);
    while (name != ABSENT && pairs.next()) {
      if (!equals(pairs.name, name)) continue;
      found = pairs.value;
      count++;
    }
    return count;
  }

  /** The same with those that some servers take for it: they read `_` as `-`. */
  countAlike(name: Span): i32 {
    let count = 0;
    pairs.start(this.headers);
    while (pairs.next()) if (isSpelledAlike(name, pairs.name)) count++;
    return count;
  }

  private note(name: Span, value: Span, target: Target, credential: Credential): void {
    const first = byteAt(name, 0);
    if (first == Char.Colon) {
      if (equalsAscii(name, ":path")) this.path = value;
      else if (equalsAscii(name, ":method")) target.method = value;
      else if (equalsAscii(name, ":authority")) target.authority = value;
    } else if (first == Char.LowerA && equalsAscii(name, "authorization")) {
      credential.note(value);
    } else if (first == Char.LowerX && equalsAscii(name, "x-forwarded-client-cert")) {
      this.xfcc = value;
      this.xfccCount++;
    } else if (first == Char.LowerE && equalsAscii(name, "early-data")) {
      this.isEarly = true;
    } else if (first == Char.LowerX && isOwnHeader(name)) {
      this.hasOwnHeader = true;
    }
  }
}
