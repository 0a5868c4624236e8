// Runs the bindings between a token's verified claims and its live presenter. All of them have to hold.

import { ascii } from "../host/arena";
import { Reason } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { Binding, Method, Rule } from "../policy/policy";
import { NO_NODE } from "../text/json";
import { VerifiedClaims } from "../token/verified_claims";
import { namesCertificate, proveConfirmation } from "./confirmation";
import { proveSpiffe } from "./methods/spiffe";

const SUB = ascii("sub");

export function proveBindings(claims: VerifiedClaims, rule: Rule, presenter: Presenter): Reason {
  const reason = proveConfirmation(claims, presenter);
  if (reason != Reason.ok) return reason;
  return rule.bindings == null
    ? proveDefault(claims, presenter)
    : proveEach(claims, rule.bindings, presenter);
}

/** Nothing said: a token with a `cnf` was just proven by it, any other belongs to the workload that it is about. */
function proveDefault(claims: VerifiedClaims, presenter: Presenter): Reason {
  return claims.named("cnf") == NO_NODE ? proveSpiffe(claims, SUB, presenter) : Reason.ok;
}

function proveEach(claims: VerifiedClaims, first: Binding | null, presenter: Presenter): Reason {
  let binding = first;
  while (binding != null) {
    const reason = prove(binding, claims, presenter);
    if (reason != Reason.ok) return reason;
    binding = binding.next;
  }
  return Reason.ok;
}

function prove(binding: Binding, claims: VerifiedClaims, presenter: Presenter): Reason {
  switch (binding.method) {
    case Method.Spiffe:
      return proveSpiffe(claims, binding.claim, presenter);
    case Method.Certificate:
      // Every member of `cnf` was proven before; what is left to ask is whether the certificate was among them.
      return namesCertificate(claims) ? Reason.ok : Reason.certificate_unbound;
    default:
      return Reason.policy_absent;
  }
}
