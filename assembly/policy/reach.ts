// Whether a rule can ever be the one that decides.

import { ABSENT, equals } from "../host/span";
import { isAuthority } from "./authority";
import { isUnderPrefix } from "./path";
import { Name, Rule, hasName } from "./policy";

/** True when every request that `later` would take is taken by `earlier`. */
export function covers(earlier: Rule, later: Rule): bool {
  return (
    coversPath(earlier, later) &&
    coversMethods(earlier.methods, later.methods) &&
    coversAuthority(earlier, later)
  );
}

function coversPath(earlier: Rule, later: Rule): bool {
  if (earlier.path != ABSENT) return equals(earlier.path, later.path);
  // No condition, or the prefix of all paths.
  if (earlier.pathPrefix == ABSENT) return true;
  if (later.path != ABSENT) return isUnderPrefix(later.path, earlier.pathPrefix);
  return later.hasPathPrefix && isUnderPrefix(later.pathPrefix, earlier.pathPrefix);
}

function coversMethods(earlier: Name | null, later: Name | null): bool {
  if (earlier == null) return true;
  if (later == null) return false;
  let name: Name | null = later;
  while (name != null) {
    if (!hasName(earlier, name.text)) return false;
    name = name.next;
  }
  return true;
}

function coversAuthority(earlier: Rule, later: Rule): bool {
  if (earlier.authority == ABSENT) return true;
  return later.authority != ABSENT && isAuthority(earlier.authority, later.authority);
}
