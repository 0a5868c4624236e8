// Tokens whose signature was found good, so that it need not be checked again. What is remembered is that one key signed these
// very bytes, and what they say: never a verdict. Everything else about the token is judged at each use.

import { SHELF_ALIGNMENT } from "../host/shelf";
import { Span, lengthOf } from "../host/span";
import { UnverifiedToken } from "./jws";
import { CachedToken, TokenTable, hashOf, makeHoldings } from "./token_table";

/** Seconds that a token may be taken after its end: the largest `clockSkew`. */
const MAX_SKEW: i64 = 300;

// Bytes: a token of 700, with its claims taken apart, takes about 2 KiB. What is larger than the largest is not kept.
const holdings = makeHoldings();
const small = TokenTable.make(96, 2560, holdings);
const medium = TokenTable.make(8, 10 * 1024, holdings);
const large = TokenTable.make(1, 48 * 1024, holdings);

/** What came of remembering a token. */
export const enum Remembered {
  /** It is too large, or would have driven out somebody who has fewer. */
  No = 0,
  Yes = 1,
  /** Another one had to go. */
  ForAnother = 2,
}

/** The entry of exactly this token, or null. Valid until the next `remember`. */
export function recall(compact: Span): CachedToken | null {
  const hash = hashOf(compact);
  let entry = small.find(compact, hash);
  if (entry == null) entry = medium.find(compact, hash);
  return entry == null ? large.find(compact, hash) : entry;
}

/**
 * Remembers a token that was just proven.
 * @param proof the key that signed it
 * @param holder a hash of who presented it
 * @param now milliseconds since 1970
 */
export function remember(
  compact: Span,
  token: UnverifiedToken,
  proof: Span,
  holder: u32,
  now: i64,
): Remembered {
  const old = recall(compact);
  if (old != null) old.table.free(old);
  const table = tableFor(lengthOf(compact) + lengthOf(proof) + token.copyBytes() + 2 * SHELF_ALIGNMENT);
  if (table == null) return Remembered.No;
  const entry = table.place(compact, hashOf(compact), holder, now, false);
  if (entry == null) return Remembered.No;
  token.copyInto(entry.token, entry.shelf, compact, entry.compact);
  entry.proof = entry.shelf.copy(proof);
  // Should the size have been misjudged, nothing that is half there may be found.
  if (!entry.shelf.hasFit) {
    table.free(entry);
    return Remembered.No;
  }
  entry.registered.find(entry.token.payload);
  // What is no date is no use to remember for long either.
  entry.goodUntil = entry.registered.exp < 0 ? 1 : (entry.registered.exp + MAX_SKEW) * 1000;
  return table.hasEvicted ? Remembered.ForAnother : Remembered.Yes;
}

function tableFor(bytes: i32): TokenTable | null {
  if (small.takes(bytes)) return small;
  if (medium.takes(bytes)) return medium;
  return large.takes(bytes) ? large : null;
}
