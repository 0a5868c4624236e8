import type { Command } from "commander";
import { secretsFor } from "../acceptance.ts";
import { type DecisionRecord, isDecisionRecord, recordLogged } from "../decision-record.ts";
import { Failure } from "../failure.ts";
import { loadModule } from "../module.ts";
import { envoyOf, envoyOption, type ProxyChoice, wasmOption, workloadOption } from "../options.ts";
import { Proxy } from "../proxy.ts";
import { openFile, readFile } from "../read-file.ts";
import { readJson } from "../read-json.ts";
import { Reenactment } from "../reenactment.ts";
import { type RequestRecord, idOf, readRecord } from "../request-record.ts";
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
    .requiredOption("-p, --policy <file>", "the policy: the plugin configuration, JSON")
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
  const judge = new Judge(options);
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

function summary({ records, changed, unknown }: Judge): string {
  const undecided = unknown === 0 ? "" : `, ${unknown} say too little to be decided again`;
  return `${records} decision records: ${changed} are decided otherwise by this policy${undecided}; that tokens were rightly signed is assumed`;
}

/** Decides what each line says. */
class Judge {
  /** Lines that were no request and no record. */
  unread = 0;
  /** Lines that were decision records; of them, those that are decided otherwise now, and those that say too little. */
  records = 0;
  changed = 0;
  unknown = 0;
  readonly #policy: Buffer;
  readonly #start: (policy: Buffer) => Proxy;
  readonly #proxy: Proxy;
  #reenactment: { readonly of: Reenactment; readonly proxy: Proxy } | undefined;

  constructor({ policy, servers, workload, envoy, wasm }: Options) {
    const module = loadModule(wasm);
    this.#policy = readFile(policy);
    const options = {
      envoy: envoyOf(envoy),
      environment: secretsFor(this.#policy.toString("utf8")),
      now: Date.now() / 1000,
      servers: new Servers(servers === undefined ? {} : readJson(servers)),
      ...(workload !== undefined && { workload }),
    };
    this.#start = (text) => new Proxy(module, text, options);
    this.#proxy = this.#start(this.#policy);
  }

  answer(line: string): object {
    let id: string | number | null = null;
    try {
      const value = readLine(line);
      id = idOf(value);
      return isDecisionRecord(value)
        ? this.#decideAgain(id, value)
        : decide(this.#proxy, id, readRecord(value));
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
      this.unread++;
      return { id, error: failure.message };
    }
  }

  #decideAgain(id: string | number | null, record: DecisionRecord): object {
    this.records++;
    this.#reenactment ??= this.#reenact();
    const { verdict, reason, rule = null, mode } = record;
    const recorded = { verdict, reason };
    const request = this.#reenactment.of.requestOf(record);
    if (request === undefined) {
      this.unknown++;
      return { id, verdict: plainVerdict(verdict), reason, rule, mode, recorded, assumed: ["verdict"] };
    }
    const answer = decide(this.#reenactment.proxy, id, request);
    if (answer.verdict !== plainVerdict(verdict)) this.changed++;
    return { ...answer, recorded, assumed: record.claims === undefined ? [] : ["signature"] };
  }

  #reenact(): { readonly of: Reenactment; readonly proxy: Proxy } {
    const reenactment = new Reenactment(this.#policy);
    return { of: reenactment, proxy: this.#start(reenactment.policy) };
  }
}

/** As the verdict of one request is given, which is neither observed nor followed. */
function plainVerdict(verdict: string): string {
  return verdict === "would-deny" || verdict === "close" ? "deny" : verdict;
}

function readLine(line: string): unknown {
  try {
    const logged = line.startsWith("{") ? undefined : recordLogged(line);
    return logged ?? JSON.parse(line);
  } catch {
    throw new Failure("no JSON: expected one request or decision record a line");
  }
}

function decide(proxy: Proxy, id: string | number | null, request: RequestRecord) {
  const began = process.hrtime.bigint();
  const { verdict, reason, status, rule, mode, headers, bindings } = proxy.decide(request);
  const us = Math.round(Number(process.hrtime.bigint() - began) / 100) / 10;
  return { id, verdict, reason, status, rule, mode, headers, bindings, us };
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
