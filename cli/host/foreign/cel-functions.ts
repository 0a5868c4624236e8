import { Status } from "../abi.ts";
import type { Context } from "../context.ts";
import type { RootContext } from "../root-context.ts";
import { attributesOf } from "./cel-attributes.ts";
import { compileCel } from "./cel-expression.ts";
import type { CelExpression } from "./cel-expression.ts";

const TOKEN_BYTES = 4;

/** The expressions of one root context, by token. Tokens count from 0 in each, so one of another root means something else. */
class Expressions {
  readonly #byToken = new Map<number, CelExpression>();
  #nextToken = 0;

  add(expression: CelExpression): number {
    const token = this.#nextToken++;
    this.#byToken.set(token, expression);
    return token;
  }

  get(token: number): CelExpression | undefined {
    return this.#byToken.get(token);
  }

  delete(token: number): void {
    this.#byToken.delete(token);
  }
}

const expressionsOfRoots = new WeakMap<RootContext, Expressions>();

/** Envoy's foreign function `expr_create`: a source in UTF-8 becomes a token of four bytes, little endian. */
export function createExpression(source: Buffer, context: Context): Uint8Array | Status {
  const expression = compileCel(source);
  if (expression === undefined) return Status.BadArgument;
  const token = Buffer.alloc(TOKEN_BYTES);
  token.writeUInt32LE(expressionsOf(context).add(expression));
  return token;
}

/** Envoy's foreign function `expr_evaluate`: a token becomes the result, as properties are serialised. */
export function evaluateExpression(token: Buffer, context: Context): Uint8Array | Status {
  if (token.length !== TOKEN_BYTES) return Status.BadArgument;
  const expression = expressionsOf(context).get(token.readUInt32LE());
  return expression === undefined ? Status.NotFound : expression(attributesOf(context));
}

/** Envoy's foreign function `expr_delete`: Ok also for a token that there is not. */
export function deleteExpression(token: Buffer, context: Context): Status {
  if (token.length !== TOKEN_BYTES) return Status.BadArgument;
  expressionsOf(context).delete(token.readUInt32LE());
  return Status.Ok;
}

function expressionsOf({ root }: Context): Expressions {
  // Foreign functions are called from callbacks only, and every callback but the allocator has a root context.
  if (root === undefined) return new Expressions();
  const known = expressionsOfRoots.get(root) ?? new Expressions();
  expressionsOfRoots.set(root, known);
  return known;
}
