// Runs the bindings between a token's verified claims and its live presenter. All of them have to hold.

import { ascii } from "../host/arena";
import { List } from "../host/list";
import { Span, ABSENT } from "../host/span";
import { Reason } from "../decision/reason";
import { isTrue } from "../evidence/expressions";
import { Presenter } from "../evidence/presenter";
import { Binding, Crossing, Method, Piece, Policy, Rule, hasText } from "../policy/policy";
import { NO_NODE } from "../text/json";
import { VerifiedClaims } from "../token/verified_claims";
import { trail } from "./trail";
import { endRotation, namesKey, proveConfirmation, proveLiveCertificate } from "./confirmation";
import { proveActor } from "./methods/actor";
import { proveClient } from "./methods/client";
import { proveKubernetes } from "./methods/kubernetes";
import { proveNetwork } from "./methods/network";
import { proveClaim, provePatterns, proveTemplate } from "./methods/spiffe";

const SUB = ascii("sub");

/**
 * Proves the token's own `cnf`, then what the rule asks for, or the default, and then what the border asks for. Answers the first that does
 * not hold.
 * @param crossing the border that the token crosses; null: none
 */
export function proveBindings(
  claims: VerifiedClaims,
  policy: Policy,
  rule: Rule,
  crossing: Crossing | null,
  presenter: Presenter,
): Reason {
  const hasConfirmation = claims.registered.cnf != NO_NODE;
  let reason = proveConfirmation(claims, rule.bind, presenter);
  if (hasConfirmation) trail.note(Method.Confirmation, reason, true);
  if (reason == Reason.ok && rule.bind.bindsByDefault && !hasConfirmation)
    reason = proveDefault(claims, presenter);
  if (reason == Reason.ok) reason = proveEach(claims, policy, rule.bind.bindings, presenter);
  if (reason != Reason.ok || crossing == null) return reason;
  // A rule's exception is none of the border's.
  endRotation();
  return proveEach(claims, policy, crossing.bind.bindings, presenter);
}

/** Nothing said: a token with a `cnf` was just proven by it, any other belongs to the workload that it is about. */
function proveDefault(claims: VerifiedClaims, presenter: Presenter): Reason {
  const reason = proveClaim(claims, SUB, presenter);
  trail.note(Method.Claim, reason, true);
  return reason;
}

function proveEach(
  claims: VerifiedClaims,
  policy: Policy,
  bindings: List<Binding>,
  presenter: Presenter,
): Reason {
  let link = bindings.first;
  while (link != null) {
    const reason = prove(link.item, claims, policy, presenter);
    if (reason != Reason.ok) return reason;
    link = link.next;
  }
  return Reason.ok;
}

function prove(binding: Binding, claims: VerifiedClaims, policy: Policy, presenter: Presenter): Reason {
  // Nothing is noted of who showed the token before all else holds.
  if (binding.method == Method.FirstUse) return Reason.ok;
  const reason = proveOne(binding, claims, policy, presenter);
  trail.note(binding.method, reason, ties(binding));
  return reason;
}

function namesClaim(pieces: List<Piece>): bool {
  let link = pieces.first;
  while (link != null) {
    if (link.item.claim != ABSENT) return true;
    link = link.next;
  }
  return false;
}

/** True for what the token itself says of its presenter; patterns, connections and expressions only say who may come. */
function ties(binding: Binding): bool {
  switch (binding.method) {
    case Method.Pattern:
    case Method.Cel:
    case Method.AnyOf:
      return false;
    case Method.Template:
      return namesClaim(binding.pieces);
    case Method.Network:
      return binding.network != null && binding.network!.addressClaim != ABSENT;
    default:
      return true;
  }
}

function proveOne(binding: Binding, claims: VerifiedClaims, policy: Policy, presenter: Presenter): Reason {
  switch (binding.method) {
    case Method.Claim:
      return proveClaim(claims, binding.claim, presenter);
    case Method.Template:
      return proveTemplate(claims, binding.pieces, ownDomain(policy, presenter), presenter);
    case Method.Pattern:
      return provePatterns(binding.patterns, presenter);
    case Method.Certificate:
      return proveLiveCertificate(claims, presenter);
    case Method.ProxyPrincipals:
      // A token with a `cnf` was proven by it before; one without was proven by nothing.
      return claims.registered.cnf == NO_NODE ? Reason.certificate_unbound : Reason.ok;
    case Method.Dpop:
      // A token that names a key was proven by it before; one that names none was not.
      return namesKey(claims) && presenter.keyThumbprint != ABSENT ? Reason.ok : Reason.dpop_unbound;
    case Method.Client:
      return proveClient(claims, binding.clients, presenter);
    case Method.Actor:
      return proveActor(claims, binding.issuers, binding.patterns, presenter);
    case Method.Kubernetes:
      return proveKubernetes(claims, ownDomain(policy, presenter), binding.bindsPod, presenter);
    case Method.Network:
      return binding.network == null
        ? Reason.policy_absent
        : proveNetwork(claims, binding.network!, presenter);
    case Method.Cel:
      if (binding.expression == null) return Reason.policy_absent;
      return isTrue(binding.expression!, presenter) ? Reason.ok : Reason.expression_not_true;
    case Method.AnyOf:
      return proveAny(claims, policy, binding.alternatives, presenter);
    default:
      return Reason.policy_absent;
  }
}

/** Our trust domain, or the alias of it that the presenter has. */
function ownDomain(policy: Policy, presenter: Presenter): Span {
  return hasText(policy.trustDomainAliases, presenter.trustDomain)
    ? presenter.trustDomain
    : policy.trustDomain;
}

function proveAny(
  claims: VerifiedClaims,
  policy: Policy,
  alternatives: List<Binding>,
  presenter: Presenter,
): Reason {
  let link = alternatives.first;
  while (link != null) {
    if (prove(link.item, claims, policy, presenter) == Reason.ok) return Reason.ok;
    link = link.next;
  }
  return Reason.no_alternative_held;
}
