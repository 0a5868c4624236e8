/**
 * Seconds, without a rest in binary, after which a presenter may send one more bad signature of any algorithm: the filter spends
 * 1,000 units on them at once, gives one back in 10 ms, and Ed25519, the dearest, costs 60.
 */
export const FAILURE_INTERVAL = 0.625;
