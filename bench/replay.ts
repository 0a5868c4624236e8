// How the replay table holds under load, in a real Envoy: each proof is accepted exactly once, whatever worker it reaches, and the memory of
// the process stays where it is.
//
//   npm run bench:replay -- --proofs 100000 --times 4 --workers 8

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { EnvoyProcess } from "../envoy/process/envoy-process.ts";
import { Teardown } from "../envoy/process/teardown.ts";
import { audience, issuer } from "../envoy/setup/materials.ts";
import { holdfast } from "../test/envoy/support/filters.ts";
import { startLaboratory } from "../test/envoy/support/laboratory.ts";
import { listener, mtls } from "../test/envoy/support/listener.ts";
import {
  Connections,
  makeKeyHolder,
  obtainNonce,
  origin,
  prepare,
  shown,
} from "../test/envoy/support/proofs.ts";
import { testedEnvoys } from "../test/envoy/support/versions.ts";
import { inlineKeys, makePolicy, makeWorld } from "../test/envoy/support/world.ts";

const CONNECTIONS = 64;
/** Keys that take turns: none has the table to itself. */
const KEYS = 16;
/** Proofs that are made, sent and counted together. */
const ROUND = 5_000;
/** Seconds that a proof is remembered: short, so that the table is used many times over. */
const WINDOW = { maxAge: 10, clockSkew: 5 };

const { values } = parseArgs({
  options: {
    proofs: { type: "string", default: "100000" },
    times: { type: "string", default: "4" },
    workers: { type: "string", default: "8" },
  },
});
const [proofs, times, workers] = [values.proofs, values.times, values.workers].map(Number) as [
  number,
  number,
  number,
];
if (![proofs, times, workers].every((number) => Number.isInteger(number) && number > 0)) {
  console.error("expected whole numbers above 0: --proofs 100000 --times 4 --workers 8");
  process.exit(2);
}

/** Resident bytes of the process, in MiB. */
function residentMemory({ pid }: EnvoyProcess): number {
  if (pid === undefined) throw new Error("Envoy has no process ID");
  const [, kib = "0"] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kib) / 1024);
}

async function gauge(envoy: EnvoyProcess): Promise<string> {
  const page = await envoy.admin("/stats?filter=holdfast.replay.used");
  return /: (\d+)/.exec(page)?.[1] ?? "?";
}

async function run(teardown: Teardown): Promise<boolean> {
  const world = await makeWorld();
  const keys = inlineKeys(world.issuer);
  const policy = makePolicy(
    {},
    {
      dpop: { origins: [origin], maxAge: `${WINDOW.maxAge}s` },
      issuers: { idp: { issuer, audiences: [audience], clockSkew: `${WINDOW.clockSkew}s`, keys } },
    },
  );
  const transport = mtls({ server: world.server, bundle: world.authority.bundle });
  const listeners = [listener({ name: "orders", filters: [holdfast(policy)], transport })];
  const [version = ""] = testedEnvoys();
  const envoy = await startLaboratory(version, { listeners, workers }, teardown);
  const client = { port: envoy.port("orders"), credential: world.web, bundle: world.authority.bundle };
  const connections = await Connections.open(client, CONNECTIONS);
  teardown.defer(() => {
    connections.close();
  });
  const first = await makeKeyHolder(world.issuer);
  const holders = [first];
  while (holders.length < KEYS) holders.push(await makeKeyHolder(world.issuer));

  const counts = { once: 0, never: 0, more: 0, requests: 0, unavailable: 0 };
  const startedAt = Date.now();
  console.log(`Envoy ${version}, ${workers} workers, ${proofs} proofs ${times} times each`);
  for (let sent = 0; sent < proofs; sent += ROUND) {
    const nonce = await obtainNonce(client, first);
    const round = Array.from({ length: Math.min(ROUND, proofs - sent) }, (_, i) =>
      shown(prepare(holders[i % KEYS] ?? first, nonce === "undefined" ? {} : { nonce })),
    );
    for (const statuses of await connections.sendEach(round, () => times)) {
      const accepted = statuses.filter((status) => status === 200).length;
      counts.requests += statuses.length;
      counts.unavailable += statuses.filter((status) => status === 503).length;
      counts[accepted === 1 ? "once" : accepted === 0 ? "never" : "more"]++;
    }
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    const used = await gauge(envoy);
    console.log(
      `${String(seconds).padStart(5)} s  ${sent + round.length} proofs, ${counts.requests} requests: once ${counts.once}, never ${counts.never}, more ${counts.more}; 503 ${counts.unavailable}; used ${used}; ${residentMemory(envoy)} MiB`,
    );
  }
  // A 503 may be the upstream's: what the filter has refused, it has counted.
  const refused = await envoy.admin("/stats?filter=holdfast.(deny|close)&usedonly");
  console.log(`refused by the filter:\n${refused.trim()}`);
  return counts.more === 0 && !/replay|busy|full/.test(refused.replace(/^.*: 0$/gm, ""));
}

const teardown = new Teardown();
try {
  process.exitCode = (await run(teardown)) ? 0 : 1;
} finally {
  await teardown.run();
}
