import type { Command } from "commander";
import { secretsFor } from "../acceptance.ts";
import { Failure } from "../failure.ts";
import { Judge } from "../judge.ts";
import { loadModule } from "../module.ts";
import { envoyOf, envoyOption, type ProxyChoice, wasmOption, workloadOption } from "../options.ts";
import { PolicyFile } from "../policy-file.ts";
import { openFile } from "../read-file.ts";
import { readJson } from "../read-json.ts";
import { Servers } from "../servers.ts";

interface Options extends ProxyChoice {
  readonly policy: string;
  readonly servers?: string;
}

const PROGRESS_MS = 1000;
const PIECE_BYTES = 256 * 1024;

export function addReplay(program: Command): void {
  program
    .command("replay")
    .summary("decide requests, one JSON line each")
    .description(
      "Reads one request or one decision record a line (docs/command.md) and writes one verdict a line, in order.",
    )
    .argument(
      "[requests]",
      "file with one JSON request a line, or Envoy's log of decisions; - for standard input",
      "-",
    )
    .requiredOption("-p, --policy <file>", "the policy, or the one manifest that holds it")
    .option("--servers <file>", "what HTTP calls are answered with: JSON, by cluster and path")
    .addOption(workloadOption())
    .addOption(envoyOption())
    .addOption(wasmOption())
    .addHelpText(
      "after",
      "\nExamples:\n  holdfast replay -p policy.json requests.ndjson\n  jq -c . < requests.json | holdfast replay -p policy.json\n  kubectl logs deploy/orders -c istio-proxy | grep 'holdfast {' | holdfast replay -p next-policy.json",
    )
    .action(replay);
}

async function replay(requests: string, options: Options): Promise<void> {
  const judge = judgeFor(options);
  const out = new Output();
  const progress = new Progress();
  for await (const lines of linesOf(requests)) {
    for (const line of lines) {
      if (line.trim() === "") continue;
      out.write(`${JSON.stringify(judge.answer(line))}\n`);
      progress.count();
    }
    await out.flush();
  }
  progress.end();
  if (judge.records > 0) process.stderr.write(`${summary(judge)}\n`);
  if (judge.unread > 0)
    throw new Failure(
      `${judge.unread} ${judge.unread === 1 ? "line" : "lines"} could not be read: see "error" in the output`,
    );
}

function judgeFor({ policy: file, servers, workload, envoy, wasm }: Options): Judge {
  const module = loadModule(wasm);
  const policy = new PolicyFile(file);
  const proxyOptions = {
    envoy: envoyOf(envoy),
    environment: secretsFor(policy.text.toString("utf8")),
    now: Date.now() / 1000,
    servers: new Servers(servers === undefined ? {} : readJson(servers)),
    ...(workload !== undefined && { workload }),
  };
  return policy.started(() => new Judge(module, policy.text, proxyOptions));
}

function summary({ records, changed, unknown }: Judge): string {
  const undecided = unknown === 0 ? "" : `, ${unknown} say too little to be decided again`;
  return `${records} decision records: ${changed} are decided otherwise by this policy${undecided}; that tokens were rightly signed is assumed`;
}

/** The lines of a file, as many at a time as have been read. */
async function* linesOf(path: string): AsyncGenerator<readonly string[]> {
  const file = path === "-" ? undefined : await openFile(path);
  const input = file?.createReadStream({ highWaterMark: PIECE_BYTES }) ?? process.stdin;
  let rest = "";
  for await (const piece of input.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    yield lines;
  }
  yield [rest];
}

/** Standard output in large pieces. */
class Output {
  #pieces: string[] = [];

  write(text: string): void {
    this.#pieces.push(text);
  }

  async flush(): Promise<void> {
    const text = this.#pieces.join("");
    this.#pieces = [];
    if (text !== "" && !process.stdout.write(text))
      await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
}

/** How far a long run is, for whoever looks at a terminal. */
class Progress {
  #count = 0;
  #shownAt = Date.now();
  #isShown = false;

  count(): void {
    this.#count++;
    if ((this.#count & 1023) !== 0 || !process.stderr.isTTY) return;
    if (Date.now() - this.#shownAt < PROGRESS_MS) return;
    this.#shownAt = Date.now();
    this.#isShown = true;
    process.stderr.write(`\r${this.#count} requests`);
  }

  end(): void {
    if (this.#isShown) process.stderr.write(`\r${this.#count} requests\n`);
  }
}
