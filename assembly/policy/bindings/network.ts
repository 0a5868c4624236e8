// What `network` may ask of the connection.

import { ascii } from "../../host/arena";
import { ABSENT } from "../../host/span";
import { Cidr } from "../../text/ip";
import { parseDecimal } from "../../text/decimal";
import { JsonKind, JsonNode, NO_NODE } from "../../text/json";
import { TlsVersion } from "../../text/tls_version";
import { parseClaimPath } from "../claim_path";
import { Bind, Binding, Fact, Method, Network, Policy, PresenterFrom } from "../policy";
import { REFUSED, document, hasOnly, readChoice, readStrings, region } from "../reader";
import { refuse } from "../refusal";

const MEMBERS = ascii("sources addressClaim serverNames minTlsVersion localPorts");
/** In the order of `TlsVersion`, from 1.2 on: older ones are no choice. */
const TLS_VERSIONS = ascii("none TLSv1.2 TLSv1.3");
const MAX_RANGES: i32 = 256;
const MAX_PORT: i64 = 65_535;

export function readNetwork(binding: Binding, node: JsonNode, bind: Bind, policy: Policy): bool {
  const network = Network.make(region);
  binding.method = Method.Network;
  binding.network = network;
  if (!hasOnly(node, MEMBERS)) return false;
  if (document.firstIn(node) == NO_NODE)
    return refuse(
      document,
      node,
      '"sources", "addressClaim", "serverNames", "minTlsVersion" or "localPorts"',
    );
  const names = document.member(node, "serverNames");
  const version = document.member(node, "minTlsVersion");
  if (policy.from != PresenterFrom.Peer && (names != NO_NODE || version != NO_NODE))
    return refuse(document, node, 'no TLS facts but with "peer": nothing else sees the caller\'s connection');
  return (
    readSources(network, document.member(node, "sources"), bind) &&
    readAddressClaim(network, document.member(node, "addressClaim"), bind) &&
    readServerNames(network, node, bind) &&
    readTlsVersion(network, node, bind) &&
    readPorts(network, document.member(node, "localPorts"), bind)
  );
}

function readSources(network: Network, list: JsonNode, bind: Bind): bool {
  if (list == NO_NODE) return true;
  if (document.kind(list) != JsonKind.Array || document.firstIn(list) == NO_NODE)
    return refuse(document, list, "a list of at least one range of addresses");
  if (document.countIn(list) > MAX_RANGES) return refuse(document, list, "at most 256 ranges");
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    const range = region.make<Cidr>();
    if (!range.parse(document.stringOf(n)))
      return refuse(
        document,
        n,
        'a range such as "10.0.0.0/8" or "2001:db8::/32", with no bit set behind its prefix',
      );
    network.sources.append(range, region);
  }
  bind.facts |= Fact.SourceAddress;
  return true;
}

function readAddressClaim(network: Network, node: JsonNode, bind: Bind): bool {
  if (node == NO_NODE) return true;
  network.addressClaim = parseClaimPath(document.stringOf(node), region);
  bind.facts |= Fact.SourceAddress;
  return network.addressClaim != ABSENT || refuse(document, node, "the path to the claim with an address");
}

function readServerNames(network: Network, node: JsonNode, bind: Bind): bool {
  if (!readStrings(node, "serverNames", network.serverNames)) return false;
  if (network.serverNames.count > 0) bind.facts |= Fact.ServerName;
  return true;
}

function readTlsVersion(network: Network, node: JsonNode, bind: Bind): bool {
  if (document.member(node, "minTlsVersion") == NO_NODE) return true;
  const choice = readChoice(node, "minTlsVersion", TLS_VERSIONS, '"TLSv1.2" or "TLSv1.3"');
  if (choice == REFUSED) return false;
  if (choice == 0) return refuse(document, document.member(node, "minTlsVersion"), '"TLSv1.2" or "TLSv1.3"');
  network.minTlsVersion = choice == 1 ? TlsVersion.Tls12 : TlsVersion.Tls13;
  bind.facts |= Fact.TlsVersion;
  return true;
}

function readPorts(network: Network, list: JsonNode, bind: Bind): bool {
  if (list == NO_NODE) return true;
  if (document.kind(list) != JsonKind.Array || document.firstIn(list) == NO_NODE)
    return refuse(document, list, "a list of at least one port");
  if (document.countIn(list) > MAX_RANGES) return refuse(document, list, "at most 256 ports");
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    const port = document.kind(n) == JsonKind.Number ? parseDecimal(document.textOf(n)) : -1;
    if (port < 1 || port > MAX_PORT) return refuse(document, n, "a port, 1 to 65535");
    network.localPorts.append(region.copy(document.textOf(n)), region);
  }
  bind.facts |= Fact.LocalAddress;
  return true;
}
