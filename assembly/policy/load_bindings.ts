// A rule's `bind`: which relations between token and presenter have to hold.

import { ascii } from "../host/arena";
import { ABSENT, equals } from "../host/span";
import { JsonKind, JsonNode, NO_NODE } from "../text/json";
import { parseClaimPath } from "./claim_path";
import { Binding, Method, Rule } from "./policy";
import { document, hasOnly, orParent, region } from "./reader";
import { refuse } from "./refusal";

const BIND_MEMBERS = ascii("spiffe certificate");
const SPIFFE_MEMBERS = ascii("claim");
const NO_MEMBERS = ascii("");

export function readBindings(rule: Rule, list: JsonNode): bool {
  if (list == NO_NODE) return true;
  if (document.kind(list) != JsonKind.Array || document.firstIn(list) == NO_NODE) {
    return refuse(document, list, 'a list of at least one binding; leave "bind" out for the default');
  }
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    const binding = region.make<Binding>();
    if (!readBinding(binding, n)) return false;
    if (isRepeated(rule, binding)) return refuse(document, n, "a binding that is not there twice");
    rule.bindings.append(binding, region);
  }
  return true;
}

function isRepeated(rule: Rule, binding: Binding): bool {
  let link = rule.bindings.first;
  while (link != null) {
    if (link.item.method == binding.method && equals(link.item.claim, binding.claim)) return true;
    link = link.next;
  }
  return false;
}

function readBinding(binding: Binding, node: JsonNode): bool {
  if (document.kind(node) != JsonKind.Object || document.countIn(node) != 1) {
    return refuse(document, node, 'one binding: { "spiffe": { "claim": "sub" } } or { "certificate": {} }');
  }
  if (!hasOnly(node, BIND_MEMBERS)) return false;
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
