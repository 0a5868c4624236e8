// The decision records that the filter has logged.

import assert from "node:assert/strict";
import type { LogLine } from "../../../cli/host/index.ts";
import type { Json } from "./json.ts";
import type { Scene } from "./scene.ts";

const RECORD = /^holdfast (\{.*)$/s;

/** Records of this level, oldest first. */
export function recordsOf(scene: Scene, level: LogLine["level"] = "warn"): Json[] {
  return scene.host.logs
    .filter((line) => line.level === level && RECORD.test(line.message))
    .map(({ message }) => JSON.parse(RECORD.exec(message)?.[1] ?? "") as Json);
}

export function lastRecord(scene: Scene, level: LogLine["level"] = "warn"): Json {
  const record = recordsOf(scene, level).at(-1);
  assert.ok(record !== undefined, `no record at ${level}`);
  return record;
}
