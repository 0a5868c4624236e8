// Reads the plugin configuration into a Policy. Whatever is not understood is refused, never skipped: a policy that means
// less than its author thinks is worse than none. The grammar is documented in docs/policy.md.

import { ascii } from "../host/arena";
import { Region } from "../host/region";
import { Span, ABSENT, FAILED, lengthOf } from "../host/span";
import { JsonDocument, JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { parseJson, stoppedAt } from "../text/json_parser";
import { isTrustDomain, isWorkloadId } from "../text/spiffe_id";
import { readIssuers } from "./load_issuers";
import { readRules } from "./load_rules";
import { Forwarding, Policy, PresenterFrom } from "./policy";
import { MODES, REFUSED, document, hasOnly, readChoice, readStrings, region, startReading } from "./reader";
import { refuse, refuseText, startJudging } from "./refusal";

/** Bytes of a policy, at most. */
const MAX_POLICY_BYTES: i32 = 1024 * 1024;

const POLICY_MEMBERS = ascii("mode trustDomain presenter issuers rules");
const PRESENTER_MEMBERS = ascii(
  "from validatedBy examineCertificate trustForwardedFor forwarders forwardClientCertDetails",
);
const PLACES = ascii("peer waypoint");
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
  const from = readChoice(node, "from", PLACES, 'where the presenter is seen: "peer" or "waypoint"');
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
  if (validator != NO_NODE && policy.from == PresenterFrom.Waypoint)
    return refuse(
      document,
      validator,
      "nothing here: at a waypoint the tunnel vouches for who is at its other end",
    );
  return readForwardedFor(policy, node) && readExamination(policy, node) && readForwarders(policy, node);
}

/** True for true and false, and where there is nothing, which means false. */
function isBoolean(node: JsonNode): bool {
  return node == NO_NODE || document.kind(node) == JsonKind.True || document.kind(node) == JsonKind.False;
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
  if (policy.examinesCertificate && policy.from == PresenterFrom.Waypoint)
    return refuse(document, member, "nothing here: a waypoint sees no certificate");
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
  if (policy.from == PresenterFrom.Waypoint)
    return refuse(document, list, "no forwarders at a waypoint: the tunnel says who is at its other end");
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    if (!isWorkloadId(document.stringOf(n)))
      return refuse(document, n, "the SPIFFE ID of a gateway, spelled out");
  }
  return readStrings(node, "forwarders", policy.forwarders);
}
