import type { Command } from "commander";
import { secretsFor } from "../acceptance.ts";
import { Failure } from "../failure.ts";
import { loadModule } from "../module.ts";
import { envoyOf, envoyOption, type ProxyChoice, wasmOption } from "../options.ts";
import { Proxy } from "../proxy.ts";
import { openFile, readFile } from "../read-file.ts";
import { readJson } from "../read-json.ts";
import { idOf, readRecord } from "../request-record.ts";
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
    .description("Reads one request a line (docs/request-record.md) and writes one verdict a line, in order.")
    .argument("[requests]", "file with one JSON request a line; - for standard input", "-")
    .requiredOption("-p, --policy <file>", "the policy: the plugin configuration, JSON")
    .option("--servers <file>", "what HTTP calls are answered with: JSON, by cluster and path")
    .addOption(envoyOption())
    .addOption(wasmOption())
    .addHelpText(
      "after",
      "\nExamples:\n  holdfast replay -p policy.json requests.ndjson\n  jq -c . < requests.json | holdfast replay -p policy.json",
    )
    .action(replay);
}

async function replay(requests: string, options: Options): Promise<void> {
  const servers = new Servers(options.servers === undefined ? {} : readJson(options.servers));
  const now = Date.now() / 1000;
  const policy = readFile(options.policy);
  const proxy = new Proxy(loadModule(options.wasm), policy, {
    now,
    servers,
    envoy: envoyOf(options.envoy),
    environment: secretsFor(policy.toString("utf8")),
  });
  const out = new Output();
  const progress = new Progress();
  let unread = 0;
  for await (const lines of linesOf(requests)) {
    for (const line of lines) {
      if (line.trim() === "") continue;
      const answer = decide(proxy, line);
      if ("error" in answer) unread++;
      out.write(`${JSON.stringify(answer)}\n`);
      progress.count();
    }
    await out.flush();
  }
  progress.end();
  if (unread > 0)
    throw new Failure(
      `${unread} ${unread === 1 ? "line" : "lines"} could not be read: see "error" in the output`,
    );
}

function decide(proxy: Proxy, line: string): object {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { id: null, error: "no JSON: expected one request a line" };
  }
  const id = idOf(value);
  try {
    const request = readRecord(value);
    const began = process.hrtime.bigint();
    const { verdict, reason, status, rule, mode, headers, bindings } = proxy.decide(request);
    const us = Number(process.hrtime.bigint() - began) / 1000;
    return { id, verdict, reason, status, rule, mode, headers, bindings, us: Math.round(us * 10) / 10 };
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    return { id, error: failure.message };
  }
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
