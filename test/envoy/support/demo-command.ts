import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { endWithThisProcess } from "../../../envoy/process/end-with-this-process.ts";
import type { Teardown } from "../../../envoy/process/teardown.ts";
import { testedEnvoys } from "./versions.ts";

const deadlineMs = 60_000;
const pollMs = 50;

/** What node runs for the demo, without npm. */
export const demoCommand = [
  "--import",
  "tsx",
  fileURLToPath(new URL("../../../envoy/demo.ts", import.meta.url)),
];

/** The environment of a demo that takes one of `testedEnvoys` and makes its run folder in `folder`. */
export function demoEnv(folder: string): NodeJS.ProcessEnv {
  const [envoy] = testedEnvoys();
  return { ...process.env, ENVOY_VERSION: envoy, TMPDIR: folder };
}

/** A demo that runs, and what it has written. */
export interface RunningDemo {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly untilSaid: (words: string) => Promise<void>;
}

export function startDemo(
  command: string,
  args: readonly string[],
  folder: string,
  teardown: Teardown,
): RunningDemo {
  const child = spawn(command, args, { env: demoEnv(folder), stdio: ["ignore", "pipe", "pipe"] });
  endWithThisProcess(child);
  teardown.defer(() => void child.kill("SIGTERM"));
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const untilSaid = async (words: string) => {
    const deadline = Date.now() + deadlineMs;
    while (!said.includes(words)) {
      assert.ok(Date.now() < deadline && child.exitCode === null, said);
      await sleep(pollMs);
    }
  };
  return { child, said: () => said, untilSaid };
}

/** Fails when the demo left its run folder, or when anybody still listens on a port that it named. */
export async function assertNothingRemains(folder: string, said: string): Promise<void> {
  const left = await readdir(folder);
  assert.deepEqual(
    left.filter((name) => name.startsWith("holdfast-")),
    [],
  );
  for (const [origin] of said.matchAll(/http:\/\/127\.0\.0\.1:\d+/g))
    await assert.rejects(fetch(origin), `nobody listens on ${origin}`);
}
