// The policy's rules: which requests each takes, and what it asks of them.

import { ascii } from "../host/arena";
import { List } from "../host/list";
import { Span, ABSENT, equals } from "../host/span";
import { JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { readBindings } from "./load_bindings";
import { readForward } from "./load_forward";
import { readWhen } from "./load_when";
import {
  Issuer,
  Mode,
  Policy,
  PresenterFrom,
  Proof,
  Rule,
  TokenNeed,
  hasText,
  headerSpelled,
  isOfOpaque,
  issuerNamed,
  opaqueIssuerFor,
} from "./policy";
import { covers } from "./reach";
import {
  MODES,
  REFUSED,
  document,
  hasOnly,
  isName,
  orParent,
  readChoice,
  readDuration,
  readStrings,
  region,
} from "./reader";
import { finishOffers, offer, refuse, refuseUnreachable, refuseValue } from "./refusal";
import { indexRules } from "./rule_index";

const RULE_MEMBERS = ascii("name when mode token issuers audiences bind forward onDeny revalidate");
const REVALIDATE_MEMBERS = ascii("every");
const MAX_EVERY: i64 = 60 * 60;
const ON_DENY = ascii("deny strip");
const TOKEN_NEEDS = ascii("required optional none");
const EVERY_REQUEST = ascii("default");
/** Rules of a policy, at most: each is compared with those before it when the policy is loaded. */
const MAX_RULES: i32 = 2000;

export function readRules(policy: Policy): bool {
  const node = document.member(ROOT, "rules");
  const isRead = node == NO_NODE ? addRuleForAll(policy) : readList(node, policy);
  if (!isRead) return false;
  policy.rulesByMeaning = indexRules(policy.rules, true, region);
  policy.rulesBySpelling = indexRules(policy.rules, false, region);
  return true;
}

function readList(node: JsonNode, policy: Policy): bool {
  if (document.kind(node) != JsonKind.Array || document.firstIn(node) == NO_NODE) {
    return refuse(
      document,
      node,
      'a list of at least one rule; without "rules", one rule covers every request',
    );
  }
  if (document.countIn(node) > MAX_RULES) return refuse(document, node, "at most 2,000 rules");
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    const rule = Rule.make(region);
    rule.mode = policy.mode;
    rule.position = policy.rules.count;
    if (!readRule(rule, n, policy) || !isReachable(rule, n, policy)) return false;
    policy.rules.append(rule, region);
  }
  policy.modeWithoutRule = strictestMode(policy);
  return hasNoPayloadCondition(policy, node);
}

/** What a client puts where payloads go is taken out, so that it must not choose the rule before that. */
function hasNoPayloadCondition(policy: Policy, rules: JsonNode): bool {
  let link = policy.payloadHeaders.first;
  while (link != null) {
    if (headerSpelled(policy.headerNames, link.item) != ABSENT)
      return refuse(document, rules, 'no "headers" in a "when" that a "payloadHeader" names');
    link = link.next;
  }
  return true;
}

function addRuleForAll(policy: Policy): bool {
  const rule = Rule.make(region);
  rule.name = EVERY_REQUEST;
  rule.mode = policy.mode;
  rule.issuers = policy.issuers;
  rule.bind.bindsByDefault = true;
  collectHeaders(rule);
  policy.rules.append(rule, region);
  policy.modeWithoutRule = policy.mode;
  const issuers = document.member(ROOT, "issuers");
  return hasOneOpaqueIssuer(rule, issuers) && canPin(rule, issuers);
}

/**
 * What holds for a request whose rule cannot be named, because its path has no plain reading or Envoy did not hand it over:
 * it might have been any rule's, so it is observed only if every request is. Where no rule takes everything, the rest is
 * denied in the policy's own mode.
 */
function strictestMode(policy: Policy): Mode {
  const everything = Rule.make(region);
  let mode = policy.mode;
  let link = policy.rules.first;
  while (link != null) {
    if (link.item.mode == Mode.Enforce) return Mode.Enforce;
    // Only the last rule can take everything: one behind it would be refused as unreachable.
    if (covers(link.item, everything)) mode = Mode.Observe;
    link = link.next;
  }
  return mode;
}

