// IP addresses, ranges of them, and addresses with a port.  https://www.rfc-editor.org/rfc/rfc4291#section-2.2
// An IPv4 address and the same one mapped into IPv6 (::ffff:192.0.2.1) are one address here, of the family V4: on a dual-stack
// socket the same peer may be written either way.

import { makeForever } from "../host/arena";
import { Span, ABSENT, byteAt, indexOf, lengthOf, slice, sliceFrom } from "../host/span";
import { Char } from "./ascii";
import { parseDecimal } from "./decimal";
import { hexValue } from "./hex";

export const enum IpFamily {
  /** Not an address. */
  None = 0,
  V4 = 4,
  V6 = 6,
}

const GROUPS: i32 = 8;
const GROUP_BITS: i32 = 16;
const OCTETS: i32 = 4;
const V4_BITS: i32 = 32;
const V6_BITS: i32 = 128;
/** Section 2.5.5.2: what stands before the 32 bits of a mapped IPv4 address, after zeros. */
const MAPPED: u64 = 0xffff;

@unmanaged
export class IpAddress {
  family: IpFamily;
  /** The first 64 bits of the IPv6 address, in host byte order. 0 for IPv4. */
  high: u64;
  /** The other 64 bits. For IPv4: of the mapped address. */
  low: u64;

  /**
   * Reads `192.0.2.1` or an IPv6 address in any of its text forms. Leading zeros in IPv4 are refused, which some read as octal;
   * so is a zone. False, and no address, when `text` is anything else.
   */
  parse(text: Span): bool {
    this.clear();
    if (!(indexOf(text, Char.Colon, 0) < 0 ? this.readV4(text) : this.readV6(text))) {
      this.clear();
      return false;
    }
    this.family = this.high == 0 && this.low >> V4_BITS == MAPPED ? IpFamily.V4 : IpFamily.V6;
    return true;
  }

  private clear(): void {
    this.family = IpFamily.None;
    this.high = 0;
    this.low = 0;
  }

  private readV4(text: Span): bool {
    const value = dottedValue(text);
    this.low = (MAPPED << V4_BITS) | (<u64>value);
    return value >= 0;
  }

  private readV6(text: Span): bool {
    const gap = indexOfGap(text);
    if (gap < 0) return this.readGroups(text, 0, true) == GROUPS;
    const left = slice(text, 0, gap);
    const right = sliceFrom(text, gap + 2);
    const onRight = lengthOf(right) == 0 ? 0 : countGroups(right);
    const room = GROUPS - 1 - onRight;
    if (room < 0 || (lengthOf(left) != 0 && countGroups(left) > room)) return false;
    if (lengthOf(left) != 0 && this.readGroups(left, 0, false) < 0) return false;
    return onRight == 0 || this.readGroups(right, GROUPS - onRight, true) == onRight;
  }

  /**
   * Reads groups with one colon between them, the first as the group `at` of the address.
   * @param dotted whether the last one may be an IPv4 address, which is two groups
   * @returns how many groups that were; -1 when they are malformed or reach past the address
   */
  private readGroups(text: Span, at: i32, dotted: bool): i32 {
    const end = lengthOf(text);
    let group = at;
    for (let start = 0; start <= end; group++) {
      const colon = indexOf(text, Char.Colon, start);
      const part = slice(text, start, colon < 0 ? end : colon);
      if (dotted && colon < 0 && indexOf(part, Char.Dot, 0) >= 0) {
        const value = dottedValue(part);
        if (value < 0 || group > GROUPS - 2) return -1;
        this.put(group, (<u64>value) >> GROUP_BITS);
        this.put(group + 1, (<u64>value) & 0xffff);
        return group + 2 - at;
      }
      const value = groupValue(part);
      if (value < 0 || group > GROUPS - 1) return -1;
      this.put(group, <u64>value);
      start = (colon < 0 ? end : colon) + 1;
    }
    return group - at;
  }

  private put(group: i32, value: u64): void {
    const bits = value << (((GROUPS - 1 - group) % (GROUPS / 2)) * GROUP_BITS);
    if (group < GROUPS / 2) this.high |= bits;
    else this.low |= bits;
  }
}

const first = makeForever<IpAddress>();

/** The addresses that begin with the same bits. The zero value has none. */
@unmanaged
export class Cidr {
  family: IpFamily;
  private high: u64;
  private low: u64;
  private highMask: u64;
  private lowMask: u64;

