// The headers that a policy's rules ask for: each name has one bit, so that what a request has and what a rule needs are numbers.

import { makeForever } from "../host/arena";
import { List } from "../host/list";
import { PairReader } from "../host/pairs";
import { Region } from "../host/region";
import { Span, equals } from "../host/span";
import { isSpelledAlike } from "./policy";

/** Names that all rules of a policy together ask for, at most: a bit each. */
const MAX_NAMES: i32 = 64;

const pairs = makeForever<PairReader>();

/** The bit of `name`, which is added where it is new; 0 when there is no room for it. `name` lives as long as the region. */
export function headerBit(names: List<Span>, name: Span, region: Region): u64 {
  let bit: u64 = 1;
  let link = names.first;
  while (link != null) {
    if (equals(link.item, name)) return bit;
    bit <<= 1;
    link = link.next;
  }
  if (names.count == MAX_NAMES) return 0;
  names.append(name, region);
  return bit;
}

/** What was found of a policy's header names in a request. */
@unmanaged
export class FoundHeaders {
  /** The bits of those that are there, byte for byte. */
  exact: u64;
  /** The bits of those that are there for a server that reads `_` as `-`. */
  alike: u64;

  /** @param headers serialised pairs */
  find(names: List<Span>, headers: Span): void {
    this.exact = 0;
    this.alike = 0;
    pairs.start(headers);
    while (pairs.next()) this.note(names, pairs.name);
  }

  private note(names: List<Span>, name: Span): void {
    let bit: u64 = 1;
    let link = names.first;
    while (link != null) {
      if (isSpelledAlike(link.item, name)) {
        this.alike |= bit;
        if (equals(link.item, name)) this.exact |= bit;
      }
      bit <<= 1;
      link = link.next;
    }
  }
}
