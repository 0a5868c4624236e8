// Reads the plugin configuration into a Policy. Whatever is not understood is refused, never skipped: a policy that means
// less than its author thinks is worse than none. The grammar is documented in docs/policy.md.

import { ascii } from "../host/arena";
import { Region } from "../host/region";
import { Span, ABSENT, byteAt, equals, equalsAscii, indexOf, lengthOf, slice } from "../host/span";
import { isTrustDomain } from "../text/spiffe_id";
import { JsonDocument, JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { parseClaimPath } from "./claim_path";
import { parseDuration } from "./duration";
import { loadKeys } from "./keys";
import { isAmbiguousPath } from "./path";
import {
  Binding,
  Issuer,
  IssuerRef,
  Method,
  Mode,
  Name,
  Policy,
  Proof,
  Rule,
  TokenNeed,
  ValidatedBy,
  hasName,
} from "./policy";
import { covers } from "./reach";
import { finishOffers, offer, refuse, refuseName, refuseText } from "./refusal";

/** Bytes of a policy, at most. */
export const MAX_POLICY_BYTES: i32 = 1024 * 1024;

/** Seconds: the default is what Envoy's jwt_authn uses; past the limit, "not yet" and "no longer" stop meaning much. */
const DEFAULT_CLOCK_SKEW: i64 = 60;
const MAX_CLOCK_SKEW: i64 = 300;

const MAX_NAME_BYTES: i32 = 64;
const MAX_STRING_BYTES: i32 = 2048;

const POLICY_MEMBERS = ascii("mode trustDomain presenter issuers rules");
const PRESENTER_MEMBERS = ascii("from validatedBy");
const ISSUER_MEMBERS = ascii("issuer audiences clockSkew keys");
const KEYS_MEMBERS = ascii("jwks jwt_authn");
const JWT_AUTHN_MEMBERS = ascii("payloadHeader metadataKey");
const RULE_MEMBERS = ascii("name when mode token issuers audiences bind");
const WHEN_MEMBERS = ascii("path pathPrefix methods authority");
const BIND_MEMBERS = ascii("spiffe certificate");
const SPIFFE_MEMBERS = ascii("claim");
const NO_MEMBERS = ascii("");

const MODES = ascii("enforce observe");
const TOKEN_NEEDS = ascii("required optional none");
const VALIDATORS = ascii("envoy listener");

const JWT_AUTHN_KEY = ascii("payload");
const EVERY_REQUEST = ascii("default");

/** What is being read, and where what is read goes. One policy is loaded at a time. */
let document: JsonDocument = changetype<JsonDocument>(0);
let region: Region = changetype<Region>(0);

/**
 * Reads `text` into records in `into`. Null when it is refused; `refusal()` then says why, and `into` is to be released.
 * The strings in `text` are unescaped in place.
 */
export function loadPolicy(text: Span, into: Region): Policy | null {
  region = into;
  if (lengthOf(text) == 0)
    return none(refuseText(0, "a policy: one JSON object in the plugin configuration"));
  if (lengthOf(text) > MAX_POLICY_BYTES)
    return none(refuseText(MAX_POLICY_BYTES, "a policy of at most 1 MiB"));
  const room = JsonDocument.borrow(text);
  if (room == null) return none(refuseText(0, "a policy with fewer values: there is no memory for so many"));
  document = room;
  if (!document.parse(text)) return none(refuseSyntax());
  const policy = region.make<Policy>();
  return readPolicy(policy) ? policy : null;
}

function none(_refused: bool): Policy | null {
  return null;
}

function refuseSyntax(): bool {
  if (document.duplicateName) {
    return refuseText(
      document.stoppedAt(),
      "each name once in its object, the name before this place is there twice",
    );
  }
  return refuseText(document.stoppedAt(), "strict JSON (no comments, no trailing comma, at most 32 levels)");
}

function readPolicy(policy: Policy): bool {
  if (!hasOnly(ROOT, POLICY_MEMBERS)) return false;
  const mode = readChoice(ROOT, "mode", MODES, 'the mode: "enforce" or "observe"');
  if (mode == REFUSED) return false;
  policy.mode = mode;
  if (!readTrustDomain(policy)) return false;
  return readPresenter(policy) && readIssuers(policy) && readRules(policy);
}

function readTrustDomain(policy: Policy): bool {
  const node = document.member(ROOT, "trustDomain");
  if (node == NO_NODE) return true;
  const domain = document.stringOf(node);
  if (!isTrustDomain(domain)) {
    return refuse(document, node, 'a SPIFFE trust domain without "spiffe://", such as "cluster.local"');
  }
  policy.trustDomain = region.copy(domain);
  return true;
}

function readPresenter(policy: Policy): bool {
  const node = document.member(ROOT, "presenter");
  if (node == NO_NODE) return true;
  if (!hasOnly(node, PRESENTER_MEMBERS)) return false;
  const from = document.member(node, "from");
  if (from != NO_NODE && !equalsAscii(document.stringOf(from), "peer")) {
    return refuse(document, from, '"peer": the live mTLS peer is the only presenter this version reads');
  }
  const validatedBy = readChoice(
    node,
    "validatedBy",
    VALIDATORS,
    'who validates client certificates: "envoy" or "listener"',
  );
  if (validatedBy == REFUSED) return false;
  policy.validatedBy = validatedBy;
  return true;
}

// Issuers

function readIssuers(policy: Policy): bool {
  const node = document.member(ROOT, "issuers");
  if (document.kind(node) != JsonKind.Object || document.firstIn(node) == NO_NODE) {
    return refuse(
      document,
      node == NO_NODE ? ROOT : node,
      'at least one issuer: "issuers": { "<name>": { ... } }',
    );
  }
  let last: Issuer | null = null;
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    if (!isName(document.textOf(n)))
      return refuse(document, n, "an issuer's name of 1 to 64 letters, digits, dots, dashes or underscores");
    const issuer = region.make<Issuer>();
    issuer.name = region.copy(document.textOf(n));
    if (!readIssuer(issuer, document.valueOf(n), policy)) return false;
    if (last == null) policy.issuers = issuer;
    else last.next = issuer;
    last = issuer;
  }
  return true;
}

