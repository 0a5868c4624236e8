// Which rules and bindings the tests have reached: a binding that was never refused in a test may as well not be there.

import { judge, type Planned, planBindings } from "../explanation/plan.ts";
import type { Policy, PolicyBinding } from "../explanation/scene.ts";
import type { Outcome } from "../proxy.ts";

export interface BindingCoverage {
  /** As the policy has it; `default` for what holds without a `bind`. */
  readonly binding: string;
  readonly held: number;
  readonly refused: number;
}

export interface RuleCoverage {
  readonly rule: string;
  readonly requests: number;
  readonly bindings: readonly BindingCoverage[];
}

interface Row {
  readonly binding: string;
  readonly asked: PolicyBinding | undefined;
  held: number;
  refused: number;
}

interface Counted {
  readonly rule: string;
  readonly bind: readonly PolicyBinding[] | undefined;
  readonly rows: readonly Row[];
  requests: number;
}

/** The name of the one rule of a policy without `rules`. */
const ONLY_RULE = "default";

/** They say what of a token's `cnf` has to be there, or how it may be proven. */
const OF_CONFIRMATION = ["certificate", "dpop", "proxyPrincipals"];

export class Coverage {
  readonly #rules: readonly Counted[];

  constructor({ rules }: Policy) {
    this.#rules = (rules ?? [{ name: ONLY_RULE }]).map(({ name = "", bind, ...rest }) => ({
      rule: name,
      bind,
      rows: "token" in rest && rest.token === "none" ? [] : rowsOf(bind),
      requests: 0,
    }));
  }

  count({ rule, bindings }: Outcome): void {
    const counted = this.#rules.find((one) => one.rule === rule);
    if (counted === undefined) return;
    counted.requests++;
    // A border's bindings are not the rule's, so they are not needed to tell the rule's apart: they come after them.
    const plan = planBindings(counted.bind, undefined, bindings[0]?.method === "cnf");
    for (const { planned, result } of judge(plan, bindings)) {
      if (result === undefined) continue;
      for (const row of counted.rows.filter((one) => isOf(one, planned, result.held)))
        if (result.held) row.held++;
        else row.refused++;
    }
  }

  get rules(): readonly RuleCoverage[] {
    return this.#rules.map(({ rule, requests, rows }) => ({
      rule,
      requests,
      bindings: rows.map(({ binding, held, refused }) => ({ binding, held, refused })),
    }));
  }
}

function rowsOf(bind: readonly PolicyBinding[] | undefined): readonly Row[] {
  const row = ({ method, asked }: Planned): Row => ({
    binding: asked === undefined ? "default" : `${method} ${JSON.stringify(asked[method])}`,
    asked,
    held: 0,
    refused: 0,
  });
  return planBindings(bind, undefined, false).flatMap((planned) => [
    ...(planned.alternatives ?? []).map(row),
    row(planned),
  ]);
}

/**
 * The default is the token's own `cnf`, or else its `sub`. A `cnf` is proven before what the rule says of it, so it is there that a wrong
 * certificate or key shows.
 */
function isOf({ asked }: Row, planned: Planned, isHeld: boolean): boolean {
  if (asked === undefined) return planned.isDefault === true;
  const isRefusedBefore = planned.method === "cnf" && !isHeld;
  return asked === planned.asked || (isRefusedBefore && OF_CONFIRMATION.some((method) => method in asked));
}
