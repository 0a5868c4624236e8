// Tokens whose signature was found good, so that it need not be checked again. What is remembered is that one key signed these
// very bytes, and what they say: never a verdict. Everything else about the token is judged at each use.
//
// Memory is fixed. A token lies in one of eight places that its hash gives; when all are taken, somebody who has more tokens here than
// whoever brings this one makes room, or he himself does: nobody's flood drives out the tokens of others.

import { makeForever } from "../host/arena";
import { SHELF_ALIGNMENT, Shelf } from "../host/shelf";
import { Span, ABSENT, equals, lengthOf, slice } from "../host/span";
import { Table, tableForever } from "../host/table";
import { fnv1a } from "../text/hash";
import { UnverifiedToken } from "./jws";

/** Places that a token can lie in. */
const WAYS: i32 = 8;
/** Bytes at a token's end that its hash is made of: most of a signature, which is as good as random. */
const HASHED: i32 = 24;
/** Holders whose hashes fall together count as one. */
const HOLDERS: i32 = 1024;

/** Sizes of entries, in bytes: a token of 700 bytes, with its claims taken apart, takes about 2 KiB. What is larger is not kept. */
const SMALL: i32 = 2560;
const MEDIUM: i32 = 10 * 1024;
const LARGE: i32 = 48 * 1024;

@unmanaged
export class CachedToken {
  token: UnverifiedToken;
  /** What proved it, byte for byte: while the same would prove it again, it need not be asked. */
  proof: Span;
  /** Milliseconds since 1970 up to which the proof holds; 0: for as long as `proof` is what it is. */
  goodUntil: i64;
  /** The whole token; absent: the entry is free. */
  compact: Span;
  hash: u32;
  holding: Holding;
  usedAt: u64;
  shelf: Shelf;
}

/** How many entries one holder has. */
@unmanaged
class Holding {
  entries: i32;
}

/** What came of remembering a token. */
export const enum Remembered {
  /** It is too large, or would have driven out somebody who has fewer. */
  No = 0,
  Yes = 1,
  /** Another one had to go. */
  ForAnother = 2,
}

const small = makeEntries(96, SMALL);
const medium = makeEntries(8, MEDIUM);
const large = makeEntries(1, LARGE);
const holdings = tableForever<Holding>(HOLDERS);
/** Counts look-ups, so that what was used least recently can be told. */
let clock: u64 = 0;

function makeEntries(sets: i32, bytes: i32): Table<CachedToken> {
  const entries = tableForever<CachedToken>(sets * WAYS);
  for (let i = 0; i < entries.capacity; i++) {
    const entry = entries.at(i);
    entry.token = UnverifiedToken.forCopies();
    entry.shelf = makeForever<Shelf>();
    entry.shelf.build(bytes);
  }
  return entries;
}

/** The entry of exactly this token, or null. Valid until the next `remember`. */
export function recall(compact: Span): CachedToken | null {
  const hash = hashOf(compact);
  let entry = findIn(small, hash, compact);
  if (entry == null) entry = findIn(medium, hash, compact);
  if (entry == null) entry = findIn(large, hash, compact);
  if (entry != null) entry.usedAt = ++clock;
  return entry;
}

/**
 * Remembers a token that was just proven.
 * @param holder a hash of who presented it
 * @param goodUntil milliseconds since 1970, or 0
 */
export function remember(
  compact: Span,
  token: UnverifiedToken,
  proof: Span,
  holder: u32,
  goodUntil: i64,
): Remembered {
  const old = recall(compact);
  if (old != null) free(old);
  const entries = entriesFor(lengthOf(compact) + lengthOf(proof) + token.copyBytes() + 2 * SHELF_ALIGNMENT);
  const holding = holdings.at(holder & (HOLDERS - 1));
  const hash = hashOf(compact);
  if (entries == null) return Remembered.No;
  const entry = placeIn(entries, hash, holding);
  if (entry == null) return Remembered.No;
  const isTaken = entry.compact != ABSENT;
  free(entry);
  const copy = entry.shelf.copy(compact);
  token.copyInto(entry.token, entry.shelf, compact, copy);
  entry.proof = entry.shelf.copy(proof);
  // Should the size have been misjudged, nothing that is half there may be found.
  if (!entry.shelf.hasFit) return Remembered.No;
  entry.compact = copy;
  entry.hash = hash;
  entry.goodUntil = goodUntil;
  entry.usedAt = ++clock;
  entry.holding = holding;
  holding.entries++;
  return isTaken ? Remembered.ForAnother : Remembered.Yes;
}

function entriesFor(bytes: i32): Table<CachedToken> | null {
  if (bytes <= SMALL) return small;
  if (bytes <= MEDIUM) return medium;
  if (bytes <= LARGE) return large;
  return null;
}

function free(entry: CachedToken): void {
  if (entry.compact != ABSENT) entry.holding.entries--;
  entry.compact = ABSENT;
  entry.shelf.clear();
}

function hashOf(compact: Span): u32 {
  return fnv1a(slice(compact, max(0, lengthOf(compact) - HASHED), lengthOf(compact)), lengthOf(compact));
}

function findIn(entries: Table<CachedToken>, hash: u32, compact: Span): CachedToken | null {
  const first = firstOf(entries, hash);
  for (let i = first; i < first + WAYS; i++) {
    const entry = entries.at(i);
    if (entry.hash == hash && entry.compact != ABSENT && equals(entry.compact, compact)) return entry;
  }
  return null;
}

/** The first of the eight places that this hash gives. */
function firstOf(entries: Table<CachedToken>, hash: u32): i32 {
  const sets = entries.capacity / WAYS;
  return <i32>(hash % <u32>sets) * WAYS;
}

/** A free place; or else that of whoever has most, the newcomer among them, and of his the one that was used least recently. */
function placeIn(entries: Table<CachedToken>, hash: u32, newcomer: Holding): CachedToken | null {
  const first = firstOf(entries, hash);
  let victim: CachedToken | null = null;
  for (let i = first; i < first + WAYS; i++) {
    const entry = entries.at(i);
    if (entry.compact == ABSENT) return entry;
    if (entry.holding != newcomer && entry.holding.entries <= newcomer.entries) continue;
    if (victim == null || yieldsBefore(entry, victim)) victim = entry;
  }
  return victim;
}

function yieldsBefore(entry: CachedToken, other: CachedToken): bool {
  const more = entry.holding.entries - other.holding.entries;
  return more == 0 ? entry.usedAt < other.usedAt : more > 0;
}
