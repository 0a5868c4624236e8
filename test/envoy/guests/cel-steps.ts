// Steps with CEL expressions, which Envoy evaluates. An expression goes by its place among those that the guest has created.

import { EXPRESSIONS } from "./assemble-guest.ts";
import { foreign, type Step } from "./steps.ts";

const noToken = -1;
const tokenBytes = 4;

/** Creates an expression. Logs the status, and its token in hex. */
export function create(source: string): Step {
  return createFrom(foreign("expr_create", (literals) => literals.place(source)));
}

/** Creates an expression that is too long to be a literal: `part` so many times, then `last`. */
export function createLong(part: string, times: number, last: string): Step {
  const size = part.length * times + last.length;
  const created = createFrom(foreign("expr_create", () => `(global.get $heap) (i32.const ${size})`));
  return (literals) =>
    `(global.set $next (i32.const 0))
     (block $all (loop $each
       (br_if $all (i32.eq (global.get $next) (i32.const ${part.length * times})))
       (memory.copy (i32.add (global.get $heap) (global.get $next)) ${literals.place(part)})
       (global.set $next (i32.add (global.get $next) (i32.const ${part.length})))
       (br $each)))
     (memory.copy (i32.add (global.get $heap) (global.get $next)) ${literals.place(last)})
     ${created(literals)}`;
}

/** Evaluates an expression. Logs the status, and the result in hex. */
export function evaluate(expression: number): Step {
  return foreign("expr_evaluate", () => tokenOf(expression));
}

/** Evaluates what these bytes name, which may be no token. */
export function evaluateToken(token: Uint8Array): Step {
  return foreign("expr_evaluate", (literals) => literals.place(token));
}

/** Deletes an expression. Logs the status. */
export function remove(expression: number): Step {
  return foreign("expr_delete", () => tokenOf(expression));
}

function tokenOf(expression: number): string {
  return `(i32.const ${EXPRESSIONS + tokenBytes * expression}) (i32.const ${tokenBytes})`;
}

function createFrom(call: Step): Step {
  return (literals) =>
    `${call(literals)}
     (if (i32.eqz (global.get $status))
       (then (call $remember_expression (i32.load (i32.load (i32.const 16)))))
       (else (call $remember_expression (i32.const ${noToken}))))`;
}
