import type { Group } from "../group.ts";
import { cold, dpop } from "./cold.ts";
import { deny } from "./deny.ts";
import { issuers, rules } from "./policies.ts";
import { replayTable } from "./replay-table.ts";
import { tokens } from "./tokens.ts";
import { latency, quiet, warm } from "./warm.ts";
import { workers } from "./workers.ts";

/** All groups, in the order of the report. */
export const groups: readonly Group[] = [
  ...[warm, quiet, cold, dpop, latency],
  ...[deny, tokens, rules, issuers, workers, replayTable],
];
