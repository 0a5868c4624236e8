// Log lines about fetched keys. Key servers belong to the operator, so what they say may be shown; keys are not.

import { LogLevel, isLogged, writeLog } from "../host/call";
import { line, startLine, writeAscii, writeDecimal, writeMasked } from "../host/writer";
import { KeyLocation } from "../policy/key_source";
import { KeySet } from "../policy/key_set";
import { refusal } from "../policy/refusal";

const SHOWN: i32 = 256;

/** @param status 0 when nothing could be asked at all */
export function logKeysFailed(location: KeyLocation, status: i64): void {
  startLine();
  writeSource(location);
  if (status > 0) {
    writeAscii(" not fetched: status ");
    writeDecimal(status);
  } else {
    writeAscii(" not fetched: Envoy could not ask (is there a cluster of that name?)");
  }
  writeAscii("; those in force stay, and it is asked again");
  writeLog(LogLevel.Warn, line());
}

/** The reason is the refusal that was composed last. */
export function logKeysRefused(): void {
  writeLog(LogLevel.Warn, refusal());
}

export function logKeysInForce(location: KeyLocation, keys: KeySet): void {
  if (!isLogged(LogLevel.Info)) return;
  startLine();
  writeSource(location);
  writeAscii(" in force: ");
  writeDecimal(keys.keys.count);
  writeAscii(", left out ");
  writeDecimal(keys.passedOver);
  writeLog(LogLevel.Info, line());
}

function writeSource(location: KeyLocation): void {
  writeAscii("keys from cluster ");
  writeMasked(location.cluster, SHOWN);
  writeAscii(", path ");
  writeMasked(location.path, SHOWN);
}
