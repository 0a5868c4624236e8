// Reads facts from Envoy, each when something needs it and not before: a property costs as much as all the rest of a check.
// https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes

import { ascii, makeForever, takeForever } from "../host/arena";
import { readProperty } from "../host/call";
import { Span, ABSENT, FAILED, byteAt, lengthOf, slice, spanOf } from "../host/span";
import { DIGEST_BYTES } from "../crypto/sha256";
import { Char } from "../text/ascii";
import { decodeLowerHex } from "../text/hex";
import { IpAddress, parseAddressAndPort } from "../text/ip";
import { Reason } from "../decision/reason";
import { Fact, Policy, PresenterFrom, ValidatedBy } from "../policy/policy";
import { Presenter } from "./presenter";

const MTLS = ascii("connection\0mtls");
const PEER_CERTIFICATE_VALID = ascii("connection\0peer_certificate_valid");
const PEER_URI_SAN = ascii("connection\0uri_san_peer_certificate");
const TUNNEL_PRINCIPAL = ascii("filter_state\0io.istio.peer_principal");
const SOURCE_ADDRESS = ascii("source\0address");
const LOCAL_ADDRESS = ascii("destination\0address");
const SERVER_NAME = ascii("connection\0requested_server_name");
const TLS_VERSION = ascii("connection\0tls_version");
const LOCAL_URI_SAN = ascii("connection\0uri_san_local_certificate");
const LISTENER_DIRECTION = ascii("xds\0listener_direction");
const source = makeForever<IpAddress>();
const liveDigest: Span = spanOf(takeForever(DIGEST_BYTES), DIGEST_BYTES);
/** Envoy's `TrafficDirection`. */
const OUTBOUND: i32 = 2;
// Istio's peer metadata: docs/bindings/kubernetes.md says where they come from.
const PEER_POD = ascii("filter_state\0downstream_peer\0name");
const PEER_NAMESPACE = ascii("filter_state\0downstream_peer\0namespace");
const PEER_CLUSTER = ascii("filter_state\0downstream_peer\0cluster");
const PEER_DIGEST = ascii("connection\0sha256_peer_certificate_digest");

/** The peer's identity: a validated certificate with a well-formed SPIFFE ID. Of several URI SANs Envoy shows the first. */
export function gatherIdentity(presenter: Presenter, policy: Policy): Reason {
  presenter.isGathered = true;
  if (policy.from == PresenterFrom.Waypoint) return gatherTunnelled(presenter);
  if (policy.from == PresenterFrom.Self) return gatherSelf(presenter, policy);
  const reason = presenter.setUriSan(readProperty(PEER_URI_SAN));
  if (reason == Reason.spiffe_id_absent) return whyNoIdentity(readProperty(MTLS));
  if (reason != Reason.ok) return reason;
  const validation = policy.validatedBy == ValidatedBy.Listener ? Reason.ok : gatherValidation();
  presenter.isValidated = validation == Reason.ok;
  return validation;
}

/** No URI SAN: is there no certificate, or none with a SPIFFE ID? */
function whyNoIdentity(mtls: Span): Reason {
  if (mtls == FAILED) return Reason.host_unavailable;
  return isTrue(mtls) ? Reason.spiffe_id_absent : Reason.peer_absent;
}

/** What the tunnel of an ambient mesh says of its other end. The connection itself has no certificate there. */
function gatherTunnelled(presenter: Presenter): Reason {
  const reason = presenter.setUriSan(readProperty(TUNNEL_PRINCIPAL));
  presenter.isValidated = reason == Reason.ok;
  presenter.hasNoCertificate = true;
  return reason == Reason.spiffe_id_absent ? Reason.peer_absent : reason;
}

/**
 * The workload beside this proxy: nobody else is let in by an outbound listener. A plaintext listener shows no certificate of it, so
 * node metadata say who it is.
 */
function gatherSelf(presenter: Presenter, policy: Policy): Reason {
  const direction = readProperty(LISTENER_DIRECTION);
  if (direction == FAILED) return Reason.host_unavailable;
  if (byteAt(direction, 0) != OUTBOUND) return Reason.listener_not_outbound;
  presenter.becomeSelf(policy.self, policy.trustDomain);
  return Reason.ok;
}

