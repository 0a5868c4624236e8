// Which rule a request falls under: the first whose conditions all hold.

import { Span, ABSENT, equals } from "../host/span";
import { isAuthority } from "./authority";
import { decodePath, hasReadings, isUnderPrefix } from "./path";
import { Policy, Rule, hasName } from "./policy";

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

export function matchRule(policy: Policy, target: Target): Rule | null {
  let rule = policy.rules;
  while (rule != null) {
    if (matchesPath(rule, target.path) && matchesRest(rule, target)) return rule;
    rule = rule.next;
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
  let rule = policy.rules;
  while (rule != null) {
    if (matchesDecodedPath(rule, decoded) && matchesRest(rule, target)) return rule;
    rule = rule.next;
  }
  return null;
}

function matchesPath(rule: Rule, path: Span): bool {
  if (rule.path != ABSENT) return equals(rule.path, path);
  return !rule.hasPathPrefix || isUnderPrefix(path, rule.pathPrefix);
}

function matchesDecodedPath(rule: Rule, path: Span): bool {
  if (rule.path != ABSENT) return equals(rule.decodedPath, path);
  return !rule.hasPathPrefix || isUnderPrefix(path, rule.decodedPathPrefix);
}

function matchesRest(rule: Rule, target: Target): bool {
  if (rule.methods != null && !hasName(rule.methods, target.method)) return false;
  return rule.authority == ABSENT || isAuthority(rule.authority, target.authority);
}
