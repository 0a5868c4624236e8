// CEL expressions, which Envoy compiles once and evaluates natively. What is measured of them stands in docs/host.md.

import { ascii } from "../host/arena";
import { callForeign } from "../host/call";
import { Region } from "../host/region";
import { byteAt, lengthOf } from "../host/span";
import { refuseExpression } from "../policy/bindings/cel";
import { Expression, Policy, Rule } from "../policy/policy";
import { Presenter } from "./presenter";

const CREATE = ascii("expr_create");
const EVALUATE = ascii("expr_evaluate");
const TOKEN_BYTES: i32 = 4;

/** Has Envoy read every expression of the policy, in the root context that runs. False, with a refusal, when it takes one not. */
export function compileExpressions(policy: Policy, region: Region): bool {
  let link = policy.rules.first;
  while (link != null) {
    let expression = link.item.bind.expressions.first;
    while (expression != null) {
      const token = callForeign(CREATE, expression.item.text);
      if (lengthOf(token) != TOKEN_BYTES) return refuseExpression(expression.item);
      expression.item.token = region.copy(token);
      expression = expression.next;
    }
    link = link.next;
  }
  return true;
}

/** True when the expression is true of the request; what Envoy cannot evaluate is not. Each is evaluated once. */
export function isTrue(expression: Expression, presenter: Presenter): bool {
  const bit: u32 = 1 << expression.index;
  if ((presenter.judgedExpressions & bit) == 0) {
    const result = callForeign(EVALUATE, expression.token);
    if (lengthOf(result) == 1 && byteAt(result, 0) == 1) presenter.trueExpressions |= bit;
    presenter.judgedExpressions |= bit;
  }
  return (presenter.trueExpressions & bit) != 0;
}

/** Evaluates all of a rule: Envoy does it in the request's own callback only, and a request that waits is judged in another. */
export function evaluateAll(rule: Rule, presenter: Presenter): void {
  let link = rule.bind.expressions.first;
  while (link != null) {
    isTrue(link.item, presenter);
    link = link.next;
  }
}
