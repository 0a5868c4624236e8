/** A host function as the module calls it: words as numbers, 64-bit values as bigint. Returns a status. */
export type HostFunction = (...args: never[]) => number | undefined;

/** Host functions by the name the module imports them under. */
export type HostFunctions = Readonly<Record<string, HostFunction>>;

/** i32 arguments arrive signed; addresses, sizes and ids are unsigned. */
export function unsigned(word: number): number {
  return word >>> 0;
}
