// What came of each binding of the request that is judged, in the order in which they were held.

import { makeForever } from "../host/arena";
import { Table, tableForever } from "../host/table";
import { Reason } from "../decision/reason";
import { Method } from "../policy/policy";

/** Steps that are kept: a rule and a border with all the bindings they may have, and their alternatives, come to more. */
const MAX_STEPS: i32 = 64;

@unmanaged
class Step {
  method: Method;
  reason: Reason;
}

@unmanaged
export class Trail {
  count: i32;
  /** True once a binding held that ties the token, by what it says itself, to who presents it. */
  isBound: bool;

  clear(): void {
    this.count = 0;
    this.isBound = false;
  }

  /** @param ties whether the binding, when it holds, ties the token to its presenter */
  note(method: Method, reason: Reason, ties: bool): void {
    if (ties && reason == Reason.ok) this.isBound = true;
    if (this.count >= MAX_STEPS) return;
    const step = steps.at(this.count++);
    step.method = method;
    step.reason = reason;
  }

  methodAt(index: i32): Method {
    return steps.at(index).method;
  }

  reasonAt(index: i32): Reason {
    return steps.at(index).reason;
  }
}

const steps: Table<Step> = tableForever<Step>(MAX_STEPS);

/** One request is judged at a time. */
export const trail = makeForever<Trail>();

/** The method as a policy spells it; `cnf` for the token's own. */
export function methodName(method: Method): string {
  switch (method) {
    case Method.Claim:
    case Method.Template:
    case Method.Pattern:
      return "spiffe";
    case Method.Certificate:
      return "certificate";
    case Method.Client:
      return "client";
    case Method.Actor:
      return "actor";
    case Method.ProxyPrincipals:
      return "proxyPrincipals";
    case Method.Kubernetes:
      return "kubernetes";
    case Method.AnyOf:
      return "anyOf";
    case Method.Network:
      return "network";
    case Method.Cel:
      return "cel";
    case Method.Dpop:
      return "dpop";
    case Method.FirstUse:
      return "firstUse";
    case Method.Confirmation:
      return "cnf";
    default:
      return "nothing";
  }
}
