// Reads facts from Envoy, each when something needs it and not before: a property costs as much as all the rest of a check.
// https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes

import { ascii } from "../host/arena";
import { readProperty } from "../host/call";
import { Span, FAILED, byteAt, lengthOf } from "../host/span";
import { Reason } from "../decision/reason";
import { Policy, ValidatedBy } from "../policy/policy";
import { Presenter } from "./presenter";

const MTLS = ascii("connection\0mtls");
const PEER_CERTIFICATE_VALID = ascii("connection\0peer_certificate_valid");
const PEER_URI_SAN = ascii("connection\0uri_san_peer_certificate");
const PEER_DIGEST = ascii("connection\0sha256_peer_certificate_digest");

/** The peer's identity: a validated certificate with a well-formed SPIFFE ID. Of several URI SANs Envoy shows the first. */
export function gatherIdentity(presenter: Presenter, policy: Policy): Reason {
  presenter.isGathered = true;
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

/** The digest of the peer's certificate. */
export function gatherCertificate(presenter: Presenter): Reason {
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
