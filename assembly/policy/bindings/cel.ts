// What `cel` says: an expression, and nothing else. Envoy reads it when the policy comes into force.

import { ascii, copyTo, takeSpan } from "../../host/arena";
import { addressOf, lengthOf, sliceFrom } from "../../host/span";
import { JsonNode } from "../../text/json";
import { Bind, Binding, Expression, Method } from "../policy";
import { document, isText, region } from "../reader";
import { refuse } from "../refusal";

/** Expressions of one `bind`, at most: what each says of a request that waits is kept in a bit. */
const MAX_EXPRESSIONS: i32 = 32;

// A result that is no boolean would be read as one byte by chance; the line feed ends a comment at the end of the text.
const START = ascii("(");
const END = ascii("\n) == true");

export function readExpression(binding: Binding, node: JsonNode, bind: Bind): bool {
  binding.method = Method.Cel;
  if (!isText(node))
    return refuse(document, node, "a CEL expression, such as \"request.headers['x-team'] == 'shop'\"");
  if (bind.expressions.count == MAX_EXPRESSIONS)
    return refuse(document, node, "at most 32 expressions in a rule");
  const text = document.stringOf(node);
  const whole = takeSpan(lengthOf(START) + lengthOf(text) + lengthOf(END));
  if (lengthOf(whole) == 0) return refuse(document, node, "a shorter policy: there is no memory left");
  copyTo(addressOf(whole), START);
  copyTo(addressOf(sliceFrom(whole, lengthOf(START))), text);
  copyTo(addressOf(sliceFrom(whole, lengthOf(START) + lengthOf(text))), END);
  const expression = region.make<Expression>();
  expression.text = region.copy(whole);
  expression.node = node;
  expression.index = bind.expressions.count;
  bind.expressions.append(expression, region);
  binding.expression = expression;
  return true;
}

/** Envoy does not take it. */
export function refuseExpression(expression: Expression): bool {
  return refuse(
    document,
    expression.node,
    "a CEL expression that Envoy can read, of at most 32 levels, on a host that has CEL",
  );
}
