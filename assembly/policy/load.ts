// Reads the plugin configuration into a Policy. Whatever is not understood is refused, never skipped: a policy that means
// less than its author thinks is worse than none. The grammar is documented in docs/policy.md.

import { ascii } from "../host/arena";
import { List } from "../host/list";
import { Region } from "../host/region";
import { Span, ABSENT, FAILED, equals, lengthOf } from "../host/span";
import { JsonDocument, JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { parseJson, stoppedAt } from "../text/json_parser";
import { parseDecimal } from "../text/decimal";
import { isTrustDomain, isWorkloadId } from "../text/spiffe_id";
import { readDpop, readWpt } from "./load_proofs";
import { readIssuers } from "./load_issuers";
import { readRevoked } from "./load_revoked";
import { readRules } from "./load_rules";
import { Forwarding, Policy, hasText, PresenterFrom } from "./policy";
import {
  MODES,
  REFUSED,
  document,
  hasOnly,
  isBoolean,
  isName,
  orParent,
  readChoice,
  readStrings,
  region,
  startReading,
} from "./reader";
import { refuse, refuseText, startJudging } from "./refusal";

/** Bytes of a policy, at most. */
const MAX_POLICY_BYTES: i32 = 1024 * 1024;

const POLICY_MEMBERS = ascii(
  "name mode trustDomain trustDomainAliases federatedTrustDomains presenter dpop wpt issuers revoked rules decisionLog",
);
const LOG_MEMBERS = ascii("sampleAllowed claims");
const MAX_SAMPLE: i64 = 1_000_000;
const PRESENTER_MEMBERS = ascii(
  "from validatedBy examineCertificate trustForwardedFor forwarders forwardClientCertDetails",
);
const PLACES = ascii("peer waypoint self");
/** In the order of `Forwarding`, by Envoy's names. */
const FORWARDING = ascii("none APPEND_FORWARD FORWARD_ONLY");
const VALIDATORS = ascii("envoy listener");

/**
 * Reads `text` into records in `into`. Null when it is refused; `refusal()` then says why, and `into` is to be released.
 * The strings in `text` are unescaped in place.
 */
export function loadPolicy(text: Span, into: Region): Policy | null {
  startJudging("policy", ABSENT, ABSENT);
  if (!parse(text, into)) return null;
  const policy = Policy.make(region);
  return readPolicy(policy) ? policy : null;
}

function parse(text: Span, into: Region): bool {
  if (text == FAILED) return refuseText(0, "a configuration of at most 1 MiB, handed over whole");
  if (lengthOf(text) == 0) return refuseText(0, "a policy: one JSON object in the plugin configuration");
  if (lengthOf(text) > MAX_POLICY_BYTES) return refuseText(MAX_POLICY_BYTES, "a policy of at most 1 MiB");
  const room = JsonDocument.borrow(text);
  if (room == null)
    return refuseText(0, "fewer values: there is room for about 130,000, and each of [ { , : counts as one");
  startReading(room, into);
  return parseJson(document, text) || refuseSyntax();
}

function refuseSyntax(): bool {
  if (document.duplicateName) {
    return refuseText(stoppedAt(), "each name once in its object, the name before this place is there twice");
  }
  return refuseText(stoppedAt(), "strict JSON (no comments, no trailing comma, at most 32 levels)");
}

function readPolicy(policy: Policy): bool {
  if (!hasOnly(ROOT, POLICY_MEMBERS)) return false;
  const mode = readChoice(ROOT, "mode", MODES, 'the mode: "enforce" or "observe"');
  if (mode == REFUSED) return false;
  policy.mode = mode;
  if (!readName(policy) || !readTrustDomain(policy)) return false;
  return (
    readDecisionLog(policy) &&
    readDpop(policy) &&
    readWpt(policy) &&
    readPresenter(policy) &&
    readIssuers(policy) &&
    readRevoked(policy) &&
    readRules(policy)
  );
}

function readName(policy: Policy): bool {
  const node = document.member(ROOT, "name");
  policy.name = region.copy(document.stringOf(node));
  return (
    node == NO_NODE ||
    isName(document.stringOf(node)) ||
    refuse(document, node, "a name of 1 to 64 letters, digits, dots, dashes or underscores")
  );
}

function readTrustDomain(policy: Policy): bool {
  const node = document.member(ROOT, "trustDomain");
  if (node != NO_NODE && !isTrustDomain(document.stringOf(node))) return refuseTrustDomain(node);
  policy.trustDomain = region.copy(document.stringOf(node));
  return (
    readTrustDomains(policy, "trustDomainAliases", policy.trustDomainAliases) &&
    readTrustDomains(policy, "federatedTrustDomains", policy.federatedTrustDomains) &&
    areApart(policy)
  );
}

function readTrustDomains(policy: Policy, member: string, domains: List<Span>): bool {
  const list = document.member(ROOT, member);
  if (list == NO_NODE) return true;
  if (policy.trustDomain == ABSENT)
    return refuse(document, list, 'a policy with "trustDomain": without it every trust domain is admitted');
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    const isOurs = equals(document.stringOf(n), policy.trustDomain);
    if (isOurs || !isTrustDomain(document.stringOf(n))) return refuseTrustDomain(n);
  }
  return readStrings(ROOT, member, domains);
}

