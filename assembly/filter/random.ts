// Chance for spreading load in time. It is not for secrets.

import { readRandom } from "../host/call";

const THOUSAND: u64 = 1000;

let state: u64 = 0;

/** From 0 to 999, each as likely.  xorshift64*: Marsaglia 2003, Vigna 2014 */
export function chance(): i64 {
  // A host without randomness gives every worker the same sequence: they crowd, and nothing else.
  if (state == 0) state = readRandom() | 1;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return <i64>(((state * 0x2545f4914f6cdd1d) >> 32) % THOUSAND);
}