function readIssuer(issuer: Issuer, node: JsonNode, policy: Policy): bool {
  if (!hasOnly(node, ISSUER_MEMBERS)) return false;
  const name = document.member(node, "issuer");
  if (!isText(name))
    return refuse(document, orParent(name, node), 'the value of the token\'s "iss": "issuer": "https://..."');
  let other: Issuer | null = policy.issuers;
  while (other != null) {
    if (equals(other.issuer, document.stringOf(name))) {
      return refuse(
        document,
        name,
        "an issuer that no other entry has: a token's issuer has to lead to one entry",
      );
    }
    other = other.next;
  }
  issuer.issuer = region.copy(document.stringOf(name));
  issuer.audiences = readStrings(node, "audiences");
  if (document.member(node, "audiences") != NO_NODE && issuer.audiences == null) return false;
  return readClockSkew(issuer, node) && readProof(issuer, node);
}

function readClockSkew(issuer: Issuer, node: JsonNode): bool {
  issuer.clockSkew = DEFAULT_CLOCK_SKEW;
  const skew = document.member(node, "clockSkew");
  if (skew == NO_NODE) return true;
  issuer.clockSkew = parseDuration(document.stringOf(skew));
  if (issuer.clockSkew >= 0 && issuer.clockSkew <= MAX_CLOCK_SKEW) return true;
  return refuse(document, skew, 'a duration from "0s" to "5m"');
}

function readProof(issuer: Issuer, node: JsonNode): bool {
  const keys = document.member(node, "keys");
  if (equalsAscii(document.stringOf(keys), "jwt_authn")) {
    issuer.proof = Proof.JwtAuthn;
    issuer.metadataKey = JWT_AUTHN_KEY;
    return true;
  }
  if (document.kind(keys) != JsonKind.Object || document.countIn(keys) != 1) {
    return refuse(
      document,
      orParent(keys, node),
      '"keys": { "jwks": { "keys": [ ... ] } } or "keys": "jwt_authn"',
    );
  }
  if (!hasOnly(keys, KEYS_MEMBERS)) return false;
  const jwks = document.member(keys, "jwks");
  if (jwks == NO_NODE) return readJwtAuthn(issuer, document.member(keys, "jwt_authn"));
  issuer.proof = Proof.Signature;
  issuer.keys = loadKeys(document, jwks, region);
  return issuer.keys != null;
}

