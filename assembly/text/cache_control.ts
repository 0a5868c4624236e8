// How long an HTTP answer is good.  https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2

import { Span, equalsAsciiIgnoreCase, indexOf, lengthOf, slice } from "../host/span";
import { Char } from "./ascii";
import { trimmed } from "./blanks";
import { parseDecimal } from "./decimal";

/**
 * Seconds that an answer with this `cache-control` is good from now on; negative when it does not say, or has no time left. `no-store`, `no-cache` and
 * `max-age=0` say nothing here: many identity providers send them with their keys, and whoever obeyed would ask for them with
 * every request.
 * @param age seconds since it was made, as the answer's `age` says
 */
export function freshness(cacheControl: Span, age: i64): i64 {
  let fresh: i64 = -1;
  for (let start = 0; start < lengthOf(cacheControl);) {
    const comma = indexOf(cacheControl, Char.Comma, start);
    const end = comma < 0 ? lengthOf(cacheControl) : comma;
    const said = directive(trimmed(slice(cacheControl, start, end)), age);
    if (said >= 0 && (fresh < 0 || said < fresh)) fresh = said;
    start = end + 1;
  }
  return fresh;
}

function directive(text: Span, age: i64): i64 {
  const equals = indexOf(text, Char.Equals, 0);
  if (equals < 0 || !equalsAsciiIgnoreCase(slice(text, 0, equals), "max-age")) return -1;
  const seconds = parseDecimal(slice(text, equals + 1, lengthOf(text)));
  return seconds > age ? seconds - age : -1;
}
