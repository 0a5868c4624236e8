// A list of what an issuer says of its tokens now, one number for each by its index.
// https://datatracker.ietf.org/doc/draft-ietf-oauth-status-list/

import { Region } from "../host/region";
import { Span, byteAt, equals, lengthOf } from "../host/span";

/** What a list may say of a token. Anything else is an issuer's own. */
export const enum Status {
  Valid = 0,
}

@unmanaged
export class StatusList {
  /** Of a status: 1, 2, 4 or 8. */
  private bits: i32;
  private bytes: Span;

  /** Null for another number of bits. @param bytes live as long as the region */
  static make(bits: i64, bytes: Span, region: Region): StatusList | null {
    if (bits != 1 && bits != 2 && bits != 4 && bits != 8) return null;
    const list = region.make<StatusList>();
    list.bits = <i32>bits;
    list.bytes = bytes;
    return list;
  }

  equals(other: StatusList): bool {
    return this.bits == other.bits && equals(this.bytes, other.bytes);
  }

  /** The token's status; -1 when the list does not have it. */
  at(index: i64): i32 {
    const perByte = 8 / this.bits;
    if (index < 0 || index / perByte >= lengthOf(this.bytes)) return -1;
    const byte = byteAt(this.bytes, <i32>(index / perByte));
    const shift = <i32>(index % perByte) * this.bits;
    return (byte >> shift) & ((1 << this.bits) - 1);
  }
}
