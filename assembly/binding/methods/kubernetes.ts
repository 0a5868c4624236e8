// The `kubernetes` binding: the token's service account is the one that the presenter's SPIFFE ID names, in the form that Istio and
// SPIRE give it: spiffe://<trust domain>/ns/<namespace>/sa/<name>.

import { ascii } from "../../host/arena";
import { ABSENT, Span, equals, lengthOf } from "../../host/span";
import { Reason } from "../../decision/reason";
import { Presenter } from "../../evidence/presenter";
import { NO_NODE } from "../../text/json";
import { isPathSegment } from "../../text/spiffe_id";
import { BOUND_POD, readServiceAccount, serviceAccount } from "../../token/kubernetes";
import { VerifiedClaims } from "../../token/verified_claims";
import { cursor } from "../id_cursor";

const SCHEME = ascii("spiffe://");
const NAMESPACE = ascii("/ns/");
const ACCOUNT = ascii("/sa/");

/**
 * @param trustDomain the presenter's, when it is ours or one of its aliases: those of the cluster whose service accounts these are
 * @param bindsPod whether the pod has to be the token's, too
 */
export function proveKubernetes(
  claims: VerifiedClaims,
  trustDomain: Span,
  bindsPod: bool,
  presenter: Presenter,
): Reason {
  const reason = readServiceAccount(claims);
  if (reason != Reason.ok) return reason;
  if (!isPathSegment(serviceAccount.namespace) || !isPathSegment(serviceAccount.name))
    return Reason.claim_malformed;
  if (presenter.spiffeId == ABSENT) return Reason.spiffe_id_absent;
  cursor.start(presenter.spiffeId);
  cursor.next(SCHEME);
  cursor.next(trustDomain);
  cursor.next(NAMESPACE);
  cursor.next(serviceAccount.namespace);
  cursor.next(ACCOUNT);
  cursor.next(serviceAccount.name);
  if (!cursor.isWhole()) return Reason.kubernetes_mismatch;
  return bindsPod ? provePod(claims, presenter) : Reason.ok;
}

/** A pod's name is its own within its namespace only. */
function provePod(claims: VerifiedClaims, presenter: Presenter): Reason {
  const claim = claims.at(BOUND_POD);
  if (claim == NO_NODE) return Reason.pod_claim_absent;
  const pod = claims.document.stringOf(claim);
  if (pod == ABSENT) return Reason.claim_malformed;
  if (lengthOf(presenter.pod) == 0 || lengthOf(presenter.podNamespace) == 0) return Reason.pod_unknown;
  const isSame = equals(presenter.podNamespace, serviceAccount.namespace) && equals(presenter.pod, pod);
  return isSame ? Reason.ok : Reason.pod_mismatch;
}
