// A rule's `forward`: what the upstream gets of the token, and hears of the verdict.

import { ascii } from "../host/arena";
import { Span, equalsAscii, indexOf, startsWith } from "../host/span";
import { Char } from "../text/ascii";
import { JsonKind, JsonNode, NO_NODE } from "../text/json";
import { Policy, Proof, Rule, hasText, isSpelledAlike } from "./policy";
import { REFUSED, document, hasOnly, isBoolean, isHeaderName, readChoice, region } from "./reader";
import { refuse } from "./refusal";

const MEMBERS = ascii("token payloadHeader verdict");
const CHOICES = ascii("keep strip");
const OWN_PREFIX = ascii("x-");
/** Headers that Envoy or this filter write themselves. */
const ENVOYS_PREFIX = ascii("x-envoy-");
const FORWARDED_PREFIX = ascii("x-forwarded-");

export function readForward(rule: Rule, node: JsonNode, policy: Policy): bool {
  if (node == NO_NODE) return true;
  if (!hasOnly(node, MEMBERS)) return false;
  const choice = readChoice(node, "token", CHOICES, 'what becomes of the token: "keep" or "strip"');
  if (choice == REFUSED) return false;
  rule.forward.stripsToken = choice == 1;
  const verdict = document.member(node, "verdict");
  rule.forward.tellsVerdict = document.kind(verdict) == JsonKind.True;
  if (!isBoolean(verdict)) return refuse(document, verdict, "true, for a header with the verdict, or false");
  return readPayloadHeader(rule, document.member(node, "payloadHeader"), policy);
}

function readPayloadHeader(rule: Rule, node: JsonNode, policy: Policy): bool {
  if (node == NO_NODE) return true;
  const name = document.stringOf(node);
  if (!isFree(name))
    return refuse(
      document,
      node,
      'a header name in lower case without "_" that begins with "x-", and is not one of Envoy\'s or of ours: "x-jwt-payload"',
    );
  if (isUsed(name, policy))
    return refuse(document, node, "a header that no token comes in, and that jwt_authn does not write");
  if (!isVerifiedHere(rule))
    return refuse(document, node, "nothing here: only a token whose signature is checked here has a payload");
  rule.forward.payloadHeader = region.copy(name);
  if (!hasText(policy.payloadHeaders, name)) policy.payloadHeaders.append(rule.forward.payloadHeader, region);
  return true;
}

function isFree(name: Span): bool {
  const isTaken =
    startsWith(name, ENVOYS_PREFIX) ||
    startsWith(name, FORWARDED_PREFIX) ||
    indexOf(name, Char.Underscore, 0) >= 0;
  return isHeaderName(name) && startsWith(name, OWN_PREFIX) && !isTaken && !equalsAscii(name, "x-request-id");
}

function isUsed(name: Span, policy: Policy): bool {
  let link = policy.issuers.first;
  while (link != null) {
    if (isSpelledAlike(link.item.header, name) || isSpelledAlike(link.item.payloadHeader, name)) return true;
    link = link.next;
  }
  return false;
}

function isVerifiedHere(rule: Rule): bool {
  let link = rule.issuers.first;
  while (link != null) {
    if (link.item.proof != Proof.Signature) return false;
    link = link.next;
  }
  return true;
}
