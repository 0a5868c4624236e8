import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import policySchema from "../docs/reference/policy.schema.json" with { type: "json" };
import { didYouMean } from "./nearest-name.ts";

/** The part of JSON Schema that the policy's is written in. */
export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly contains?: Schema;
  readonly maxContains?: number;
}

// The compiler's own type of it names each member, and is of no use to walk over.
export const POLICY_SCHEMA = policySchema as unknown as Schema;

/** A place in a policy where something else was expected. */
export interface Fault {
  /** RFC 6901. */
  readonly pointer: string;
  /** What was expected there, in the words of the schema's titles. */
  readonly expected: string;
}

/** Bytes of a name from the policy that a message shows. */
const SHOWN = 64;

let compiled: ValidateFunction | undefined;

/** All that the schema has against a policy: one word for each place, and each member that is missing there. */
export function schemaFaults(policy: unknown): readonly Fault[] {
  // Compiled when it is first needed: a good policy is not looked at. A test holds that it is a schema.
  compiled ??= new Ajv2020({
    allErrors: true,
    verbose: true,
    strictTypes: false,
    validateSchema: false,
  }).compile(POLICY_SCHEMA);
  if (compiled(policy)) return [];
  const errors = (compiled.errors ?? []).filter(isTelling).sort((left, right) => rank(left) - rank(right));
  const faults = new Map<string, Fault>();
  for (const error of errors) {
    const fault = faultOf(error);
    const key = isMissing(error) ? `${fault.pointer} ${fault.expected}` : fault.pointer;
    if (!faults.has(key)) faults.set(key, fault);
  }
  return [...faults.values()];
}

/** That nothing may stand somewhere says more than what is wrong with it. */
function rank({ keyword }: ErrorObject): number {
  return keyword === "not" ? 0 : 1;
}

function isMissing({ keyword }: ErrorObject): boolean {
  return keyword === "required" || keyword === "dependentRequired";
}

/** Some errors only say that others were found; and why one key of a set is of no use says nothing of the set. */
function isTelling({ keyword, schemaPath }: ErrorObject): boolean {
  return keyword !== "if" && keyword !== "propertyNames" && !schemaPath.includes("/contains/");
}

function faultOf(error: ErrorObject): Fault {
  const { instancePath, keyword, propertyName } = error;
  const params = error.params as Readonly<Record<string, unknown>>;
  const schema = error.parentSchema as Schema;
  const at = (step: string | number) => `${instancePath}/${escaped(String(step))}`;
  if (propertyName !== undefined) return { pointer: at(propertyName), expected: titleOf(schema) };
  switch (keyword) {
    case "additionalProperties": {
      const name = String(params["additionalProperty"]);
      return { pointer: at(name), expected: knownMember(name, Object.keys(schema.properties ?? {})) };
    }
    case "required":
    case "dependentRequired":
      return { pointer: instancePath, expected: missing(String(params["missingProperty"]), schema) };
    case "contains":
      if (schema.maxContains === undefined) break;
      return { pointer: at(secondOf(schema, error.data)), expected: titleOf(schema) };
    case "uniqueItems":
      return { pointer: at(Math.max(Number(params["i"]), Number(params["j"]))), expected: titleOf(schema) };
    default:
  }
  return { pointer: instancePath, expected: valueOf(schema, error.data) };
}

/** Of the bindings that may be in a list once, the one too many. */
function secondOf({ contains }: Schema, list: unknown): number {
  const [name = ""] = contains?.required ?? [];
  const holders = (list as readonly unknown[]).flatMap((one, i) =>
    typeof one === "object" && one !== null && name in one ? [i] : [],
  );
  return holders[1] ?? 0;
}

function knownMember(found: string, names: readonly string[]): string {
  const shown = found.replaceAll(/[^!#-~]/g, "?").slice(0, SHOWN);
  const what = names.length === 0 ? "an empty object" : "a known member";
  return `${what}, found "${shown}"${didYouMean(found, names)}`;
}

function missing(name: string, schema: Schema): string {
  const member = schema.properties?.[name];
  return member === undefined ? (schema.title ?? `"${name}"`) : `"${name}": ${titleOf(member)}`;
}

/** What stands where something else should is not shown: it may be a secret. */
function valueOf(schema: Schema, found: unknown): string {
  const near = typeof found === "string" ? didYouMean(found, schema.enum ?? []) : "";
  return `${titleOf(schema)}${near}`;
}

/** What a value is, in a few words: "a name of 1 to 64 letters". */
export function titleOf(schema: Schema): string {
  const { title, enum: choices } = resolved(schema);
  if (title !== undefined) return title;
  return choices === undefined ? "true or false" : listed(choices.map((one) => `"${one}"`));
}

/** With what `$ref` leads to. */
export function resolved(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const { $ref, ...own } = schema;
  const target = POLICY_SCHEMA.$defs?.[$ref.replace("#/$defs/", "")];
  return { ...(target === undefined ? {} : resolved(target)), ...own };
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
