// Allowances that refill with time, one for each hashed holder. Holders whose hashes fall together share one.

import { makeForever } from "./arena";
import { Table, tableForever } from "./table";

@unmanaged
class Budget {
  /** Milliseconds since 1970. */
  refilledAt: i64;
  /** Already spent, in milliseconds of refilling. */
  spent: i64;
}

@unmanaged
export class Budgets {
  private table: Table<Budget>;
  private burst: i64;
  private refillMs: i64;

  /**
   * @param holders a power of two
   * @param burst how much may be spent at once
   * @param refillMs how long one takes to come back
   */
  static make(holders: i32, burst: i32, refillMs: i32): Budgets {
    const budgets = makeForever<Budgets>();
    budgets.table = tableForever<Budget>(holders);
    budgets.burst = burst;
    budgets.refillMs = refillMs;
    return budgets;
  }

  /** True when this holder has something left. */
  has(holder: u32, now: i64): bool {
    const budget = this.budgetOf(holder, now);
    return budget.spent + this.refillMs <= this.burst * this.refillMs;
  }

  /** Spends so much, or what is left. */
  spend(holder: u32, now: i64, amount: i32): void {
    const budget = this.budgetOf(holder, now);
    budget.spent = min(budget.spent + amount * this.refillMs, this.burst * this.refillMs);
  }

  private budgetOf(holder: u32, now: i64): Budget {
    const budget = this.table.at(holder & (this.table.capacity - 1));
    // A clock that was set back refills nothing and takes nothing.
    const passed = max<i64>(0, now - budget.refilledAt);
    budget.spent = max<i64>(0, budget.spent - passed);
    budget.refilledAt = now;
    return budget;
  }
}
