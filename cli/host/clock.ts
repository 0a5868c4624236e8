const NANOSECONDS = 1_000_000_000;

/** Seconds since the epoch, also fractional, as whole nanoseconds. */
export function nanoseconds(seconds: number): bigint {
  const whole = Math.floor(seconds);
  // Apart from each other, because 1.7e18 is beyond what a double holds exactly.
  return BigInt(whole) * BigInt(NANOSECONDS) + BigInt(Math.round((seconds - whole) * NANOSECONDS));
}
