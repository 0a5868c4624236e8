import { Status } from "../abi.ts";
import { isList, isMap, serialize } from "./value.ts";
import type { PropertyResult, PropertyValue } from "./value.ts";

/** Dynamic metadata: filter name, then a JSON object (a google.protobuf.Struct, so every number is a double). */
export type Metadata = Readonly<Record<string, Readonly<Record<string, PropertyValue>>>>;

/** `metadata.filter_metadata.<filter>.<key>...`: maps by key, lists by decimal index. */
export function metadataProperty(metadata: Metadata, parts: readonly string[]): PropertyResult {
  if (parts[1] !== "filter_metadata") return Status.NotFound;
  let value: PropertyValue = metadata;
  for (const part of parts.slice(2)) {
    const next = child(value, part);
    if (next === undefined) return Status.NotFound;
    value = next;
  }
  return serialize(value);
}

/** What a map has under this key, or a list at this index; undefined when it has nothing there. */
export function child(value: PropertyValue, part: string): PropertyValue | undefined {
  if (isList(value)) return /^\s*[+-]?\d+\s*$/.test(part) ? value[Number(part)] : undefined;
  // The guest's path arrives as latin1 text; keys are UTF-8.
  const key = Buffer.from(part, "latin1").toString("utf8");
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
