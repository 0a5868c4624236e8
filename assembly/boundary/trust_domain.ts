// The outermost boundary: whose workloads may present tokens here at all.

import { ABSENT, equals } from "../host/span";
import { Reason } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { Policy } from "../policy/policy";

/** A policy that names a trust domain admits presenters of that one only, also where the listener trusts more of them. */
export function checkTrustDomain(policy: Policy, presenter: Presenter): Reason {
  if (policy.trustDomain == ABSENT) return Reason.ok;
  return equals(policy.trustDomain, presenter.trustDomain) ? Reason.ok : Reason.trust_domain_foreign;
}
