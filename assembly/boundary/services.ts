// Which local services accept an issuer's tokens: one policy may be loaded in front of many.

import { Span, FAILED } from "../host/span";
import { Reason } from "../decision/reason";
import { Issuer } from "../policy/policy";
import { isWorkloadId } from "../text/spiffe_id";
import { matchesAny } from "../text/spiffe_pattern";

/** @param localId what Envoy shows as the service's own SPIFFE ID */
export function checkService(issuer: Issuer, localId: Span): Reason {
  if (localId == FAILED) return Reason.host_unavailable;
  const isAdmitted = isWorkloadId(localId) && matchesAny(issuer.acceptedBy, localId);
  return isAdmitted ? Reason.ok : Reason.service_not_admitted;
}