/** What is ours is nobody else's. */
function areApart(policy: Policy): bool {
  const list = document.member(ROOT, "federatedTrustDomains");
  if (list == NO_NODE) return true;
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    if (hasText(policy.trustDomainAliases, document.stringOf(n)))
      return refuse(document, n, 'a trust domain that is not among "trustDomainAliases"');
  }
  return true;
}

function refuseTrustDomain(node: JsonNode): bool {
  return refuse(
    document,
    node,
    'a SPIFFE trust domain without "spiffe://", such as "cluster.local", and each one once',
  );
}

function readDecisionLog(policy: Policy): bool {
  const node = document.member(ROOT, "decisionLog");
  if (node == NO_NODE) return true;
  if (!hasOnly(node, LOG_MEMBERS)) return false;
  const claims = document.member(node, "claims");
  if (!isBoolean(claims)) return refuse(document, claims, "whether claims are logged, too: true or false");
  policy.logsClaims = document.kind(claims) == JsonKind.True;
  const sample = document.member(node, "sampleAllowed");
  if (sample == NO_NODE && claims != NO_NODE) return true;
  const oneIn = document.kind(sample) == JsonKind.Number ? parseDecimal(document.textOf(sample)) : -1;
  policy.sampleAllowed = <i32>oneIn;
  return (
    (oneIn >= 0 && oneIn <= MAX_SAMPLE) ||
    refuse(
      document,
      orParent(sample, node),
      '"sampleAllowed": one request in so many that are allowed, 0 to 1000000',
    )
  );
}

function readPresenter(policy: Policy): bool {
  const node = document.member(ROOT, "presenter");
  if (node == NO_NODE) return true;
  if (!hasOnly(node, PRESENTER_MEMBERS)) return false;
  const from = readChoice(node, "from", PLACES, 'where the presenter is seen: "peer", "waypoint" or "self"');
  if (from == REFUSED) return false;
  policy.from = from;
  const validatedBy = readChoice(
    node,
    "validatedBy",
    VALIDATORS,
    'who validates client certificates: "envoy" or "listener"',
  );
  if (validatedBy == REFUSED) return false;
  policy.validatedBy = validatedBy;
  const validator = document.member(node, "validatedBy");
  if (validator != NO_NODE && policy.from != PresenterFrom.Peer)
    return refuse(
      document,
      validator,
      "nothing here: at a waypoint the tunnel vouches for who is at its other end, and nobody has to for ourselves",
    );
  if (policy.from == PresenterFrom.Self && policy.trustDomain == ABSENT)
    return refuse(document, node, 'a policy with "trustDomain": node metadata do not say which one is ours');
  return readForwardedFor(policy, node) && readExamination(policy, node) && readForwarders(policy, node);
}

function readForwardedFor(policy: Policy, node: JsonNode): bool {
  const member = document.member(node, "trustForwardedFor");
  policy.trustsForwardedFor = document.kind(member) == JsonKind.True;
  return (
    isBoolean(member) ||
    refuse(
      document,
      member,
      "true where only proxies of your own can write x-forwarded-for (xff_num_trusted_hops), or false",
    )
  );
}

function readExamination(policy: Policy, node: JsonNode): bool {
  const member = document.member(node, "examineCertificate");
  policy.examinesCertificate = document.kind(member) == JsonKind.True;
  if (policy.examinesCertificate && policy.from != PresenterFrom.Peer)
    return refuse(document, member, 'nothing here: only "peer" sees a certificate');
  return (
    isBoolean(member) ||
    refuse(
      document,
      member,
      "true, for Envoy 1.40 or later, to look at the peer's certificate itself, or false",
    )
  );
}

function readForwarders(policy: Policy, node: JsonNode): bool {
  const list = document.member(node, "forwarders");
  const details = document.member(node, "forwardClientCertDetails");
  const forwarding = readChoice(
    node,
    "forwardClientCertDetails",
    FORWARDING,
    'the listener\'s forward_client_cert_details: "APPEND_FORWARD" or "FORWARD_ONLY"; the others show no caller, or anybody\'s word',
  );
  if (forwarding == REFUSED) return false;
  policy.forwarding = forwarding;
  if (list == NO_NODE && details == NO_NODE) return true;
  if (list == NO_NODE || forwarding == Forwarding.None)
    return refuse(document, node, '"forwarders" and "forwardClientCertDetails" together');
  if (policy.from != PresenterFrom.Peer)
    return refuse(document, list, 'no forwarders but with "peer": it is else known who is at the other end');
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    if (!isWorkloadId(document.stringOf(n)))
      return refuse(document, n, "the SPIFFE ID of a gateway, spelled out");
  }
  return readStrings(node, "forwarders", policy.forwarders);
}

/** The node metadata do not say whom this proxy stands beside. */
export function refuseSelf(): bool {
  const node = document.member(document.member(ROOT, "presenter"), "from");
  return refuse(
    document,
    node,
    'an Envoy beside one workload, whose node metadata have "NAMESPACE" and "SERVICE_ACCOUNT", as Istio\'s sidecars have',
  );
}

/** Envoy is too old to show certificates. */
export function refuseExamination(): bool {
  const node = document.member(document.member(ROOT, "presenter"), "examineCertificate");
  return refuse(document, node, "Envoy 1.40 or later, which shows the peer's certificate; this one is older");
}
