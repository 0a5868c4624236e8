import { Status } from "../abi.ts";
import type { HeaderPair } from "../header-map.ts";
import { pairsSize, writePairs } from "../pairs.ts";

/**
 * One attribute as CEL types it: string (as UTF-8), raw bytes, double, int64 or uint64, bool. Null cannot be
 * serialised; maps and lists become pair lists.
 */
export type PropertyValue =
  | string
  | Uint8Array
  | number
  | bigint
  | boolean
  | null
  | readonly PropertyValue[]
  | { readonly [key: string]: PropertyValue };

/** What a property read gives the guest: text (to be written as UTF-8), bytes, or the status of its failure. */
export type PropertyResult = string | Uint8Array | Status;

/** Envoy's serializeValue (source/extensions/common/wasm/context.cc). */
export function serialize(value: PropertyValue): PropertyResult {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  if (typeof value === "boolean") return Uint8Array.of(value ? 1 : 0);
  if (typeof value === "number") return doubleBytes(value);
  if (typeof value === "bigint") return int64Bytes(value);
  if (value === null) return Status.SerializationFailure;
  // A list is a pair list whose second halves are empty.
  if (isList(value)) return serializePairs(value.map((item) => [item, ""]));
  return serializePairs(Object.entries(value).map(([key, item]) => [key, item]));
}

export function isList(value: PropertyValue): value is readonly PropertyValue[] {
  return Array.isArray(value);
}

export function isMap(value: PropertyValue): value is { readonly [key: string]: PropertyValue } {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array) && !isList(value);
}

export function int64Bytes(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
}

function doubleBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

function serializePairs(entries: readonly (readonly [PropertyValue, PropertyValue])[]): PropertyResult {
  const pairs: HeaderPair[] = [];
  for (const [first, second] of entries) {
    const name = latin1Of(serialize(first));
    const value = latin1Of(serialize(second));
    if (name === undefined || value === undefined) return Status.SerializationFailure;
    pairs.push([name, value]);
  }
  const bytes = Buffer.alloc(pairsSize(pairs));
  writePairs(pairs, bytes, 0);
  return bytes;
}

/** Pair lists are written from latin1 text, one character per byte. */
function latin1Of(result: PropertyResult): string | undefined {
  if (typeof result === "number") return undefined;
  return Buffer.from(result as Uint8Array).toString("latin1");
}
