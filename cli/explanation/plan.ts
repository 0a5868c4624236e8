// The bindings that a request has to hold, in the order in which the filter holds them (assembly/binding/bind.ts), and what came of each.

import type { Binding } from "../decision-record.ts";
import type { PolicyBinding } from "./scene.ts";

/** A binding that is to be held. */
export interface Planned {
  /** As the policy spells it; `cnf` for the token's own. */
  readonly method: string;
  /** What the policy says of it; undefined for `cnf`, and for the default. */
  readonly asked?: PolicyBinding;
  readonly from: "token" | "rule" | "border";
  /** True for what has to hold since the rule does not say whose the token is. */
  readonly isDefault?: true;
  readonly alternatives?: readonly Planned[];
}

/** A binding, and what came of it. */
export interface Judged {
  readonly planned: Planned;
  /** Undefined for one that the request did not come to. */
  readonly result: Binding | undefined;
}

const DEFAULT: Planned = { method: "spiffe", from: "rule", isDefault: true };
/** They narrow who may come, and do not say whose a token is, so the default holds beside them. */
const NARROWING = ["network", "cel"];

/** @param hasConfirmation whether the token has a `cnf` */
export function planBindings(
  rule: readonly PolicyBinding[] | undefined,
  border: readonly PolicyBinding[] | undefined,
  hasConfirmation: boolean,
): readonly Planned[] {
  const own = (rule ?? []).map((one) => planned(one, "rule"));
  const isByDefault = own.every(({ method }) => NARROWING.includes(method));
  const confirmation: Planned = { method: "cnf", from: "token", ...(isByDefault && { isDefault: true }) };
  return [
    ...(hasConfirmation ? [confirmation] : isByDefault ? [DEFAULT] : []),
    // The filter holds it last: nothing is noted of a token before all else held.
    ...own.filter(({ method }) => method !== "firstUse"),
    ...(border ?? []).map((one) => planned(one, "border")),
    ...own.filter(({ method }) => method === "firstUse"),
  ];
}

function planned(asked: PolicyBinding, from: Planned["from"]): Planned {
  const [method = "", terms] = Object.entries(asked)[0] ?? [];
  if (method !== "anyOf") return { method, asked, from };
  const alternatives = (terms as readonly PolicyBinding[]).map((one) => planned(one, from));
  return { method, asked, from, alternatives };
}

/** What came of each: the filter's list has what was held, up to the first that did not, alternatives before their `anyOf`. */
export function judge(plan: readonly Planned[], trail: readonly Binding[]): readonly Judged[] {
  const rest = [...trail];
  const take = (one: Planned): Judged => ({
    planned: one,
    result: rest[0]?.method === one.method ? rest.shift() : undefined,
  });
  const judged = plan.flatMap((one) => {
    let isHeld = false;
    const alternatives = (one.alternatives ?? []).map((alternative): Judged => {
      const outcome = isHeld ? { planned: alternative, result: undefined } : take(alternative);
      isHeld ||= outcome.result?.held === true;
      return outcome;
    });
    return [...alternatives, take(one)];
  });
  // Whatever is not in the plan is shown all the same, as the filter says it.
  const others = rest.map((result): Judged => ({ planned: { method: result.method, from: "rule" }, result }));
  return [...judged, ...others];
}
