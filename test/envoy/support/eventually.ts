import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 50;

/**
 * Waits until something holds.
 * @param what names it, for the failure
 * @param deadlineMs far longer than it takes on a good day: it only ends a wait that is in vain
 */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `within ${deadlineMs / 1000} s: ${what}`);
    await sleep(pollMs);
  }
}
