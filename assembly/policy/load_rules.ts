// The policy's rules: which requests each takes, and what it asks of them.

import { ascii } from "../host/arena";
import { Span, ABSENT, byteAt, equals, indexOf, lengthOf, slice } from "../host/span";
import { JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { parseClaimPath } from "./claim_path";
import { isAmbiguousPath } from "./path";
import { Binding, Issuer, IssuerRef, Method, Policy, Rule, TokenNeed } from "./policy";
import { covers } from "./reach";
import {
  MODES,
  REFUSED,
  document,
  hasOnly,
  isAlphanumeric,
  isName,
  orParent,
  readChoice,
  readStrings,
  region,
} from "./reader";
import { finishOffers, offer, refuse, refuseName } from "./refusal";

const RULE_MEMBERS = ascii("name when mode token issuers audiences bind");
const WHEN_MEMBERS = ascii("path pathPrefix methods authority");
const BIND_MEMBERS = ascii("spiffe certificate");
const SPIFFE_MEMBERS = ascii("claim");
const NO_MEMBERS = ascii("");
const TOKEN_NEEDS = ascii("required optional none");
const EVERY_REQUEST = ascii("default");
/** RFC 1035, section 2.3.4, and a port. */
const MAX_AUTHORITY_BYTES: i32 = 261;

export function readRules(policy: Policy): bool {
  const node = document.member(ROOT, "rules");
  if (node == NO_NODE) {
    const rule = region.make<Rule>();
    rule.name = EVERY_REQUEST;
    rule.mode = policy.mode;
    rule.issuers = allIssuers(policy);
    policy.rules = rule;
    return true;
  }
  if (document.kind(node) != JsonKind.Array || document.firstIn(node) == NO_NODE) {
    return refuse(
      document,
      node,
      'a list of at least one rule; without "rules", one rule covers every request',
    );
  }
  let last: Rule | null = null;
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    const rule = region.make<Rule>();
    rule.mode = policy.mode;
    if (!readRule(rule, n, policy) || !isReachable(rule, n, policy)) return false;
    if (last == null) policy.rules = rule;
    else last.next = rule;
    last = rule;
  }
  return true;
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

function readWhen(rule: Rule, node: JsonNode): bool {
  if (node == NO_NODE) return true;
  if (!hasOnly(node, WHEN_MEMBERS)) return false;
  const path = document.member(node, "path");
  const prefix = document.member(node, "pathPrefix");
  if (path != NO_NODE && prefix != NO_NODE) return refuse(document, prefix, 'either "path" or "pathPrefix"');
  if (path != NO_NODE) {
    if (isAmbiguousPath(document.stringOf(path)) || indexOf(document.stringOf(path), 0x3f, 0) >= 0)
      return refusePath(path);
    rule.path = region.copy(document.stringOf(path));
  }
  if (prefix != NO_NODE) {
    const text = document.stringOf(prefix);
    if (isAmbiguousPath(text) || indexOf(text, 0x3f, 0) >= 0) return refusePath(prefix);
    const last = lengthOf(text) - 1;
    rule.pathPrefix = region.copy(byteAt(text, last) == 0x2f ? slice(text, 0, last) : text);
    rule.hasPathPrefix = true;
  }
  return readMethods(rule, node) && readAuthority(rule, node);
}

function refusePath(node: JsonNode): bool {
  return refuse(
    document,
    node,
    'a path such as "/orders": absolute, without query, empty or dot segments, or needless escapes',
  );
}

function readMethods(rule: Rule, node: JsonNode): bool {
  const methods = document.member(node, "methods");
  if (methods == NO_NODE) return true;
  rule.methods = readStrings(node, "methods");
  if (rule.methods == null) return false;
  for (let n = document.firstIn(methods); n != NO_NODE; n = document.nextIn(methods, n)) {
    if (!isMethod(document.stringOf(n)))
      return refuse(document, n, 'an HTTP method in capital letters, such as "GET"');
  }
  return true;
}

function readAuthority(rule: Rule, node: JsonNode): bool {
  const authority = document.member(node, "authority");
  if (authority == NO_NODE) return true;
  const text = document.stringOf(authority);
  if (!isAuthorityText(text))
    return refuse(document, authority, 'a host name with or without port, such as "orders.example"');
  rule.authority = region.copy(text);
  return true;
}

function readRuleIssuers(rule: Rule, node: JsonNode, policy: Policy): bool {
  const list = document.member(node, "issuers");
  if (list == NO_NODE) {
    rule.issuers = allIssuers(policy);
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
  refuseName(document, node, document.stringOf(node), 'the name of an entry in "issuers"');
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

function allIssuers(policy: Policy): IssuerRef | null {
  let first: IssuerRef | null = null;
  let issuer: Issuer | null = policy.issuers;
  while (issuer != null) {
    const ref = region.make<IssuerRef>();
    ref.issuer = issuer;
    ref.next = first;
    first = ref;
    issuer = issuer.next;
  }
  return first;
}

function readRuleAudiences(rule: Rule, node: JsonNode): bool {
  rule.audiences = readStrings(node, "audiences");
  return document.member(node, "audiences") == NO_NODE || rule.audiences != null;
}

function readBindings(rule: Rule, list: JsonNode): bool {
  if (list == NO_NODE) return true;
  if (document.kind(list) != JsonKind.Array || document.firstIn(list) == NO_NODE) {
    return refuse(document, list, 'a list of at least one binding; leave "bind" out for the default');
  }
  let last: Binding | null = null;
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    const binding = region.make<Binding>();
    if (!readBinding(binding, n)) return false;
    if (last == null) rule.bindings = binding;
    else last.next = binding;
    last = binding;
  }
  return true;
}

function readBinding(binding: Binding, node: JsonNode): bool {
  if (!hasOnly(node, BIND_MEMBERS)) return false;
  if (document.countIn(node) != 1)
    return refuse(document, node, 'one binding, such as { "spiffe": { "claim": "sub" } }');
  const certificate = document.member(node, "certificate");
  if (certificate != NO_NODE) {
    binding.method = Method.Certificate;
    return hasOnly(certificate, NO_MEMBERS);
  }
  const spiffe = document.member(node, "spiffe");
  if (!hasOnly(spiffe, SPIFFE_MEMBERS)) return false;
  const claim = document.member(spiffe, "claim");
  binding.claim = parseClaimPath(document.stringOf(claim), region);
  if (binding.claim == ABSENT) {
    return refuse(
      document,
      orParent(claim, spiffe),
      'the path to a claim, such as "sub" or "\\"kubernetes.io\\".namespace"',
    );
  }
  binding.method = Method.Spiffe;
  return true;
}

function isMethod(text: Span): bool {
  for (let i = 0; i < lengthOf(text); i++) {
    const byte = byteAt(text, i);
    if ((byte < 0x41 || byte > 0x5a) && byte != 0x2d && byte != 0x5f) return false;
  }
  return lengthOf(text) > 0;
}

function isAuthorityText(text: Span): bool {
  for (let i = 0; i < lengthOf(text); i++) {
    const byte = byteAt(text, i);
    const mark = byte == 0x2d || byte == 0x2e || byte == 0x5f || byte == 0x3a || byte == 0x5b || byte == 0x5d;
    if (!isAlphanumeric(byte) && !mark) return false;
  }
  return lengthOf(text) > 0 && lengthOf(text) <= MAX_AUTHORITY_BYTES;
}
