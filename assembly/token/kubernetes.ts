// Whose a Kubernetes service-account token is. Bound tokens have an object `kubernetes.io`, older ones a claim for each fact.
// https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/

import { ascii, makeForever } from "../host/arena";
import { Span, ABSENT } from "../host/span";
import { Reason } from "../decision/reason";
import { NO_NODE } from "../text/json";
import { VerifiedClaims } from "./verified_claims";

export const BOUND_NAMESPACE = ascii("kubernetes.io\0namespace");
export const BOUND_ACCOUNT = ascii("kubernetes.io\0serviceaccount\0name");
export const BOUND_POD = ascii("kubernetes.io\0pod\0name");
export const FLAT_NAMESPACE = ascii("kubernetes.io/serviceaccount/namespace");
export const FLAT_ACCOUNT = ascii("kubernetes.io/serviceaccount/service-account.name");

@unmanaged
class ServiceAccount {
  namespace: Span;
  name: Span;
}

/** What `readServiceAccount` found last; neither is absent after it said ok. */
export const serviceAccount = makeForever<ServiceAccount>();

/** Reads the account from either form. A token that has both is no good: nobody could say which one counts. */
export function readServiceAccount(claims: VerifiedClaims): Reason {
  const isBound = claims.at(BOUND_NAMESPACE) != NO_NODE || claims.at(BOUND_ACCOUNT) != NO_NODE;
  const hasObject = isBound || claims.named("kubernetes.io") != NO_NODE;
  const isFlat = claims.at(FLAT_NAMESPACE) != NO_NODE || claims.at(FLAT_ACCOUNT) != NO_NODE;
  if (!hasObject && !isFlat) return Reason.claim_absent;
  if (hasObject && isFlat) return Reason.claim_malformed;
  const document = claims.document;
  serviceAccount.namespace = document.stringOf(claims.at(isFlat ? FLAT_NAMESPACE : BOUND_NAMESPACE));
  serviceAccount.name = document.stringOf(claims.at(isFlat ? FLAT_ACCOUNT : BOUND_ACCOUNT));
  const isWhole = serviceAccount.namespace != ABSENT && serviceAccount.name != ABSENT;
  return isWhole ? Reason.ok : Reason.claim_malformed;
}
