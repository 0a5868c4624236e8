// Whether a rule can ever be the one that decides. Paths are compared as they are meant: a request falls under a rule only if its
// decoded path does.

import { ascii } from "../host/arena";
import { List } from "../host/list";
import { Span, ABSENT, equals } from "../host/span";
import { isAuthority } from "./authority";
import { CONNECT } from "./method";
import { isUnderPrefix } from "./path";
import { PathMatch, Rule, Segment, hasText } from "./policy";
import { coversSegments, endsInRest, startPath, takesSegments } from "./template";

/** The shortest path there is. */
const ROOT = ascii("/");

/** True when every request that `later` would take is taken by `earlier`. */
export function covers(earlier: Rule, later: Rule): bool {
  return (
    coversPath(earlier, later) &&
    coversMethods(earlier.methods, later.methods) &&
    coversAuthority(earlier, later) &&
    (earlier.neededHeaders & ~later.neededHeaders) == 0
  );
}

function coversPath(earlier: Rule, later: Rule): bool {
  if (earlier.pathMatch == PathMatch.Exact) {
    return later.pathMatch == PathMatch.Exact && equals(earlier.decodedPath, later.decodedPath);
  }
  // Whatever a prefix or a template takes begins with its text.
  if (!isUnderPrefix(later.decodedPath, earlier.decodedPath)) return false;
  return earlier.pathMatch == PathMatch.Prefix || isCoveredBy(earlier.segments, later);
}

function isCoveredBy(template: List<Segment>, later: Rule): bool {
  if (later.pathMatch == PathMatch.Template) return coversSegments(template, later.segments);
  if (later.pathMatch == PathMatch.Prefix && !endsInRest(template)) return false;
  startPath(later.decodedPath == ABSENT ? ROOT : later.decodedPath);
  return takesSegments(template, true);
}

function coversMethods(earlier: List<Span>, later: List<Span>): bool {
  if (earlier.count == 0) return !hasText(later, CONNECT);
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
