// What introspection servers said about opaque tokens, and what they are being asked. An answer is kept for a while, a no as well
// as a yes; it is claims, and never a verdict.  https://www.rfc-editor.org/rfc/rfc7662

import { makeForever } from "../host/arena";
import { Span, equals } from "../host/span";
import { parseDecimal } from "../text/decimal";
import { secretHash } from "../text/hash";
import { JsonKind, ROOT } from "../text/json";
import { UnverifiedToken } from "./jws";
import { CachedToken, TokenTable, hashOf, makeHoldings } from "./token_table";

/** Bytes of an opaque token, at most: real ones have a tenth of it. */
export const MAX_OPAQUE_BYTES: i32 = 2048;
/** Bytes for a token and the claims about it. */
const PLACE_BYTES: i32 = 8 * 1024;
const ENFORCED_SETS: i32 = 32;
const OBSERVED_SETS: i32 = 4;

@unmanaged
export class Introspections {
  private table: TokenTable | null;

  /** Takes its memory, when a policy that needs it is loaded. */
  build(sets: i32): void {
    if (this.table != null) return;
    this.table = TokenTable.make(sets, PLACE_BYTES, makeHoldings());
  }

  /**
   * What is known, or being asked, about this token; null when it is nothing, or nothing any more.
   * @param server by which the answer has to be
   * @param cacheFor seconds that it may be old
   */
  find(compact: Span, server: Span, now: i64, cacheFor: i64): CachedToken | null {
    const table = this.table;
    if (table == null) return null;
    const entry = table.find(compact, hashFor(compact, server));
    if (entry == null || !equals(entry.proof, server)) return null;
    const age = now - entry.answeredAt;
    const isFresh = age >= 0 && age < cacheFor * 1000 && now < entry.goodUntil;
    return entry.awaited != 0 || isFresh ? entry : null;
  }

  /** A place for an answer that is awaited; null when there is none. @param awaited the number of the answer */
  reserve(compact: Span, server: Span, holder: u32, awaited: u32, now: i64): CachedToken | null {
    const table = this.table;
    if (table == null) return null;
    const hash = hashFor(compact, server);
    const old = table.find(compact, hash);
    // What is awaited has an answer on its way to that very place.
    if (old != null && old.awaited != 0) return null;
    if (old != null) table.free(old);
    const entry = table.place(compact, hash, holder, now, true);
    if (entry == null) return null;
    entry.proof = entry.shelf.copy(server);
    entry.awaited = awaited;
    if (entry.shelf.hasFit) return entry;
    this.forget(entry);
    return null;
  }

  /** Takes the awaited answer in. False when it does not fit: then nothing is known. */
  answer(entry: CachedToken, claims: UnverifiedToken, now: i64, cacheFor: i64): bool {
    claims.copyInto(entry.token, entry.shelf, entry.compact, entry.compact);
    if (!entry.shelf.hasFit) return false;
    entry.awaited = 0;
    entry.answeredAt = now;
    const end = endOf(claims);
    const kept = now + cacheFor * 1000;
    // A token that is over already is denied for that, as long as anybody cares to ask.
    entry.goodUntil = end > now ? min(kept, end) : kept;
    return true;
  }

  /** There is no answer. */
  forget(entry: CachedToken): void {
    entry.awaited = 0;
    entry.table.free(entry);
  }
}

/** Observed requests have a table of their own: what they ask takes nothing from those that are enforced. */
export const enforced = makeForever<Introspections>();
export const observed = makeForever<Introspections>();

export function buildIntrospections(): void {
  enforced.build(ENFORCED_SETS);
  observed.build(OBSERVED_SETS);
}

/** Milliseconds since 1970 when the token ends, as its answer says: from then on the server has to be asked again. */
function endOf(claims: UnverifiedToken): i64 {
  const exp = claims.payload.member(ROOT, "exp");
  const seconds = claims.payload.kind(exp) == JsonKind.Number ? parseDecimal(claims.payload.textOf(exp)) : -1;
  return seconds < 0 ? i64.MAX_VALUE : seconds * 1000;
}

function hashFor(compact: Span, server: Span): u32 {
  return hashOf(compact) ^ secretHash(server);
}
