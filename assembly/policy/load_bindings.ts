// A `bind`: which relations between token and presenter have to hold. Each method reads its own part.

import { ascii } from "../host/arena";
import { List } from "../host/list";
import { ABSENT, equals } from "../host/span";
import { JsonKind, JsonNode, NO_NODE } from "../text/json";
import { readActor } from "./bindings/actor";
import { readExpression } from "./bindings/cel";
import { readCertificate } from "./bindings/certificate";
import { readClients } from "./bindings/client";
import { readFirstUse } from "./bindings/first_use";
import { readNetwork } from "./bindings/network";
import { readSpiffe } from "./bindings/spiffe";
import { Bind, Binding, Fact, Method, Policy, PresenterFrom } from "./policy";
import { document, hasOnly, isBoolean, region } from "./reader";
import { refuse } from "./refusal";

/** Bindings of a list, at most. */
const MAX_BINDINGS: i32 = 32;

const METHODS = ascii(
  "spiffe certificate client actor proxyPrincipals kubernetes network cel dpop firstUse anyOf",
);
const NO_MEMBERS = ascii("");
const KUBERNETES_MEMBERS = ascii("pod");

export function readBindings(bind: Bind, list: JsonNode, policy: Policy): bool {
  bind.bindsByDefault = true;
  if (list == NO_NODE) return true;
  if (!readList(bind.bindings, list, policy, bind, true)) return false;
  bind.admitsProxies = hasMethod(bind.bindings, Method.ProxyPrincipals);
  bind.bindsByDefault = !saysWhose(bind.bindings);
  return true;
}

/** What has to hold for tokens that cross a border, besides what the rule asks for. */
export function readCrossingBindings(bind: Bind, list: JsonNode, policy: Policy): bool {
  if (!readList(bind.bindings, list, policy, bind, true)) return false;
  const isElsewhere =
    bind.expressions.count > 0 ||
    bind.rotation != null ||
    bind.firstUse != null ||
    hasMethod(bind.bindings, Method.ProxyPrincipals);
  return (
    !isElsewhere ||
    refuse(
      document,
      list,
      'no "cel", no "rotation", no "firstUse" and no "proxyPrincipals" here: they belong in a rule',
    )
  );
}

function readList(bindings: List<Binding>, list: JsonNode, policy: Policy, bind: Bind, isOuter: bool): bool {
  if (document.kind(list) != JsonKind.Array || document.firstIn(list) == NO_NODE)
    return refuse(document, list, 'a list of at least one binding; leave "bind" out for the default');
  if (document.countIn(list) > MAX_BINDINGS) return refuse(document, list, "at most 32 bindings");
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    const binding = Binding.make(region);
    if (!readBinding(binding, n, policy, bind, isOuter)) return false;
    if (isRepeated(bindings, binding)) return refuse(document, n, "a binding that is not there twice");
    bindings.append(binding, region);
  }
  return true;
}

/** Of those that are compared at a glance: a claim, and what has no members. */
function isRepeated(bindings: List<Binding>, binding: Binding): bool {
  const isPlain =
    binding.method == Method.Claim ||
    binding.method == Method.Certificate ||
    binding.method == Method.Dpop ||
    binding.method == Method.ProxyPrincipals ||
    binding.method == Method.Kubernetes;
  let link = bindings.first;
  while (isPlain && link != null) {
    if (link.item.method == binding.method && equals(link.item.claim, binding.claim)) return true;
    link = link.next;
  }
  return false;
}

function readBinding(binding: Binding, node: JsonNode, policy: Policy, bind: Bind, isOuter: bool): bool {
  if (document.kind(node) != JsonKind.Object || document.countIn(node) != 1)
    return refuse(document, node, 'one binding: { "spiffe": { "claim": "sub" } } or { "certificate": {} }');
  if (!hasOnly(node, METHODS)) return false;
  const spiffe = document.member(node, "spiffe");
  if (spiffe != NO_NODE) return readSpiffe(binding, spiffe, policy);
  const client = document.member(node, "client");
  if (client != NO_NODE) return readClients(binding, client);
  const actor = document.member(node, "actor");
  if (actor != NO_NODE) return readActor(binding, actor);
  const anyOf = document.member(node, "anyOf");
  if (anyOf != NO_NODE) return readAlternatives(binding, anyOf, policy, bind, isOuter);
  const kubernetes = document.member(node, "kubernetes");
  if (kubernetes != NO_NODE) return readKubernetes(binding, kubernetes, bind, policy);
  const network = document.member(node, "network");
  if (network != NO_NODE) return readNetwork(binding, network, bind, policy);
  const cel = document.member(node, "cel");
  if (cel != NO_NODE) return readExpression(binding, cel, bind);
  const certificate = document.member(node, "certificate");
  if (certificate != NO_NODE) return readCertificate(binding, certificate, bind, policy, isOuter);
  const dpop = document.member(node, "dpop");
  if (dpop != NO_NODE) return readPossession(binding, dpop, policy);
  const firstUse = document.member(node, "firstUse");
  if (firstUse != NO_NODE) return readFirstUse(binding, firstUse, bind, policy, isOuter);
  binding.method = Method.ProxyPrincipals;
  return hasOnly(document.member(node, "proxyPrincipals"), NO_MEMBERS);
}

function readAlternatives(binding: Binding, list: JsonNode, policy: Policy, bind: Bind, isOuter: bool): bool {
  binding.method = Method.AnyOf;
  if (!isOuter) return refuse(document, list, "no anyOf within an anyOf");
  if (!readList(binding.alternatives, list, policy, bind, false)) return false;
  if (binding.alternatives.count < 2) return refuse(document, list, "at least two bindings to choose from");
  return (
    !hasMethod(binding.alternatives, Method.ProxyPrincipals) ||
    refuse(document, list, 'proxyPrincipals beside "anyOf", not in it: it says how cnf may be proven')
  );
}

function readPossession(binding: Binding, node: JsonNode, policy: Policy): bool {
  binding.method = Method.Dpop;
  if (!hasOnly(node, NO_MEMBERS)) return false;
  return (
    policy.dpop != null || refuse(document, node, 'a policy with "dpop", which says how proofs are judged')
  );
}

/** Two service accounts of the same name in two trust domains are two workloads. */
function readKubernetes(binding: Binding, node: JsonNode, bind: Bind, policy: Policy): bool {
  binding.method = Method.Kubernetes;
  if (!hasOnly(node, KUBERNETES_MEMBERS)) return false;
  const pod = document.member(node, "pod");
  binding.bindsPod = document.kind(pod) == JsonKind.True;
  if (!isBoolean(pod))
    return refuse(document, pod, "true, where the mesh says which pod a peer is, or false");
  if (binding.bindsPod) bind.facts |= Fact.Pod;
  if (binding.bindsPod && policy.from != PresenterFrom.Waypoint)
    return refuse(
      document,
      pod,
      "nothing here: only a waypoint is told by the mesh which pod a peer is; elsewhere the peer says it itself",
    );
  return (
    policy.trustDomain != ABSENT ||
    refuse(document, node, 'a policy with "trustDomain": the cluster whose service accounts these are')
  );
}

/** Connections and expressions narrow what is admitted; only the other methods say whose the token is. */
function saysWhose(bindings: List<Binding>): bool {
  let link = bindings.first;
  while (link != null) {
    if (link.item.method != Method.Network && link.item.method != Method.Cel) return true;
    link = link.next;
  }
  return false;
}

function hasMethod(bindings: List<Binding>, method: Method): bool {
  let link = bindings.first;
  while (link != null) {
    if (link.item.method == method) return true;
    link = link.next;
  }
  return false;
}