/**
 * Whoever shows no SPIFFE ID, where an issuer's tokens may be held outside of the mesh: without a certificate, or with one that names
 * none and has to be validated before its digest means anything.
 */
export function gatherOutsider(presenter: Presenter, policy: Policy): Reason {
  presenter.hasNoCertificate = true;
  if (policy.from != PresenterFrom.Peer || presenter.forwarder != ABSENT) return Reason.ok;
  const mtls = readProperty(MTLS);
  if (mtls == FAILED) return Reason.host_unavailable;
  if (!isTrue(mtls)) return Reason.ok;
  presenter.hasNoCertificate = false;
  const validation = policy.validatedBy == ValidatedBy.Listener ? Reason.ok : gatherValidation();
  presenter.isValidated = validation == Reason.ok;
  return validation;
}

/**
 * The address of the other end, without its port: all that tells one outsider from another. Absent where nobody vouches for it: with port 0
 * Envoy has it from `x-forwarded-for`.
 */
export function readSourceHost(policy: Policy): Span {
  const address = readProperty(SOURCE_ADDRESS);
  const port = parseAddressAndPort(address, source);
  if (port < 0 || (port == 0 && !policy.trustsForwardedFor)) return ABSENT;
  let colon = lengthOf(address) - 1;
  while (colon > 0 && byteAt(address, colon) != Char.Colon) colon--;
  return slice(address, 0, colon);
}

/** The SPIFFE ID that this service shows; absent when it shows none. */
export function readLocalId(): Span {
  return readProperty(LOCAL_URI_SAN);
}

/** The cluster that the mesh takes a waypoint's peer to be in; absent when it does not say. */
export function gatherCluster(presenter: Presenter): Reason {
  presenter.cluster = readProperty(PEER_CLUSTER);
  return presenter.cluster == FAILED ? Reason.host_unavailable : Reason.ok;
}

/** The facts about the connection that bindings look at. @param facts a bit for each `Fact` */
export function gatherConnection(presenter: Presenter, policy: Policy, facts: i32): Reason {
  presenter.isAddressForwarded = policy.trustsForwardedFor;
  if ((facts & Fact.SourceAddress) != 0) presenter.sourceAddress = readProperty(SOURCE_ADDRESS);
  if ((facts & Fact.ServerName) != 0) presenter.serverName = readProperty(SERVER_NAME);
  if ((facts & Fact.TlsVersion) != 0) presenter.tlsVersion = readProperty(TLS_VERSION);
  if ((facts & Fact.LocalAddress) != 0) presenter.localAddress = readProperty(LOCAL_ADDRESS);
  if ((facts & Fact.Pod) != 0) {
    presenter.pod = readProperty(PEER_POD);
    presenter.podNamespace = readProperty(PEER_NAMESPACE);
  }
  const isKnown =
    presenter.sourceAddress != FAILED &&
    presenter.serverName != FAILED &&
    presenter.tlsVersion != FAILED &&
    presenter.localAddress != FAILED &&
    presenter.pod != FAILED &&
    presenter.podNamespace != FAILED;
  return isKnown ? Reason.ok : Reason.host_unavailable;
}

/** The digest of the presenter's certificate: the live one, or the one that a forwarder has named already. */
export function gatherCertificate(presenter: Presenter): Reason {
  if (presenter.forwarder != ABSENT || presenter.hasNoCertificate) return Reason.ok;
  return presenter.setCertificateDigest(readProperty(PEER_DIGEST));
}

/** SHA-256 of the live peer's certificate, whoever the presenter is; absent when it has none that can be read. */
export function readLiveDigest(): Span {
  const hex = readProperty(PEER_DIGEST);
  return lengthOf(hex) == 2 * DIGEST_BYTES && decodeLowerHex(hex, liveDigest) ? liveDigest : ABSENT;
}

function gatherValidation(): Reason {
  const valid = readProperty(PEER_CERTIFICATE_VALID);
  if (valid == FAILED) return Reason.host_unavailable;
  return isTrue(valid) ? Reason.ok : Reason.peer_not_validated;
}

/** A boolean attribute is one byte. */
function isTrue(attribute: Span): bool {
  return lengthOf(attribute) == 1 && byteAt(attribute, 0) == 1;
}
