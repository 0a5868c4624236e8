// What holdfast costs beside Envoy's own filters, in a real Envoy. docs/performance.md says how to read the result.
//
//   npm run bench -- --only warm,tokens --rounds 10

import { inspect } from "node:util";
import { findEnvoy } from "../envoy/binary/find-envoy.ts";
import { ExplainedError } from "../envoy/process/explained-error.ts";
import { makeRunFolder } from "../envoy/process/run-folder.ts";
import { runOnSignals, Teardown } from "../envoy/process/teardown.ts";
import { buildEmptyGuest } from "./build-empty-guest.ts";
import type { Setting } from "./group.ts";
import { groups } from "./groups/index.ts";
import { findH2load } from "./load/h2load.ts";
import { describeMachine } from "./machine.ts";
import { type Options, readOptions, usage, VM_FIGURES } from "./options.ts";
import { peerVariables } from "./peers/peer-columns.ts";
import { writeDocs, writeReport } from "./report/write-report.ts";
import { runGroup } from "./run-group.ts";
import type { GroupResult } from "./results.ts";
import { measureVm } from "./vm.ts";
import { makeWorld } from "./world.ts";

/** Progress goes to standard error, so that a pipe gets the report alone. */
const report = (line: string) => process.stderr.write(`${line}\n`);

async function run(options: Options, teardown: Teardown): Promise<void> {
  const h2load = await findH2load();
  const envoy = await findEnvoy(process.env, teardown, report);
  report(`Envoy ${envoy.version}, ${envoy.origin}`);
  const machine = await describeMachine(envoy.version, h2load);
  const folder = await makeRunFolder(teardown);
  const setting: Setting = {
    world: await makeWorld(),
    emptyGuest: await buildEmptyGuest(folder),
    folder,
    env: process.env,
    isQuick: options.isQuick,
    teardown,
  };
  const results: GroupResult[] = [];
  for (const group of groups.filter(({ id }) => options.only.includes(id)))
    results.push(await runGroup(group, setting, envoy.path, options, report));
  const figures = options.only.includes(VM_FIGURES) ? await measureVm(setting, envoy.path, report) : [];
  const missing = peerVariables.filter((name) => (process.env[name] ?? "") === "");
  const written = await writeReport(options.output, { groups: results, figures }, machine, missing);
  if (options.writesDocs) await writeDocs(written);
  process.stdout.write(written.markdown);
}

const teardown = new Teardown();
const stop = new AbortController();
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    stop.abort();
  });
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(usage);
  } else {
    runOnSignals(teardown);
    await run(options, teardown);
  }
} catch (failure) {
  // What a signal has ended fails because of it.
  if (!stop.signal.aborted) report(failure instanceof ExplainedError ? failure.message : inspect(failure));
  process.exitCode = 2;
} finally {
  await teardown.run();
}
