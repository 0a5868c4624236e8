import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { listAttempts } from "./attempts/list-attempts.ts";
import { isAsExpected, makeAttempt, type Result } from "./attempts/make-attempt.ts";
import { printAttempt, printTitles, type TableOutput } from "./attempts/print-attempts.ts";
import { printCurlLines } from "./attempts/print-curl-lines.ts";
import { summarize } from "./attempts/summarize.ts";
import { findEnvoy } from "./binary/find-envoy.ts";
import { makeRunFolder } from "./process/run-folder.ts";
import type { Teardown } from "./process/teardown.ts";
import { makeMaterials, type Tokens } from "./setup/materials.ts";
import { type RunningSetup, startSetup } from "./setup/start-setup.ts";
import { writeSetup } from "./setup/write-setup.ts";

const hour = 3_600;
const hourMs = hour * 1_000;

/** Where a demonstration takes place, and how long it stays. */
export interface Stage {
  /** Says which Envoy is taken: see `findEnvoy`. */
  readonly env: NodeJS.ProcessEnv;
  readonly table: TableOutput;
  /** Progress, one line or more. */
  readonly report: (line: string) => void;
  /** How long everything keeps running after the table; 0 ends it at once. */
  readonly keepHours: number;
}

/**
 * Starts everything and makes every attempt. `teardown` ends what was started.
 * @returns whether every attempt came as expected.
 * @throws ExplainedError when something that is needed cannot be had.
 */
export async function demonstrate(stage: Stage, teardown: Teardown): Promise<boolean> {
  const { env, table, report, keepHours } = stage;
  const envoy = await findEnvoy(env, teardown, report);
  report(`Envoy ${envoy.version}: ${envoy.path} (${envoy.origin})`);
  // A folder within: what `writeSetup` writes may be read by everyone, and the run's folder keeps everyone out.
  const folder = join(await makeRunFolder(teardown), "setup");
  const materials = await makeMaterials({ now: new Date(), seconds: (1 + keepHours) * hour });
  await writeSetup(folder, materials);
  const running = await startSetup(envoy.path, folder, teardown);

  const results = await makeAttempts(running, materials.tokens, table);
  report(`\n${summarize(results)}`);
  if (keepHours === 0) {
    report("To try it yourself: npm run demo -- --keep");
  } else {
    printEntries(running, materials.tokens, table.write);
    report(
      `\nEverything keeps running, for ${keepHours} hours at most; logs are in ${folder}. Ctrl-C ends it.`,
    );
    await sleep(keepHours * hourMs);
    report(`${keepHours} hours are over: ending everything.`);
  }
  return results.every(isAsExpected);
}

async function makeAttempts(running: RunningSetup, tokens: Tokens, table: TableOutput): Promise<Result[]> {
  const results: Result[] = [];
  printTitles(table);
  for (const attempt of listAttempts(tokens)) {
    const result = { attempt, outcome: await makeAttempt(running, attempt) };
    printAttempt(table, result);
    results.push(result);
  }
  return results;
}

function printEntries({ caller, server }: RunningSetup, tokens: Tokens, write: (line: string) => void): void {
  const port = (name: string) => caller.port(name);
  printCurlLines({ port, adminOrigin: server.adminOrigin }, tokens, write);
}
