// How far an issuer's tokens travel: which services accept them, which borders they cross under what conditions, and where they may
// leave for.

import { ascii } from "../host/arena";
import { List } from "../host/list";
import { Span, ABSENT, equalsAscii } from "../host/span";
import { JsonKind, JsonNode, NO_NODE } from "../text/json";
import { isHostPattern } from "./authority";
import { readCrossingBindings } from "./load_bindings";
import { AudienceHosts, Bind, Border, Crossing, Issuer, Policy, PresenterFrom } from "./policy";
import { document, hasOnly, readPatterns, readTexts, region } from "./reader";
import { refuse } from "./refusal";

const BORDERS = ascii("cluster federated outside");
const CROSSING_MEMBERS = ascii("bind");
const EGRESS_MEMBERS = ascii("hosts audiences");
/** Audiences of one issuer's `egress`, at most. */
const MAX_AUDIENCES: i32 = 256;

export function readBorders(issuer: Issuer, node: JsonNode, policy: Policy): bool {
  return (
    readAcceptedBy(issuer, node, policy) &&
    readCrossings(issuer, document.member(node, "borders"), policy) &&
    readEgress(issuer, node, policy)
  );
}

function readAcceptedBy(issuer: Issuer, node: JsonNode, policy: Policy): bool {
  const list = document.member(node, "acceptedBy");
  if (list != NO_NODE && policy.from != PresenterFrom.Peer)
    return refuse(document, list, 'nothing here: only with "peer" Envoy shows which service it stands for');
  return readPatterns(node, "acceptedBy", issuer.acceptedBy);
}

function readCrossings(issuer: Issuer, node: JsonNode, policy: Policy): bool {
  if (node == NO_NODE) return true;
  if (!hasOnly(node, BORDERS)) return false;
  if (policy.from == PresenterFrom.Self)
    return refuse(document, node, 'nothing here: the local workload is within every border; see "egress"');
  const cluster = document.member(node, "cluster");
  if (cluster != NO_NODE && policy.from != PresenterFrom.Waypoint)
    return refuse(
      document,
      cluster,
      "nothing here: only a waypoint is told by the mesh which cluster a peer is in; elsewhere the peer says it itself",
    );
  const federated = document.member(node, "federated");
  if (federated != NO_NODE && policy.federatedTrustDomains.count == 0)
    return refuse(document, federated, 'a policy with "federatedTrustDomains"');
  return (
    readCrossing(issuer, Border.Cluster, cluster, policy) &&
    readCrossing(issuer, Border.Federated, federated, policy) &&
    readCrossing(issuer, Border.Outside, document.member(node, "outside"), policy)
  );
}

function readCrossing(issuer: Issuer, border: Border, node: JsonNode, policy: Policy): bool {
  if (node == NO_NODE) return true;
  const crossing = region.make<Crossing>();
  crossing.border = border;
  crossing.bind = Bind.make(region);
  issuer.crossings.append(crossing, region);
  const word = document.stringOf(node);
  if (word != ABSENT && !equalsAscii(word, "deny"))
    return refuse(document, node, '"deny", or { "bind": [ ... ] }');
  if (word != ABSENT) return true;
  if (!hasOnly(node, CROSSING_MEMBERS)) return false;
  crossing.isOpen = true;
  const list = document.member(node, "bind");
  return list == NO_NODE || readCrossingBindings(crossing.bind, list, policy);
}

function readEgress(issuer: Issuer, issuerNode: JsonNode, policy: Policy): bool {
  const node = document.member(issuerNode, "egress");
  const isLeaving = policy.from == PresenterFrom.Self;
  if (node == NO_NODE) {
    return !isLeaving || refuse(document, issuerNode, '"egress": the hosts that its tokens may leave for');
  }
  if (!isLeaving)
    return refuse(
      document,
      node,
      'nothing here: tokens leave through outbound listeners, with "from": "self"',
    );
  if (!hasOnly(node, EGRESS_MEMBERS)) return false;
  const hosts = document.member(node, "hosts");
  if (hosts != NO_NODE && !readHosts(hosts, issuer.egress.hosts)) return false;
  return readAudiences(issuer, document.member(node, "audiences"));
}

function readAudiences(issuer: Issuer, node: JsonNode): bool {
  if (node == NO_NODE) return true;
  if (document.kind(node) != JsonKind.Object || document.firstIn(node) == NO_NODE)
    return refuse(document, node, '"audiences": { "<audience>": ["orders.example"] }');
  if (document.countIn(node) > MAX_AUDIENCES) return refuse(document, node, "at most 256 audiences");
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    const audience = region.make<AudienceHosts>();
    audience.audience = region.copy(document.textOf(n));
    audience.hosts = region.make<List<Span>>();
    if (audience.audience == ABSENT) return refuse(document, n, "an audience");
    if (!readHosts(document.valueOf(n), audience.hosts)) return false;
    issuer.egress.audiences.append(audience, region);
  }
  return true;
}

function readHosts(list: JsonNode, hosts: List<Span>): bool {
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    if (!isHostPattern(document.stringOf(n)))
      return refuse(document, n, 'a host such as "orders.example", or "*.example" for all below it');
  }
  return readTexts(list, hosts);
}
