// The policy's rules: which requests each takes, and what it asks of them.

import { ascii } from "../host/arena";
import { Span, ABSENT, equals } from "../host/span";
import { JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { readBindings } from "./load_bindings";
import { readWhen } from "./load_when";
import { Issuer, IssuerRef, Mode, Policy, Rule, TokenNeed } from "./policy";
import { covers } from "./reach";
import {
  MODES,
  REFUSED,
  document,
  hasOnly,
  isName,
  orParent,
  readChoice,
  readStrings,
  region,
} from "./reader";
import { finishOffers, offer, refuse, refuseName, refuseValue } from "./refusal";

const RULE_MEMBERS = ascii("name when mode token issuers audiences bind");
const TOKEN_NEEDS = ascii("required optional none");
const EVERY_REQUEST = ascii("default");
/** Rules of a policy, at most: each is compared with those before it when the policy is loaded. */
const MAX_RULES: i32 = 2000;

/** Shared by all rules that name no issuers. */
let allIssuers: IssuerRef | null = null;

export function readRules(policy: Policy): bool {
  allIssuers = listIssuers(policy);
  const node = document.member(ROOT, "rules");
  if (node == NO_NODE) {
    const rule = region.make<Rule>();
    rule.name = EVERY_REQUEST;
    rule.mode = policy.mode;
    rule.issuers = allIssuers;
    policy.rules = rule;
    policy.modeWithoutRule = policy.mode;
    return true;
  }
  if (document.kind(node) != JsonKind.Array || document.firstIn(node) == NO_NODE) {
    return refuse(
      document,
      node,
      'a list of at least one rule; without "rules", one rule covers every request',
    );
  }
  if (document.countIn(node) > MAX_RULES) return refuse(document, node, "at most 2,000 rules");
  let last: Rule | null = null;
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    const rule = region.make<Rule>();
    rule.mode = policy.mode;
    if (!readRule(rule, n, policy) || !isReachable(rule, n, policy)) return false;
    if (last == null) policy.rules = rule;
    else last.next = rule;
    last = rule;
  }
  policy.modeWithoutRule = strictestMode(policy);
  return true;
}

function listIssuers(policy: Policy): IssuerRef | null {
  let first: IssuerRef | null = null;
  let last: IssuerRef | null = null;
  let issuer: Issuer | null = policy.issuers;
  while (issuer != null) {
    const ref = region.make<IssuerRef>();
    ref.issuer = issuer;
    if (last == null) first = ref;
    else last.next = ref;
    last = ref;
    issuer = issuer.next;
  }
  return first;
}

/**
 * What holds for a request whose rule cannot be named, because its path has no plain reading or Envoy did not hand it over:
 * it might have been any rule's, so it is observed only if every request is. Where no rule takes everything, the rest is
 * denied in the policy's own mode.
 */
function strictestMode(policy: Policy): Mode {
  let takesAll = false;
  let rule: Rule | null = policy.rules;
  while (rule != null) {
    if (rule.mode == Mode.Enforce) return Mode.Enforce;
    takesAll = takesEverything(rule);
    rule = rule.next;
  }
  return takesAll ? Mode.Observe : policy.mode;
}

function takesEverything(rule: Rule): bool {
  return rule.path == ABSENT && rule.pathPrefix == ABSENT && rule.methods == null && rule.authority == ABSENT;
}

function isReachable(rule: Rule, node: JsonNode, policy: Policy): bool {
  let earlier: Rule | null = policy.rules;
  while (earlier != null) {
    if (equals(earlier.name, rule.name))
      return refuse(document, document.member(node, "name"), "a name that no earlier rule has");
    if (covers(earlier, rule)) {
      return refuseName(
        document,
        node,
        earlier.name,
        "a rule that can be reached: an earlier one takes all its requests",
      );
    }
    earlier = earlier.next;
  }
  return true;
}

function readRule(rule: Rule, node: JsonNode, policy: Policy): bool {
  if (!hasOnly(node, RULE_MEMBERS)) return false;
  const name = document.member(node, "name");
  if (!isName(document.stringOf(name))) {
    return refuse(
      document,
      orParent(name, node),
      '"name" of 1 to 64 letters, digits, dots, dashes or underscores',
    );
  }
  rule.name = region.copy(document.stringOf(name));
  if (document.member(node, "mode") != NO_NODE) {
    const mode = readChoice(node, "mode", MODES, 'the mode: "enforce" or "observe"');
    if (mode == REFUSED) return false;
    rule.mode = mode;
  }
  const token = readChoice(
    node,
    "token",
    TOKEN_NEEDS,
    'what the rule asks for: "required", "optional" or "none"',
  );
  if (token == REFUSED) return false;
  rule.token = token;
  if (!readWhen(rule, document.member(node, "when"))) return false;
  if (rule.token == TokenNeed.None) return hasNothingForTokens(node);
  return (
    readRuleIssuers(rule, node, policy) &&
    readRuleAudiences(rule, node) &&
    readBindings(rule, document.member(node, "bind"))
  );
}

function hasNothingForTokens(node: JsonNode): bool {
  let idle = document.member(node, "bind");
  if (idle == NO_NODE) idle = document.member(node, "issuers");
  if (idle == NO_NODE) idle = document.member(node, "audiences");
  return (
    idle == NO_NODE || refuse(document, idle, 'nothing here: with "token": "none" no token is looked at')
  );
}

function readRuleIssuers(rule: Rule, node: JsonNode, policy: Policy): bool {
  const list = document.member(node, "issuers");
  if (list == NO_NODE) {
    rule.issuers = allIssuers;
    return true;
  }
  if (readStrings(node, "issuers") == null) return false;
  let last: IssuerRef | null = null;
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    const issuer = findIssuer(policy, document.stringOf(n));
    if (issuer == null) return refuseIssuer(policy, n);
    const ref = region.make<IssuerRef>();
    ref.issuer = issuer;
    if (last == null) rule.issuers = ref;
    else last.next = ref;
    last = ref;
  }
  return true;
}

function refuseIssuer(policy: Policy, node: JsonNode): bool {
  refuseValue(document, node, document.stringOf(node), 'the name of an entry in "issuers"');
  let issuer: Issuer | null = policy.issuers;
  while (issuer != null) {
    offer(issuer.name);
    issuer = issuer.next;
  }
  return finishOffers();
}

function findIssuer(policy: Policy, name: Span): Issuer | null {
  let issuer: Issuer | null = policy.issuers;
  while (issuer != null) {
    if (equals(issuer.name, name)) return issuer;
    issuer = issuer.next;
  }
  return null;
}

function readRuleAudiences(rule: Rule, node: JsonNode): bool {
  rule.audiences = readStrings(node, "audiences");
  return document.member(node, "audiences") == NO_NODE || rule.audiences != null;
}
