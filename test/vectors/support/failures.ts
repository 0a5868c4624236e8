/**
 * Seconds, without a rest in binary, after which a presenter may send one more bad signature: the filter looks at 100 at once, and
 * then at one in 100 ms.
 */
export const FAILURE_INTERVAL = 0.125;
