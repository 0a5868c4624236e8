// Whether a rule can ever be the one that decides.

import { List } from "../host/list";
import { Span, ABSENT, equals } from "../host/span";
import { isAuthority } from "./authority";
import { isUnderPrefix } from "./path";
import { Rule, hasText } from "./policy";

/** True when every request that `later` would take is taken by `earlier`. */
export function covers(earlier: Rule, later: Rule): bool {
  return (
    coversPath(earlier, later) &&
    coversAuthority(earlier, later) &&
    coversMethods(earlier.methods, later.methods)
  );
}

function coversPath(earlier: Rule, later: Rule): bool {
  if (earlier.path != ABSENT) return equals(earlier.decodedPath, later.decodedPath);
  // No condition, or the prefix of all paths.
  if (earlier.pathPrefix == ABSENT) return true;
  if (later.path != ABSENT) return isUnderPrefix(later.decodedPath, earlier.decodedPathPrefix);
  return later.pathPrefix != ABSENT && isUnderPrefix(later.decodedPathPrefix, earlier.decodedPathPrefix);
}

function coversMethods(earlier: List<Span>, later: List<Span>): bool {
  if (earlier.count == 0) return true;
  let link = later.first;
  while (link != null) {
    if (!hasText(earlier, link.item)) return false;
    link = link.next;
  }
  return later.count > 0;
}

function coversAuthority(earlier: Rule, later: Rule): bool {
  if (earlier.authority == ABSENT) return true;
  return later.authority != ABSENT && isAuthority(earlier.authority, later.authority);
}
