// Reads facts from Envoy, each when something needs it and not before: a property costs as much as all the rest of a check.
// https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes

import { ascii } from "../host/arena";
import { readProperty } from "../host/call";
import { Span, ABSENT, FAILED, byteAt, lengthOf } from "../host/span";
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
const PEER_DIGEST = ascii("connection\0sha256_peer_certificate_digest");

/** The peer's identity: a validated certificate with a well-formed SPIFFE ID. Of several URI SANs Envoy shows the first. */
export function gatherIdentity(presenter: Presenter, policy: Policy): Reason {
  presenter.isGathered = true;
  if (policy.from == PresenterFrom.Waypoint) return gatherTunnelled(presenter);
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

/** The facts about the connection that bindings look at. @param facts a bit for each `Fact` */
export function gatherConnection(presenter: Presenter, policy: Policy, facts: i32): Reason {
  presenter.isAddressForwarded = policy.trustsForwardedFor;
  if ((facts & Fact.SourceAddress) != 0) presenter.sourceAddress = readProperty(SOURCE_ADDRESS);
  if ((facts & Fact.ServerName) != 0) presenter.serverName = readProperty(SERVER_NAME);
  if ((facts & Fact.TlsVersion) != 0) presenter.tlsVersion = readProperty(TLS_VERSION);
  if ((facts & Fact.LocalAddress) != 0) presenter.localAddress = readProperty(LOCAL_ADDRESS);
  const isKnown =
    presenter.sourceAddress != FAILED &&
    presenter.serverName != FAILED &&
    presenter.tlsVersion != FAILED &&
    presenter.localAddress != FAILED;
  return isKnown ? Reason.ok : Reason.host_unavailable;
}

/** The digest of the presenter's certificate: the live one, or the one that a forwarder has named already. */
export function gatherCertificate(presenter: Presenter): Reason {
  if (presenter.forwarder != ABSENT || presenter.hasNoCertificate) return Reason.ok;
  return presenter.setCertificateDigest(readProperty(PEER_DIGEST));
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
