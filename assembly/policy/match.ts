// Which rule a request falls under: the first whose conditions all hold.

import { Span, ABSENT, equals } from "../host/span";
import { isAuthority } from "./authority";
import { decodePath, hasReadings, isUnderPrefix } from "./path";
import { Policy, Rule, hasText } from "./policy";

/** The facts of a request that rules speak of. */
@unmanaged
export class Target {
  method: Span;
  authority: Span;
  /** Without the query, and not ambiguous. */
  path: Span;

  clear(): void {
    this.method = ABSENT;
    this.authority = ABSENT;
    this.path = ABSENT;
  }
}

/** The rule that the request falls under as its path stands; null when no rule takes it. */
export function matchRule(policy: Policy, target: Target): Rule | null {
  // A path without escapes is its own decoding, and is to meet the rules that spell it with some.
  return firstRule(policy, target, target.path, !hasReadings(target.path));
}

/** True when every way to read the request's path leads to `rule`, which is what `matchRule` gave for it. */
export function isOnlyRule(policy: Policy, target: Target, rule: Rule | null): bool {
  if (!hasReadings(target.path)) return true;
  const decoded = decodePath(target.path, false);
  const cut = decodePath(target.path, true);
  if (decoded == ABSENT || cut == ABSENT) return false;
  return firstRule(policy, target, decoded, true) == rule && firstRule(policy, target, cut, true) == rule;
}

/** @param isDecoded whether `path` is to be compared with what rules mean, or with what they spell */
function firstRule(policy: Policy, target: Target, path: Span, isDecoded: bool): Rule | null {
  let link = policy.rules.first;
  while (link != null) {
    const rule = link.item;
    if (takesPath(rule, path, isDecoded) && takesRest(rule, target)) return rule;
    link = link.next;
  }
  return null;
}

function takesPath(rule: Rule, path: Span, isDecoded: bool): bool {
  if (rule.path != ABSENT) return equals(isDecoded ? rule.decodedPath : rule.path, path);
  return isUnderPrefix(path, isDecoded ? rule.decodedPathPrefix : rule.pathPrefix);
}

function takesRest(rule: Rule, target: Target): bool {
  if (rule.methods.count > 0 && !hasText(rule.methods, target.method)) return false;
  return rule.authority == ABSENT || isAuthority(rule.authority, target.authority);
}
