import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { performance } from "node:perf_hooks";
import { Host, Vm } from "../cli/host/index.ts";
import { Teardown } from "../envoy/process/teardown.ts";
import type { Json } from "../test/filter/support/json.ts";
import type { Column } from "./column.ts";
import { readResidentMemory } from "./cpu-time.ts";
import { BUSY, type Setting } from "./group.ts";
import { manyRules } from "./groups/policies.ts";
import { holdfastAlone, policy } from "./holdfast.ts";
import { Stage } from "./stage.ts";
import { quantile } from "./statistics.ts";
import { newTokens } from "./traffic.ts";

/** One figure that does not come from the cost of requests. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly value: number;
  readonly unit: "ms" | "MB" | "KB";
}

const wasm = fileURLToPath(new URL("../build/holdfast.wasm", import.meta.url));
/** Workers of the Envoy whose memory is compared with that of one worker. */
const MANY = 9;
const REPEATS = 5;
const RULES = 1_000;

/** Memory, start and size of holdfast. */
export async function measureVm(
  setting: Setting,
  binary: string,
  report: (line: string) => void,
): Promise<Figure[]> {
  const repeats = setting.isQuick ? 1 : REPEATS;
  const small = policy(setting.world);
  const large = policy(setting.world, { rules: manyRules(RULES, "pathPrefix") });
  report("vm: starts Envoys, to see how long VMs take");
  const [one, thousand] = [
    await startTimes(setting, binary, small, repeats),
    await startTimes(setting, binary, large, repeats),
  ];
  report("vm: starts Envoys, to see how much memory VMs take");
  const memory = await memoryOfWorker(setting, binary);
  return [
    { id: "wasm", title: "size of holdfast.wasm", value: readFileSync(wasm).length / 1024, unit: "KB" },
    {
      id: "memory",
      title: "resident memory of each worker's VM, its token cache full",
      value: memory,
      unit: "MB",
    },
    {
      id: "load",
      title: "first VM of an Envoy, with the compilation of the module",
      value: one.first,
      unit: "ms",
    },
    { id: "start", title: "VM of a worker, with a policy of 1 rule", value: one.worker, unit: "ms" },
    {
      id: "rules",
      title: "VM of a worker, with a policy of 1,000 rules",
      value: thousand.worker,
      unit: "ms",
    },
    {
      id: "node",
      title: "reading a policy of 1,000 rules in Node's V8",
      value: readTime(large, repeats),
      unit: "ms",
    },
  ];
}

/** Milliseconds from Envoy's log, medians. */
interface StartTimes {
  /** From when Envoy begins to read its listeners until the policy is in force in its first VM. */
  readonly first: number;
  /** From when its workers start until the policy is in force in the VM of the one worker. */
  readonly worker: number;
}

async function startTimes(
  setting: Setting,
  binary: string,
  rules: Json,
  repeats: number,
): Promise<StartTimes> {
  const [first, worker]: [number[], number[]] = [[], []];
  for (let i = 0; i < repeats; i++) {
    const column = columnWith(setting, [holdfastAlone("start", rules)], 1);
    await onStage(setting, binary, column, async (stage) => {
      const log = (await stage.server(column).log()).split("\n");
      const inForce = log.filter((line) => line.includes("policy in force")).map(timeOf);
      first.push((inForce[0] ?? Number.NaN) - timeOf(log.find((line) => / loading \d+ listener/.test(line))));
      worker.push(
        (inForce.at(-1) ?? Number.NaN) - timeOf(log.find((line) => line.includes("starting workers"))),
      );
    });
  }
  return { first: quantile(first, 0.5), worker: quantile(worker, 0.5) };
}

/** When a line of Envoy's log was written, in milliseconds. */
function timeOf(line = ""): number {
  const [, time = ""] = /^\[([^\]]+)\]/.exec(line) ?? [];
  return Date.parse(`${time.replace(" ", "T")}Z`);
}

/** MB that a worker needs more with holdfast than without. */
async function memoryOfWorker(setting: Setting, binary: string): Promise<number> {
  const filters = [holdfastAlone("memory", policy(setting.world))];
  const resident = async (workers: number, withFilter: boolean) => {
    const column = columnWith(setting, withFilter ? filters : [], workers);
    // More tokens for each worker than its cache holds.
    const requests = setting.isQuick ? 200 : workers * 2_000;
    return onStage(setting, binary, column, async (stage) => {
      await stage.measure(column, requests, { streams: BUSY });
      return readResidentMemory(stage.server(column).pid ?? 0);
    });
  };
  const more = async (withFilter: boolean) =>
    (await resident(MANY, withFilter)) - (await resident(1, withFilter));
  return ((await more(true)) - (await more(false))) / (MANY - 1) / 1e6;
}

function columnWith({ world }: Setting, filters: Column["filters"], workers: number): Column {
  return { id: "vm", title: "vm", filters, traffic: newTokens(world), trials: [], workers };
}

async function onStage<T>(
  setting: Setting,
  binary: string,
  column: Column,
  act: (stage: Stage) => Promise<T>,
): Promise<T> {
  const teardown = new Teardown();
  setting.teardown.defer(() => teardown.run());
  try {
    return await act(await Stage.start(binary, setting.world, [column], teardown));
  } finally {
    await teardown.run();
  }
}

/** Milliseconds that the filter takes to read a policy, in a VM that runs already. Median. */
function readTime(rules: Json, repeats: number): number {
  const vm = Vm.start(new Host(), new WebAssembly.Module(readFileSync(wasm)));
  const configuration = JSON.stringify(rules);
  const times = Array.from({ length: repeats }, () => {
    const before = performance.now();
    vm.configure({ configuration });
    return performance.now() - before;
  });
  return quantile(times, 0.5);
}
