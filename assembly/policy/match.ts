// Which rule a request falls under: the first whose conditions all hold. What servers disagree about (escapes and parameters in
// the path, `_` and `-` in a header's name) is read in every way, and all of them have to lead to the same rule.

import { makeForever } from "../host/arena";
import { Link, List } from "../host/list";
import { Span, ABSENT, byteAt, equals, lengthOf, slice } from "../host/span";
import { Char } from "../text/ascii";
import { addToHash, startHash } from "../text/hash";
import { isAuthority } from "./authority";
import { CONNECT } from "./method";
import { FoundHeaders } from "./header_names";
import { decodePath, hasReadings } from "./path";
import { PathMatch, Policy, Rule, hasText } from "./policy";
import { entryOf } from "./rule_index";
import { startPath, takesSegments } from "./template";

/** The facts of a request that rules speak of. */
@unmanaged
export class Target {
  method: Span;
  authority: Span;
  /** Without the query, and not ambiguous. */
  path: Span;
  /** The header pairs, serialised: looked through only where a rule asks for a header. */
  headers: Span;
  /** False while `found` is about another request. */
  hasLooked: bool;

  clear(): void {
    this.method = ABSENT;
    this.authority = ABSENT;
    this.path = ABSENT;
    this.headers = ABSENT;
    this.hasLooked = false;
  }
}

/** One target is looked at at a time. */
const found = makeForever<FoundHeaders>();

/** The rule that the request falls under as it stands; null when no rule takes it. */
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

/**
 * True when the request falls under `rule`, its only one, also for a server that reads `_` in a header's name as `-`. The last that
 * is asked about a target: from here on its headers are read so.
 */
export function isRuleByLookalikes(policy: Policy, target: Target, rule: Rule | null): bool {
  if (!target.hasLooked || found.alike == found.exact) return true;
  found.exact = found.alike;
  return matchRule(policy, target) == rule && isOnlyRule(policy, target, rule);
}

/**
 * Asks only rules whose text `path` begins with, in as many steps as there are bytes in it, or in the longest of these texts.
 * @param isDecoded whether `path` is to be compared with what rules mean, or with what they spell
 */
function firstRule(policy: Policy, target: Target, path: Span, isDecoded: bool): Rule | null {
  const index = isDecoded ? policy.rulesByMeaning : policy.rulesBySpelling;
  const length = lengthOf(path);
  let first: Rule | null = null;
  startPath(path);
  let hash = addToHash(startHash(0), byteAt(path, 0));
  for (let i = 1; i <= min(length, index.longest); i++) {
    const byte = byteAt(path, i);
    if (byte == Char.Slash || i == length) {
      const entry = entryOf(index, slice(path, 0, i), hash);
      if (entry != null) {
        first = firstOf(entry.below, first, policy, target, isDecoded);
        if (i == length) first = firstOf(entry.exact, first, policy, target, isDecoded);
      }
    }
    hash = addToHash(hash, byte);
  }
  return firstOf(index.anywhere, first, policy, target, isDecoded);
}

/** The first of `rules` that takes the target, or `other` where that comes before it. */
function firstOf(
  rules: List<Rule>,
  other: Rule | null,
  policy: Policy,
  target: Target,
  isDecoded: bool,
): Rule | null {
  const end = other == null ? i32.MAX_VALUE : other.position;
  let link: Link<Rule> | null = rules.first;
  while (link != null && link.item.position < end) {
    if (takes(link.item, policy, target, isDecoded)) return link.item;
    link = link.next;
  }
  return other;
}

/** True when all conditions hold, given that the path begins with the rule's text. */
function takes(rule: Rule, policy: Policy, target: Target, isDecoded: bool): bool {
  if (!takesMethod(rule.methods, target.method)) return false;
  if (rule.pathMatch == PathMatch.Template && !takesSegments(rule.segments, isDecoded)) return false;
  if (rule.authority != ABSENT && !isAuthority(rule.authority, target.authority)) return false;
  return rule.neededHeaders == 0 || hasHeaders(rule, policy, target);
}

/** Any method, unless the rule names some; but a tunnel only where it is named. */
function takesMethod(methods: List<Span>, method: Span): bool {
  return methods.count == 0 ? !equals(method, CONNECT) : hasText(methods, method);
}

function hasHeaders(rule: Rule, policy: Policy, target: Target): bool {
  if (!target.hasLooked) found.find(policy.headerNames, target.headers);
  target.hasLooked = true;
  return (rule.neededHeaders & ~found.exact) == 0;
}
