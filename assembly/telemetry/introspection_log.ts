// One log line for an introspection that failed. The token is not shown, nor what the server said.

import { Budgets } from "../host/budgets";
import { LogLevel, writeLog } from "../host/call";
import { Span, indexOf, slice } from "../host/span";
import { line, startLine, writeAscii, writeDecimal, writeMasked } from "../host/writer";

/** Lines at once, and milliseconds until the next: an outage is told and not recited. */
const LINES: i32 = 5;
const REFILL: i32 = 5000;
const SHOWN: i32 = 256;

const budget = Budgets.make(1, LINES, REFILL);

/**
 * @param server its identity, which begins with the cluster's name and a NUL
 * @param status of the answer; 0 when nothing could be asked at all, or the answer broke off
 */
export function logIntrospectionFailed(server: Span, status: i64, now: i64): void {
  if (!budget.has(0, now)) return;
  budget.spend(0, now, 1);
  startLine();
  writeAscii("introspection at cluster ");
  writeMasked(slice(server, 0, max(0, indexOf(server, 0, 0))), SHOWN);
  if (status > 0) {
    writeAscii(" failed: status ");
    writeDecimal(status);
    if (status == 200) writeAscii(' without a JSON object that has "active", or too large a one');
  } else {
    writeAscii(" failed: Envoy could not ask, or the answer broke off (is there a cluster of that name?)");
  }
  writeAscii("; its tokens are denied");
  writeLog(LogLevel.Warn, line());
}
