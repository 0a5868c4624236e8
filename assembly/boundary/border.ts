// The borders that a token may have crossed when it is shown here, and whether its issuer lets it.

import { ABSENT, equals, lengthOf } from "../host/span";
import { Reason } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { Border, Issuer, Policy, crossingOf, hasText } from "../policy/policy";

/**
 * Where the presenter stands. A policy that names its trust domain admits no other but those that it names as well; nothing makes one
 * name stand for another. `None` for a stranger's.
 */
export function borderOf(policy: Policy, presenter: Presenter): Border {
  if (presenter.spiffeId == ABSENT) return Border.Outside;
  const domain = presenter.trustDomain;
  const isOurs = policy.trustDomain == ABSENT || equals(policy.trustDomain, domain);
  if (isOurs || hasText(policy.trustDomainAliases, domain)) return Border.Same;
  return hasText(policy.federatedTrustDomains, domain) ? Border.Federated : Border.None;
}

/** Whether the issuer's tokens may be held there at all. What has to hold besides is proven with the other bindings. */
export function checkBorder(issuer: Issuer, border: Border): Reason {
  if (border == Border.None) return Reason.trust_domain_foreign;
  if (border == Border.Same) return Reason.ok;
  const crossing = crossingOf(issuer, border);
  return crossing != null && crossing.isOpen ? Reason.ok : Reason.border_closed;
}

/** True when the issuer tells clusters of our trust domain apart. */
export function asksForCluster(issuer: Issuer, border: Border): bool {
  return border == Border.Same && crossingOf(issuer, Border.Cluster) != null;
}

/** Whether a presenter of our trust domain is in our cluster: `Same`, `Cluster`, or `None` when nobody says. */
export function clusterBorderOf(policy: Policy, presenter: Presenter): Border {
  if (policy.cluster == ABSENT || lengthOf(presenter.cluster) == 0) return Border.None;
  return equals(policy.cluster, presenter.cluster) ? Border.Same : Border.Cluster;
}
