// Which rule a request falls under: the first whose conditions all hold.

import { Span, ABSENT, byteAt, equals, indexOf, lengthOf, lowerCase, slice, sliceFrom } from "../host/span";
import { isUnderPrefix } from "./path";
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
  let rule: Rule | null = policy.rules;
  while (rule != null) {
    if (matches(rule, target)) return rule;
    rule = rule.next;
  }
  return null;
}

function matches(rule: Rule, target: Target): bool {
  if (rule.path != ABSENT && !equals(rule.path, target.path)) return false;
  if (rule.hasPathPrefix && !isUnderPrefix(target.path, rule.pathPrefix)) return false;
  if (rule.methods != null && !hasName(rule.methods, target.method)) return false;
  return rule.authority == ABSENT || isAuthority(rule.authority, target.authority);
}

/**
 * Host names have no case and may end in a dot. Compared as bytes, `API.example` would fall past the rule for
 * `api.example` while Envoy routes both alike. A rule that names no port takes every port.
 */
export function isAuthority(wanted: Span, given: Span): bool {
  const port = portOf(wanted);
  if (port != ABSENT && !equals(port, portOf(given))) return false;
  const host = hostOf(wanted);
  const other = hostOf(given);
  if (lengthOf(host) != lengthOf(other)) return false;
  for (let i = 0; i < lengthOf(host); i++) {
    if (lowerCase(byteAt(host, i)) != lowerCase(byteAt(other, i))) return false;
  }
  return true;
}

function hostOf(authority: Span): Span {
  const colon = portStart(authority);
  const host = colon < 0 ? authority : slice(authority, 0, colon);
  const last = lengthOf(host) - 1;
  return byteAt(host, last) == 0x2e ? slice(host, 0, last) : host;
}

function portOf(authority: Span): Span {
  const colon = portStart(authority);
  return colon < 0 ? ABSENT : sliceFrom(authority, colon + 1);
}

/** Index of the colon before a port, or -1; the colons inside an IPv6 literal's brackets are no such thing. */
function portStart(authority: Span): i32 {
  return indexOf(authority, 0x3a, max(indexOf(authority, 0x5d, 0), 0));
}
