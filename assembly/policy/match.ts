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
  if (!hasReadings(target.path)) return matchDecoded(policy, target, target.path);
  let link = policy.rules.first;
  while (link != null) {
    const rule = link.item;
    if (matchesPath(rule, target.path) && matchesRest(rule, target)) return rule;
    link = link.next;
  }
  return null;
}

/** True when every way to read the request's path leads to `rule`, which is what `matchRule` gave for it. */
export function isOnlyRule(policy: Policy, target: Target, rule: Rule | null): bool {
  if (!hasReadings(target.path)) return true;
  return (
    matchDecoded(policy, target, decodePath(target.path, false)) == rule &&
    matchDecoded(policy, target, decodePath(target.path, true)) == rule
  );
}

function matchDecoded(policy: Policy, target: Target, decoded: Span): Rule | null {
  let link = policy.rules.first;
  while (link != null) {
    const rule = link.item;
    if (matchesDecodedPath(rule, decoded) && matchesRest(rule, target)) return rule;
    link = link.next;
  }
  return null;
}

function matchesPath(rule: Rule, path: Span): bool {
  if (rule.path != ABSENT) return equals(rule.path, path);
  return isUnderPrefix(path, rule.pathPrefix);
}

function matchesDecodedPath(rule: Rule, path: Span): bool {
  if (rule.path != ABSENT) return equals(rule.decodedPath, path);
  return isUnderPrefix(path, rule.decodedPathPrefix);
}

function matchesRest(rule: Rule, target: Target): bool {
  if (rule.methods.count > 0 && !hasText(rule.methods, target.method)) return false;
  return rule.authority == ABSENT || isAuthority(rule.authority, target.authority);
}