function readJwtAuthn(issuer: Issuer, node: JsonNode): bool {
  if (!hasOnly(node, JWT_AUTHN_MEMBERS)) return false;
  issuer.proof = Proof.JwtAuthn;
  issuer.metadataKey = JWT_AUTHN_KEY;
  const header = document.member(node, "payloadHeader");
  if (header != NO_NODE) {
    if (!isHeaderName(document.stringOf(header))) {
      return refuse(
        document,
        header,
        "a header name in lower case, the one jwt_authn forwards the payload in",
      );
    }
    issuer.payloadHeader = region.copy(document.stringOf(header));
  }
  const key = document.member(node, "metadataKey");
  if (key == NO_NODE) return true;
  if (!isText(key)) return refuse(document, key, "the key that jwt_authn's payload_in_metadata names");
  issuer.metadataKey = region.copy(document.stringOf(key));
  return true;
}

// Rules

function readRules(policy: Policy): bool {
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

// Pieces

const REFUSED: i32 = -1;

/** Position of the member's value among `choices`, 0 when there is no such member, REFUSED when it is another value. */
function readChoice(object: JsonNode, name: string, choices: Span, expected: string): i32 {
  const node = document.member(object, name);
  if (node == NO_NODE) return 0;
  const text = document.stringOf(node);
  let position = 0;
  for (let start = 0; start < lengthOf(choices); position++) {
    const end = wordEnd(choices, start);
    if (equals(slice(choices, start, end), text)) return position;
    start = end + 1;
  }
  refuseName(document, node, text, expected);
  offerEach(choices);
  finishOffers();
  return REFUSED;
}

/** True when `node` is an object whose names are all among `known`. */
function hasOnly(node: JsonNode, known: Span): bool {
  if (document.kind(node) != JsonKind.Object) return refuse(document, node, "an object");
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    if (isOneOf(document.textOf(n), known)) continue;
    refuseName(document, n, document.textOf(n), lengthOf(known) == 0 ? "an empty object" : "a known member");
    offerEach(known);
    return finishOffers();
  }
  return true;
}

function isOneOf(name: Span, known: Span): bool {
  for (let start = 0; start < lengthOf(known);) {
    const end = wordEnd(known, start);
    if (equals(slice(known, start, end), name)) return true;
    start = end + 1;
  }
  return false;
}

function offerEach(words: Span): void {
  for (let start = 0; start < lengthOf(words);) {
    const end = wordEnd(words, start);
    offer(slice(words, start, end));
    start = end + 1;
  }
}

function wordEnd(words: Span, start: i32): i32 {
  const space = indexOf(words, 0x20, start);
  return space < 0 ? lengthOf(words) : space;
}

/** The member's strings, each once and none empty. Null when there is no such member, or when it was refused. */
function readStrings(object: JsonNode, member: string): Name | null {
  const list = document.member(object, member);
  if (list == NO_NODE) return null;
  if (document.kind(list) != JsonKind.Array || document.firstIn(list) == NO_NODE) {
    refuse(document, list, "a list of at least one string");
    return null;
  }
  let first: Name | null = null;
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    if (!isText(n) || hasName(first, document.stringOf(n))) {
      refuse(document, n, "a string that is not empty, not too long and not there twice");
      return null;
    }
    const name = region.make<Name>();
    name.text = region.copy(document.stringOf(n));
    name.next = first;
    first = name;
  }
  return first;
}

function orParent(node: JsonNode, parent: JsonNode): JsonNode {
  return node == NO_NODE ? parent : node;
}

/** A string of 1 to 2,048 bytes without NUL. */
function isText(node: JsonNode): bool {
  const length = lengthOf(document.stringOf(node));
  return length > 0 && length <= MAX_STRING_BYTES && indexOf(document.stringOf(node), 0, 0) < 0;
}

function isName(text: Span): bool {
  const length = lengthOf(text);
  if (length < 1 || length > MAX_NAME_BYTES) return false;
  for (let i = 0; i < length; i++) {
    const byte = byteAt(text, i);
    if (!isAlphanumeric(byte) && byte != 0x2d && byte != 0x2e && byte != 0x5f) return false;
  }
  return true;
}

function isHeaderName(text: Span): bool {
  if (!isName(text)) return false;
  for (let i = 0; i < lengthOf(text); i++) {
    if (byteAt(text, i) >= 0x41 && byteAt(text, i) <= 0x5a) return false;
  }
  return !equalsAscii(text, "authorization");
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
  return lengthOf(text) > 0 && lengthOf(text) <= MAX_STRING_BYTES;
}

function isAlphanumeric(byte: i32): bool {
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39);
}
