import type { Refusal } from "./acceptance.ts";
import { type Fault, schemaFaults } from "./policy-schema.ts";

/** The filter stops at the first fault; these are what the schema finds at other places of the same policy. */
export function otherFaults(policy: string, refusal: Refusal): readonly Fault[] {
  let value: unknown;
  try {
    value = JSON.parse(policy);
  } catch {
    return [];
  }
  return schemaFaults(value).filter(({ pointer }) => shownPointer(pointer) !== refusal.pointer);
}

/** As the filter writes it: byte by byte, and nothing in it that a terminal would act on. */
export function shownPointer(pointer: string): string {
  return Buffer.from(pointer, "utf8")
    .toString("latin1")
    .replaceAll(/[^!#-~]/g, "?");
}
