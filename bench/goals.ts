import type { GroupResult } from "./results.ts";
import type { Figure } from "./vm.ts";

/** A limit that holdfast set itself, and what was measured. */
export interface Goal {
  readonly title: string;
  readonly measured: number;
  readonly limit: number;
  readonly unit: string;
}

/** All that was measured. */
export interface Measured {
  readonly groups: readonly GroupResult[];
  readonly figures: readonly Figure[];
}

export function isMet({ measured, limit }: Goal): boolean {
  return measured <= limit;
}

/** The goals for which there are figures. */
export function judge({ groups, figures }: Measured): Goal[] {
  const added = (group: string, column: string) =>
    groups.find(({ id }) => id === group)?.columns.find(({ id }) => id === column)?.added?.median ??
    Number.NaN;
  const figure = (id: string) => figures.find((known) => known.id === id)?.value ?? Number.NaN;
  const goals: Goal[] = [
    ...["warm", "quiet"].flatMap((group) => warmGoals(group, (column) => added(group, column))),
    {
      title: "cold: holdfast / jwt_authn without cache",
      ...ratio(added("cold", "spiffe"), added("cold", "jwt"), 0.75),
    },
    ...["malformed", "oversized"].map((column) => ({
      title: `deny: ${column} token / token that passes`,
      ...ratio(added("deny", column), added("deny", "allowed"), 1),
    })),
    { title: "rules: dearest / cheapest of 1 to 1,000 rules", ...ratio(...extremes(groups, added), 1.2) },
    { title: "resident memory of a worker's VM", measured: figure("memory"), limit: 8, unit: "MB" },
    { title: "VM of a worker", measured: figure("start"), limit: 50, unit: "ms" },
    { title: "VM of a worker with 1,000 rules", measured: figure("rules"), limit: 100, unit: "ms" },
    { title: "holdfast.wasm", measured: figure("wasm"), limit: 288, unit: "KB" },
  ];
  return goals.filter(({ measured }) => !Number.isNaN(measured));
}

function warmGoals(group: string, added: (column: string) => number): Goal[] {
  const spiffe = added("spiffe");
  return [
    {
      title: `${group}: holdfast over the empty Wasm filter`,
      measured: spiffe - added("empty"),
      limit: 5,
      unit: "µs",
    },
    {
      title: `${group}: holdfast / jwt_authn with cache + RBAC CEL`,
      ...ratio(spiffe, added("jwt-cache-rbac"), 0.35),
    },
    { title: `${group}: holdfast / jwt_authn + RBAC CEL`, ...ratio(spiffe, added("jwt-rbac"), 0.08) },
  ];
}

function ratio(part: number, whole: number, limit: number): Omit<Goal, "title"> {
  return { measured: part / whole, limit, unit: "x" };
}

function extremes(
  groups: readonly GroupResult[],
  added: (group: string, column: string) => number,
): [dearest: number, cheapest: number] {
  const ids = groups.find(({ id }) => id === "rules")?.columns.map(({ id }) => id) ?? [];
  const costs = ids.map((id) => added("rules", id)).filter((cost) => !Number.isNaN(cost));
  return costs.length < 2 ? [Number.NaN, Number.NaN] : [Math.max(...costs), Math.min(...costs)];
}
