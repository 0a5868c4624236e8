export type Json = Readonly<Record<string, unknown>>;

/** `record` without some members. */
export function without<T extends object, K extends string>(record: T, ...names: readonly K[]): Omit<T, K> {
  const kept = Object.entries(record).filter(([name]) => !names.some((other) => other === name));
  return Object.fromEntries(kept) as Omit<T, K>;
}
