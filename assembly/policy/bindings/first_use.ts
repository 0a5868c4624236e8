// What `firstUse` may say: who counts as one presenter, and what becomes of a token that two have shown.

import { ascii } from "../../host/arena";
import { List } from "../../host/list";
import { Span } from "../../host/span";
import { line, startLine, writeAscii } from "../../host/writer";
import { finishDigest, startDigest, updateDigest } from "../../crypto/sha256";
import { JsonKind, JsonNode, NO_NODE } from "../../text/json";
import { Bind, Binding, FirstUse, Method, Policy, PresenterFrom } from "../policy";
import { REFUSED, document, hasOnly, isBoolean, readChoice, readPatterns, region } from "../reader";
import { refuse } from "../refusal";

const MEMBERS = ascii("by sharedBy quarantine");
/** In the order of `byAddress`. */
const PRESENTERS = ascii("spiffeId address");
const NUL = ascii("\0");

export function readFirstUse(
  binding: Binding,
  node: JsonNode,
  bind: Bind,
  policy: Policy,
  isOuter: bool,
): bool {
  binding.method = Method.FirstUse;
  if (!isOuter || bind.firstUse != null)
    return refuse(document, node, 'one "firstUse" of a rule, beside "anyOf" and not in it');
  const firstUse = FirstUse.make(region);
  bind.firstUse = firstUse;
  if (!hasOnly(node, MEMBERS)) return false;
  const by = readChoice(node, "by", PRESENTERS, 'who holds a token: "spiffeId" or "address"');
  if (by == REFUSED || !readPatterns(node, "sharedBy", firstUse.sharers)) return false;
  firstUse.byAddress = by == 1;
  const quarantine = document.member(node, "quarantine");
  firstUse.quarantines = document.kind(quarantine) == JsonKind.True;
  if (!isBoolean(quarantine))
    return refuse(document, quarantine, "true, to have a token that two have shown denied to both, or false");
  const sharers = document.member(node, "sharedBy");
  if (firstUse.byAddress && sharers != NO_NODE)
    return refuse(document, sharers, "nothing here: it is for presenters that are known by their SPIFFE ID");
  if (firstUse.byAddress && policy.from != PresenterFrom.Peer)
    return refuse(document, node, '"by": "spiffeId": only "peer" sees the presenter\'s own address');
  firstUse.terms = termsOf(policy, firstUse);
  return true;
}

/** Rules with the same terms share their pins; where a presenter is somebody else, a pin says something else. */
function termsOf(policy: Policy, firstUse: FirstUse): Span {
  startLine();
  writeAscii(policy.from == PresenterFrom.Self ? "out" : "in");
  writeAscii(firstUse.byAddress ? "address" : "spiffe");
  startDigest();
  updateDigest(line());
  addAll(firstUse.sharers);
  return region.copy(finishDigest());
}

function addAll(patterns: List<Span>): void {
  let link = patterns.first;
  while (link != null) {
    updateDigest(NUL);
    updateDigest(link.item);
    link = link.next;
  }
}
