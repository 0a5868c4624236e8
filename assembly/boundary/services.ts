// Which local services accept an issuer's tokens: one policy may be loaded in front of many.

import { Span, FAILED, lengthOf } from "../host/span";
import { Reason } from "../decision/reason";
import { Issuer } from "../policy/policy";
import { matchesAny } from "../text/spiffe_pattern";

/** @param localId what Envoy shows as the service's own SPIFFE ID */
export function checkService(issuer: Issuer, localId: Span): Reason {
  if (localId == FAILED) return Reason.host_unavailable;
  const isAdmitted = lengthOf(localId) > 0 && matchesAny(issuer.acceptedBy, localId);
  return isAdmitted ? Reason.ok : Reason.service_not_admitted;
}
