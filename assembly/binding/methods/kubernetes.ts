// The `kubernetes` binding: the token's service account is the one that the presenter's SPIFFE ID names, in the form that Istio and
// SPIRE give it: spiffe://<trust domain>/ns/<namespace>/sa/<name>.

import { ascii } from "../../host/arena";
import { ABSENT, Span } from "../../host/span";
import { Reason } from "../../decision/reason";
import { Presenter } from "../../evidence/presenter";
import { isPathSegment } from "../../text/spiffe_id";
import { readServiceAccount, serviceAccount } from "../../token/kubernetes";
import { VerifiedClaims } from "../../token/verified_claims";
import { cursor } from "../id_cursor";

const SCHEME = ascii("spiffe://");
const NAMESPACE = ascii("/ns/");
const ACCOUNT = ascii("/sa/");

/** @param trustDomain of the cluster whose service accounts these are */
export function proveKubernetes(claims: VerifiedClaims, trustDomain: Span, presenter: Presenter): Reason {
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
  return cursor.isWhole() ? Reason.ok : Reason.kubernetes_mismatch;
}