function isReachable(rule: Rule, node: JsonNode, policy: Policy): bool {
  let link = policy.rules.first;
  while (link != null) {
    if (equals(link.item.name, rule.name)) {
      return refuse(document, document.member(node, "name"), "a name that no earlier rule has");
    }
    if (covers(link.item, rule)) return refuseUnreachable(document, node, link.item.name);
    link = link.next;
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
  if (!readWhen(rule, document.member(node, "when"), policy)) return false;
  if (rule.token == TokenNeed.None) return hasNothingForTokens(node);
  return (
    readRuleIssuers(rule, node, policy) &&
    collectHeaders(rule) &&
    hasOneOpaqueIssuer(rule, node) &&
    readStrings(node, "audiences", rule.audiences) &&
    readBindings(rule.bind, document.member(node, "bind"), policy) &&
    readForward(rule, document.member(node, "forward"), policy) &&
    canPin(rule, node) &&
    readOnDeny(rule, node, policy) &&
    readRevalidate(rule, document.member(node, "revalidate"))
  );
}

function readRevalidate(rule: Rule, node: JsonNode): bool {
  if (node == NO_NODE) return true;
  if (!hasOnly(node, REVALIDATE_MEMBERS)) return false;
  rule.revalidateEvery = readDuration(node, "every", -1);
  return (
    (rule.revalidateEvery > 0 && rule.revalidateEvery <= MAX_EVERY) ||
    refuse(document, orParent(document.member(node, "every"), node), '"every": how often, from "1s" to "1h"')
  );
}

/** A request whose token is taken out goes on as one without a token, so the rule has to let those pass as well. */
function readOnDeny(rule: Rule, node: JsonNode, policy: Policy): bool {
  const choice = readChoice(node, "onDeny", ON_DENY, 'what becomes of a refused token: "deny" or "strip"');
  if (choice == REFUSED) return false;
  rule.stripsRefused = choice == 1;
  const isPossible =
    policy.from == PresenterFrom.Self && rule.token == TokenNeed.Optional && !usesJwtAuthn(rule.issuers);
  return (
    !rule.stripsRefused ||
    isPossible ||
    refuse(
      document,
      document.member(node, "onDeny"),
      '"deny"; "strip" is for tokens that leave, with "from": "self", "token": "optional" and keys of our own: what jwt_authn has read may stand anywhere',
    )
  );
}

function hasNothingForTokens(node: JsonNode): bool {
  let idle = document.member(node, "bind");
  if (idle == NO_NODE) idle = document.member(node, "issuers");
  if (idle == NO_NODE) idle = document.member(node, "audiences");
  if (idle == NO_NODE) idle = document.member(node, "forward");
  if (idle == NO_NODE) idle = document.member(node, "onDeny");
  if (idle == NO_NODE) idle = document.member(node, "revalidate");
  return (
    idle == NO_NODE || refuse(document, idle, 'nothing here: with "token": "none" no token is looked at')
  );
}

function usesJwtAuthn(issuers: List<Issuer>): bool {
  let link = issuers.first;
  while (link != null) {
    if (link.item.proof == Proof.JwtAuthn) return true;
    link = link.next;
  }
  return false;
}

function readRuleIssuers(rule: Rule, node: JsonNode, policy: Policy): bool {
  const list = document.member(node, "issuers");
  if (list == NO_NODE) {
    rule.issuers = policy.issuers;
    return true;
  }
  const names = region.make<List<Span>>();
  if (!readStrings(node, "issuers", names)) return false;
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    const issuer = issuerNamed(policy.issuers, document.stringOf(n));
    if (issuer == null) return refuseIssuer(policy, n);
    rule.issuers.append(issuer, region);
  }
  return true;
}

/** Notes where tokens of the rule's issuers come in. */
function collectHeaders(rule: Rule): bool {
  let link = rule.issuers.first;
  while (link != null) {
    const header = link.item.header;
    if (header == ABSENT) rule.readsAuthorization = true;
    else if (!hasText(rule.headers, header)) rule.headers.append(header, region);
    link = link.next;
  }
  return true;
}

/** An opaque token does not say whose it is, and is not shown to one server after another. */
function hasOneOpaqueIssuer(rule: Rule, node: JsonNode): bool {
  let link = rule.issuers.first;
  while (link != null) {
    if (isOfOpaque(link.item)) rule.takesOpaque = true;
    if (isOfOpaque(link.item) && opaqueIssuerFor(rule.issuers, link.item.header) != link.item) {
      return refuse(
        document,
        orParent(document.member(node, "issuers"), node),
        "at most one issuer with introspection for one header: an opaque token does not say whose it is",
      );
    }
    link = link.next;
  }
  return true;
}

/** What nobody here can verify is bound by who shows it first, or by nothing; and only a token that is in the request can be. */
function canPin(rule: Rule, node: JsonNode): bool {
  const pins = rule.bind.firstUse != null;
  let link = rule.issuers.first;
  while (link != null) {
    const issuer = link.item;
    if (issuer.proof == Proof.Upstream && !pins)
      return refuse(
        document,
        node,
        '"bind" with "firstUse" in a rule that takes tokens which only the upstream can verify',
      );
    if (issuer.proof == Proof.Upstream && rule.audiences.count > 0)
      return refuse(
        document,
        document.member(node, "audiences"),
        "nothing here: of tokens which only the upstream can verify nobody here knows whom they are for",
      );
    if (issuer.proof == Proof.Upstream && rule.forward.stripsToken)
      return refuse(
        document,
        node,
        '"keep" for tokens which only the upstream can verify: it has to see them',
      );
    if (issuer.proof == Proof.JwtAuthn && issuer.payloadHeader == ABSENT && pins)
      return refuse(
        document,
        node,
        'no "firstUse" for tokens that jwt_authn takes out of the request; have it forward them, with "payloadHeader"',
      );
    link = link.next;
  }
  return true;
}

function refuseIssuer(policy: Policy, node: JsonNode): bool {
  refuseValue(document, node, document.stringOf(node), 'the name of an entry in "issuers"');
  let link = policy.issuers.first;
  while (link != null) {
    offer(link.item.name);
    link = link.next;
  }
  return finishOffers();
}
