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

/** Proves the token's own `cnf`, and then what the rule asks for, or the default. Answers the first that does not hold. */
export function proveBindings(claims: VerifiedClaims, rule: Rule, presenter: Presenter): Reason {
  const reason = proveConfirmation(claims, presenter);
  if (reason != Reason.ok) return reason;
  return rule.bindings.count == 0 ? proveDefault(claims, presenter) : proveEach(claims, rule, presenter);
}

/** Nothing said: a token with a `cnf` was just proven by it, any other belongs to the workload that it is about. */
function proveDefault(claims: VerifiedClaims, presenter: Presenter): Reason {
  return claims.named("cnf") == NO_NODE ? proveSpiffe(claims, SUB, presenter) : Reason.ok;
}

function proveEach(claims: VerifiedClaims, rule: Rule, presenter: Presenter): Reason {
  let link = rule.bindings.first;
  while (link != null) {
    const reason = prove(link.item, claims, presenter);
    if (reason != Reason.ok) return reason;
    link = link.next;
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