  /**
   * Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. A bit that is set behind the prefix is refused: whoever writes
   * `10.1.0.0/8` means something else than what it says. False, and no addresses, when `text` is anything else.
   */
  parse(text: Span): bool {
    this.family = IpFamily.None;
    const slash = indexOf(text, Char.Slash, 0);
    const address = slash < 0 ? text : slice(text, 0, slash);
    const longest = indexOf(address, Char.Colon, 0) < 0 ? V4_BITS : V6_BITS;
    const bits = slash < 0 ? longest : parseDecimal(sliceFrom(text, slash + 1));
    if (bits < 0 || bits > longest || !first.parse(address)) return false;
    const prefix = <i32>bits + V6_BITS - longest;
    this.highMask = maskOf(prefix);
    this.lowMask = maskOf(prefix - V6_BITS / 2);
    this.high = first.high & this.highMask;
    this.low = first.low & this.lowMask;
    if (this.high != first.high || this.low != first.low) return false;
    this.family = first.family;
    return true;
  }

  /** An address of the other family is in no range, `::/0` and `0.0.0.0/0` included. */
  contains(address: IpAddress): bool {
    if (address.family == IpFamily.None || address.family != this.family) return false;
    return (address.high & this.highMask) == this.high && (address.low & this.lowMask) == this.low;
  }
}

/**
 * Reads an address with its port, as Envoy writes them: `192.0.2.1:443` or `[2001:db8::1]:443`.
 * @returns the port, 0 to 65535; -1, and no address, when `text` is anything else
 */
export function parseAddressAndPort(text: Span, address: IpAddress): i32 {
  const isBracketed = byteAt(text, 0) == Char.OpeningBracket;
  const end = indexOf(text, isBracketed ? Char.ClosingBracket : Char.Colon, 0);
  const host = isBracketed ? slice(text, 1, end) : slice(text, 0, end);
  const colon = isBracketed ? end + 1 : end;
  const port = parseDecimal(sliceFrom(text, colon + 1));
  const isWhole = end >= 0 && byteAt(text, colon) == Char.Colon && port >= 0 && port <= 0xffff;
  const isOfItsForm = indexOf(host, Char.Colon, 0) >= 0 == isBracketed;
  // Read last, so that a refused text leaves no address behind.
  return address.parse(isWhole && isOfItsForm ? host : ABSENT) ? <i32>port : -1;
}

/** Where `::` stands, or -1. */
function indexOfGap(text: Span): i32 {
  for (let i = 0; i < lengthOf(text) - 1; i++) {
    if (byteAt(text, i) == Char.Colon && byteAt(text, i + 1) == Char.Colon) return i;
  }
  return -1;
}

/** How many groups these are if they are well formed. */
function countGroups(text: Span): i32 {
  let count = indexOf(text, Char.Dot, 0) < 0 ? 1 : 2;
  for (let i = indexOf(text, Char.Colon, 0); i >= 0; i = indexOf(text, Char.Colon, i + 1)) count++;
  return count;
}

/** Value of one to four hex digits, or -1. */
function groupValue(text: Span): i32 {
  const length = lengthOf(text);
  if (length < 1 || length > 4) return -1;
  let value = 0;
  for (let i = 0; i < length; i++) {
    const digit = hexValue(byteAt(text, i));
    if (digit < 0) return -1;
    value = (value << 4) | digit;
  }
  return value;
}

/** The 32 bits of `192.0.2.1`, or -1. */
function dottedValue(text: Span): i64 {
  let value: i64 = 0;
  let start = 0;
  for (let i = 0; i < OCTETS; i++) {
    const dot = indexOf(text, Char.Dot, start);
    if (dot < 0 != (i == OCTETS - 1)) return -1;
    const end = dot < 0 ? lengthOf(text) : dot;
    const octet = parseDecimal(slice(text, start, end));
    if (octet < 0 || octet > 0xff) return -1;
    value = (value << 8) | octet;
    start = end + 1;
  }
  return value;
}

/** The first `bits` of 64; none below 1, all above 63. */
function maskOf(bits: i32): u64 {
  if (bits <= 0) return 0;
  return bits >= 64 ? u64.MAX_VALUE : ~(u64.MAX_VALUE >> (<u64>bits));
}
