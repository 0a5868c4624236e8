// What was taken back before its time: tokens, by what they say or by themselves, and who may present any.

import { List } from "../host/list";
import { Region } from "../host/region";
import { Span, ABSENT, equals } from "../host/span";
import { Table, placeTable, tableBytes } from "../host/table";
import { fnv1a } from "../text/hash";

/** By what something is taken back. */
export const enum RevokedBy {
  /** The token's `jti`. */
  Id = 0,
  /** Its `sub`. */
  Subject = 1,
  /** The `kid` of the key that has signed it. */
  Key = 2,
  /** The SHA-256 of the token's payload as it stands, of an opaque one of all of it, base64url. */
  Token = 3,
  /** The presenter's SPIFFE ID. */
  Presenter = 4,
  /** The SHA-256 of the presenter's certificate in DER, base64url. */
  Certificate = 5,
}

@unmanaged
class Revoked {
  by: RevokedBy;
  text: Span;
  hash: u32;
  /** In the same bucket. */
  next: Revoked | null;
}

@unmanaged
class Bucket {
  first: Revoked | null;
}

/** Tokens of an issuer that are too old, whatever they say themselves. */
@unmanaged
export class IssuedBefore {
  /** What the policy calls the issuer. */
  issuer: Span;
  /** Seconds since 1970. */
  time: i64;
}

/** A set that is made once and then only read. A lookup costs the same in a large one. */
@unmanaged
export class Revocations {
  private buckets: Table<Bucket>;
  /** Which kinds there are, a bit for each `RevokedBy`: what nobody asks for is not looked up. */
  kinds: u32;
  issuedBefore: List<IssuedBefore>;

  /** @param count of entries that will come */
  static make(count: i32, region: Region): Revocations {
    const revocations = region.make<Revocations>();
    revocations.buckets = region.make<Table<Bucket>>();
    revocations.issuedBefore = region.make<List<IssuedBefore>>();
    let capacity = 1;
    while (capacity < 2 * count) capacity *= 2;
    placeTable(revocations.buckets, region.reserve(tableBytes<Bucket>(capacity)));
    return revocations;
  }

  /** @param text lives as long as the region */
  add(by: RevokedBy, text: Span, region: Region): void {
    const revoked = region.make<Revoked>();
    revoked.by = by;
    revoked.text = text;
    revoked.hash = fnv1a(text, by);
    const bucket = this.bucketOf(revoked.hash);
    revoked.next = bucket.first;
    bucket.first = revoked;
    this.kinds |= 1 << by;
  }

  /** True when there is any entry of this kind. */
  hasAny(by: RevokedBy): bool {
    return (this.kinds & (1 << by)) != 0;
  }

  has(by: RevokedBy, text: Span): bool {
    if (!this.hasAny(by) || text == ABSENT) return false;
    const hash = fnv1a(text, by);
    let revoked = this.bucketOf(hash).first;
    while (revoked != null) {
      if (revoked.hash == hash && revoked.by == by && equals(revoked.text, text)) return true;
      revoked = revoked.next;
    }
    return false;
  }

  /** Seconds since 1970 from when on an issuer's tokens count; 0: from ever. */
  issuedSince(issuer: Span): i64 {
    let link = this.issuedBefore.first;
    while (link != null) {
      if (equals(link.item.issuer, issuer)) return link.item.time;
      link = link.next;
    }
    return 0;
  }

  private bucketOf(hash: u32): Bucket {
    return this.buckets.at(<i32>(hash & (<u32>(this.buckets.capacity - 1))));
  }
}
