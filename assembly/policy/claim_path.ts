// Where a claim is: names joined by dots; a name that has a dot in it stands in double quotes, as in "example.com/team".name.
// `kubernetes.io` is known as one name and needs none.

import { ascii, copyTo, take } from "../host/arena";
import { Region } from "../host/region";
import { Span, ABSENT, byteAt, equals, lengthOf, setByte, slice } from "../host/span";
import { Char } from "../text/ascii";

/** Names in a path, at most: deeper than any claim that is in use. */
const MAX_PARTS: i32 = 8;

const KUBERNETES = ascii("kubernetes.io");

/** Bytes of a name at `at` that has dots and is known all the same; 0 when there is none. */
function knownName(text: Span, at: i32): i32 {
  const length = lengthOf(KUBERNETES);
  if (!equals(slice(text, at, min(at + length, lengthOf(text))), KUBERNETES)) return 0;
  const next = byteAt(text, at + length);
  return next == Char.Dot || next < 0 ? length : 0;
}

/** The path's names joined by 0x00 bytes, as Envoy joins the parts of a property; absent when it is no such path. */
export function parseClaimPath(text: Span, region: Region): Span {
  const length = lengthOf(text);
  const address = length > 0 ? take(length) : 0;
  if (address == 0) return ABSENT;
  const joined = copyTo(address, text);
  let written = 0;
  let parts = 1;
  let at = 0;
  while (true) {
    const start = written;
    const quoted = byteAt(text, at) == Char.Quote;
    if (quoted) at++;
    else for (let i = knownName(text, at); i > 0; i--) setByte(joined, written++, byteAt(text, at++));
    while (at < length && byteAt(text, at) != Char.Quote && (quoted || byteAt(text, at) != Char.Dot)) {
      if (byteAt(text, at) == Char.Nul) return ABSENT;
      setByte(joined, written++, byteAt(text, at++));
    }
    if (written == start || (quoted && byteAt(text, at++) != Char.Quote)) return ABSENT;
    if (at == length) return region.copy(slice(joined, 0, written));
    if (byteAt(text, at++) != Char.Dot || ++parts > MAX_PARTS) return ABSENT;
    setByte(joined, written++, Char.Nul);
  }
}
