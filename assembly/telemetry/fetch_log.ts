// Log lines about what is fetched. The servers belong to the operator, so what they say may be shown; keys are not.

import { LogLevel, isLogged, writeLog } from "../host/call";
import { line, startLine, writeAscii, writeDecimal, writeMasked } from "../host/writer";
import { Contents, Location, contentName } from "../policy/source";
import { refusal } from "../policy/refusal";

const SHOWN: i32 = 256;

/** @param status 0 when nothing could be asked at all */
export function logFetchFailed(location: Location, status: i64): void {
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
export function logFetchRefused(): void {
  writeLog(LogLevel.Warn, refusal());
}

export function logFirstContents(location: Location, contents: Contents): void {
  if (!isLogged(LogLevel.Info)) return;
  startLine();
  writeSource(location);
  writeAscii(" in force");
  const keys = contents.keys;
  if (keys != null) {
    writeAscii(": ");
    writeDecimal(keys.keys.count);
    writeAscii(", left out ");
    writeDecimal(keys.passedOver);
  } else {
    writeAscii(": version ");
    writeDecimal(contents.version);
  }
  writeLog(LogLevel.Info, line());
}

function writeSource(location: Location): void {
  writeAscii(contentName(location.content));
  writeAscii(" from cluster ");
  writeMasked(location.cluster, SHOWN);
  writeAscii(", path ");
  writeMasked(location.path, SHOWN);
}
