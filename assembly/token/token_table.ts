// Fixed memory for tokens and what is known of them, found by the whole token and shared fairly.
//
// A token lies in one of eight places that its hash gives. When all are taken, somebody who has more tokens here than whoever
// brings this one makes room, or he himself does: nobody's flood drives out the tokens of others.

import { makeForever } from "../host/arena";
import { Shelf } from "../host/shelf";
import { Span, ABSENT, equals, lengthOf, slice } from "../host/span";
import { Table, tableForever } from "../host/table";
import { secretHash } from "../text/hash";
import { UnverifiedToken } from "./jws";
import { Reach } from "./reach";
import { RegisteredClaims } from "./registered_claims";

/** Places that a token can lie in. */
const WAYS: i32 = 8;
/** Of these, how many one holder's tokens may take while an answer about them is awaited, when they make room for nobody. */
const MAX_AWAITED: i32 = 4;
/** Bytes at a token's end that its hash is made of: most of a signature, which is as good as random. */
const HASHED: i32 = 24;
/** Holders whose hashes fall together count as one. */
const HOLDERS: i32 = 1024;

@unmanaged
export class CachedToken {
  token: UnverifiedToken;
  /** Where its registered claims are. */
  registered: RegisteredClaims;
  /** How far it has travelled. */
  reach: Reach;
  /** What vouches for the token, byte for byte. */
  proof: Span;
  /** Milliseconds since 1970 when it was looked up. */
  answeredAt: i64;
  /** Milliseconds since 1970 from when on nobody needs the entry any more; 0: not known. */
  goodUntil: i64;
  /** The number of the answer that is awaited about the token; 0: none. */
  awaited: u32;
  /** The whole token; absent: the place is free. */
  compact: Span;
  shelf: Shelf;
  table: TokenTable;
  hash: u32;
  holding: Holding;
  usedAt: u64;
}

/** How many tokens one holder has. */
@unmanaged
export class Holding {
  tokens: i32;
}

export function makeHoldings(): Table<Holding> {
  return tableForever<Holding>(HOLDERS);
}

/** Counts uses, so that what was used least recently can be told. */
let clock: u64 = 0;

@unmanaged
export class TokenTable {
  /** True when the last `place` sent another token away. */
  hasEvicted: bool;
  private places: Table<CachedToken>;
  private holdings: Table<Holding>;
  private bytes: i32;

  /**
   * @param sets of eight places
   * @param bytes of each place
   */
  static make(sets: i32, bytes: i32, holdings: Table<Holding>): TokenTable {
    const table = makeForever<TokenTable>();
    table.bytes = bytes;
    table.holdings = holdings;
    table.places = tableForever<CachedToken>(sets * WAYS);
    for (let i = 0; i < table.places.capacity; i++) {
      const entry = table.places.at(i);
      entry.token = UnverifiedToken.forCopies();
      entry.registered = RegisteredClaims.make();
      entry.reach = Reach.make();
      entry.shelf = makeForever<Shelf>();
      entry.shelf.build(bytes);
      entry.table = table;
    }
    return table;
  }

  /** The entry of exactly this token, or null. Valid until the next `place`. */
  find(compact: Span, hash: u32): CachedToken | null {
    const first = this.firstOf(hash);
    for (let i = first; i < first + WAYS; i++) {
      const entry = this.places.at(i);
      if (entry.hash != hash || entry.compact == ABSENT || !equals(entry.compact, compact)) continue;
      entry.usedAt = ++clock;
      return entry;
    }
    return null;
  }

  /**
   * A place for this token, with a copy of it and nothing else yet; null when there is none.
   * @param holder a hash of who presented it
   * @param now milliseconds since 1970
   * @param mustPlace when nobody has more than the newcomer, take the place used least recently all the same
   */
  place(compact: Span, hash: u32, holder: u32, now: i64, mustPlace: bool): CachedToken | null {
    const holding = this.holdings.at(holder & (HOLDERS - 1));
    const entry = this.choose(hash, holding, now, mustPlace);
    if (entry == null) return null;
    this.hasEvicted = entry.compact != ABSENT;
    this.free(entry);
    const copy = entry.shelf.copy(compact);
    if (copy == ABSENT) return null;
    entry.compact = copy;
    entry.proof = ABSENT;
    entry.reach.clear();
    entry.goodUntil = 0;
    entry.awaited = 0;
    entry.hash = hash;
    entry.usedAt = ++clock;
    entry.holding = holding;
    holding.tokens++;
    return entry;
  }

  free(entry: CachedToken): void {
    if (entry.compact != ABSENT) entry.holding.tokens--;
    entry.compact = ABSENT;
    entry.shelf.clear();
  }

  /** True when so many bytes, in a few parts, fit in one place. */
  takes(bytes: i32): bool {
    return bytes <= this.bytes;
  }

  private firstOf(hash: u32): i32 {
    return <i32>(hash % <u32>(this.places.capacity / WAYS)) * WAYS;
  }

  /**
   * A place that is free or whose time is over; or else that of whoever has most, the newcomer among them, and of his the one
   * used least recently.
   */
  private choose(hash: u32, newcomer: Holding, now: i64, mustPlace: bool): CachedToken | null {
    const first = this.firstOf(hash);
    let victim: CachedToken | null = null;
    let oldest: CachedToken | null = null;
    if (this.countAwaited(first, newcomer) >= MAX_AWAITED) return null;
    for (let i = first; i < first + WAYS; i++) {
      const entry = this.places.at(i);
      if (entry.compact == ABSENT) return entry;
      if (entry.awaited != 0) continue;
      if (entry.goodUntil != 0 && now >= entry.goodUntil) return entry;
      if (oldest == null || entry.usedAt < oldest.usedAt) oldest = entry;
      if (entry.holding != newcomer && entry.holding.tokens < newcomer.tokens) continue;
      if (victim == null || yieldsBefore(entry, victim)) victim = entry;
    }
    return victim == null && mustPlace ? oldest : victim;
  }

  private countAwaited(first: i32, holding: Holding): i32 {
    let count = 0;
    for (let i = first; i < first + WAYS; i++) {
      const entry = this.places.at(i);
      if (entry.compact != ABSENT && entry.awaited != 0 && entry.holding == holding) count++;
    }
    return count;
  }
}

export function hashOf(compact: Span): u32 {
  return secretHash(slice(compact, max(0, lengthOf(compact) - HASHED), lengthOf(compact)));
}

function yieldsBefore(entry: CachedToken, other: CachedToken): bool {
  const more = entry.holding.tokens - other.holding.tokens;
  return more == 0 ? entry.usedAt < other.usedAt : more > 0;
}
