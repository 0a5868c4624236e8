// The `network` binding: the connection comes from where, and in the way, that the policy or the token says.

import { makeForever } from "../../host/arena";
import { List } from "../../host/list";
import { Span, ABSENT } from "../../host/span";
import { Reason } from "../../decision/reason";
import { Presenter } from "../../evidence/presenter";
import { Network, hasText } from "../../policy/policy";
import { parseDecimal } from "../../text/decimal";
import { Cidr, IpAddress, parseAddressAndPort } from "../../text/ip";
import { NO_NODE } from "../../text/json";
import { TlsVersion, tlsVersionOf } from "../../text/tls_version";
import { VerifiedClaims } from "../../token/verified_claims";

const source = makeForever<IpAddress>();
const other = makeForever<IpAddress>();

export function proveNetwork(claims: VerifiedClaims, network: Network, presenter: Presenter): Reason {
  let reason = proveSource(claims, network, presenter);
  if (reason == Reason.ok) reason = proveTls(network, presenter);
  if (reason != Reason.ok || network.localPorts.count == 0) return reason;
  const port = parseAddressAndPort(presenter.localAddress, other);
  if (port < 0) return Reason.connection_malformed;
  return hasPort(network.localPorts, port) ? Reason.ok : Reason.local_port_mismatch;
}

function proveSource(claims: VerifiedClaims, network: Network, presenter: Presenter): Reason {
  if (network.sources.count == 0 && network.addressClaim == ABSENT) return Reason.ok;
  const port = parseAddressAndPort(presenter.sourceAddress, source);
  if (port < 0) return Reason.connection_malformed;
  // Behind a forwarder it is the forwarder's address. With port 0 it is no connection's: Envoy has it from x-forwarded-for, which without
  // use_remote_address, the default, any client may have written.
  if (presenter.forwarder != ABSENT || (port == 0 && !presenter.isAddressForwarded))
    return Reason.source_unknown;
  if (network.sources.count > 0 && !isIn(network.sources, source)) return Reason.source_not_admitted;
  if (network.addressClaim == ABSENT) return Reason.ok;
  const claim = claims.at(network.addressClaim);
  if (claim == NO_NODE) return Reason.source_claim_absent;
  if (!other.parse(claims.document.stringOf(claim))) return Reason.source_claim_malformed;
  const isSame = other.family == source.family && other.high == source.high && other.low == source.low;
  return isSame ? Reason.ok : Reason.source_mismatch;
}

function proveTls(network: Network, presenter: Presenter): Reason {
  if (network.serverNames.count > 0 && !hasText(network.serverNames, presenter.serverName))
    return Reason.server_name_mismatch;
  const isOld = tlsVersionOf(presenter.tlsVersion) < network.minTlsVersion;
  return network.minTlsVersion != TlsVersion.None && isOld ? Reason.tls_version_too_low : Reason.ok;
}

function isIn(ranges: List<Cidr>, address: IpAddress): bool {
  let link = ranges.first;
  while (link != null) {
    if (link.item.contains(address)) return true;
    link = link.next;
  }
  return false;
}

function hasPort(ports: List<Span>, port: i32): bool {
  let link = ports.first;
  while (link != null) {
    if (parseDecimal(link.item) == port) return true;
    link = link.next;
  }
  return false;
}
