import { celEnv, isCelError, isCelList, isCelMap, isCelType, isCelUint, parse, plan } from "@bufbuild/cel";
import type { CelInput, CelValue } from "@bufbuild/cel";
import { isMessage } from "@bufbuild/protobuf";
import type { Message } from "@bufbuild/protobuf";
import { isReflectMessage } from "@bufbuild/protobuf/reflect";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { Status } from "../abi.ts";
import { serialize } from "../properties/value.ts";
import type { PropertyValue } from "../properties/value.ts";

type Expression = ReturnType<typeof parse>["expr"];
type Call = Extract<Expression["exprKind"], { case: "callExpr" }>["value"];

const NANOSECONDS = 1_000_000_000n;
const environment = celEnv();

/** Levels of an expression, the innermost included. Brackets that change nothing are levels to Envoy, and cannot be seen here. */
const MAX_DEPTH = 32;
/** Envoy reads chains of these without going deeper. */
const LOGICAL: ReadonlySet<string> = new Set(["_&&_", "_||_", "!_"]);

/** An expression with the given variables: the result in Envoy's serialisation, or the status of its failure. */
export type CelExpression = (variables: Readonly<Record<string, CelInput>>) => Uint8Array | Status;

/**
 * Compiles a CEL expression. Undefined where Envoy refuses one: what does not parse or is too deep, and a function that does
 * not exist with so many arguments. Types are looked at by nobody before the evaluation.
 */
export function compileCel(source: Buffer): CelExpression | undefined {
  const evaluate = planOrNothing(source.toString("utf8"));
  if (evaluate === undefined) return undefined;
  return (variables) => {
    const result = evaluate(variables);
    if (isCelError(result)) return Status.InternalFailure;
    const bytes = serialize(propertyValueOf(result));
    return typeof bytes === "string" ? Buffer.from(bytes) : bytes;
  };
}

function planOrNothing(source: string): ReturnType<typeof plan> | undefined {
  try {
    const parsed = parse(source);
    return isAcceptable(parsed.expr, MAX_DEPTH) ? plan(environment, parsed) : undefined;
  } catch {
    // It does not parse, or goes so deep that the stack ends before the depth can be counted.
    return undefined;
  }
}

function isAcceptable(expression: Expression, levels: number): boolean {
  const { exprKind } = expression;
  if (levels === 0) return false;
  const call = exprKind.case === "callExpr" ? exprKind.value : undefined;
  if (call !== undefined && !isKnown(call)) return false;
  const rest = call !== undefined && LOGICAL.has(call.function) ? levels : levels - 1;
  return childrenOf(expression).every((child) => isAcceptable(child, rest));
}

function isKnown({ function: name, target, args }: Call): boolean {
  // Operators, and what macros are made of.
  if (!/^[a-z]/i.test(name)) return true;
  return [...(environment.funcs.find(name) ?? [])].some(
    (overload) =>
      overload.arguments.length === args.length && (overload.target === undefined) === (target === undefined),
  );
}

function childrenOf({ exprKind }: Expression): Expression[] {
  switch (exprKind.case) {
    case "selectExpr":
      return present(exprKind.value.operand);
    case "callExpr":
      return present(exprKind.value.target, ...exprKind.value.args);
    case "listExpr":
      return exprKind.value.elements;
    case "structExpr":
      return exprKind.value.entries.flatMap(({ keyKind, value }) =>
        present(keyKind.case === "mapKey" ? keyKind.value : undefined, value),
      );
    case "comprehensionExpr": {
      const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
      return present(iterRange, accuInit, loopCondition, loopStep, result);
    }
    default:
      return [];
  }
}

function present(...expressions: readonly (Expression | undefined)[]): Expression[] {
  return expressions.filter((expression) => expression !== undefined);
}

/** Null, which cannot be serialised, stands for whatever else cannot. */
function propertyValueOf(value: CelValue): PropertyValue {
  if (isCelUint(value)) return value.value;
  if (isCelList(value)) return [...value].map(propertyValueOf);
  if (isCelMap(value)) {
    const entries = [...value];
    if (entries.some(([key]) => typeof key !== "string")) return null;
    return Object.fromEntries(entries.map(([key, item]) => [key as string, propertyValueOf(item)]));
  }
  if (isReflectMessage(value)) return nanosecondsOf(value.message);
  return isCelType(value) ? null : value;
}

function nanosecondsOf(message: Message): bigint | null {
  if (!isMessage(message, TimestampSchema) && !isMessage(message, DurationSchema)) return null;
  return message.seconds * NANOSECONDS + BigInt(message.nanos);
}
