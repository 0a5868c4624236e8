import type { Command } from "commander";
import { NOTES, type ReasonNote } from "../../docs/reference/reason-notes.ts";
import { secretsFor } from "../acceptance.ts";
import { colors } from "../colors.ts";
import { readCurl } from "../curl.ts";
import { explainSteps } from "../explanation/explain.ts";
import type { Policy, Step } from "../explanation/scene.ts";
import { Failure } from "../failure.ts";
import { loadModule } from "../module.ts";
import {
  addExamples,
  collect,
  envoyOf,
  envoyOption,
  type ProxyChoice,
  wasmOption,
  workloadOption,
} from "../options.ts";
import { type Outcome, Proxy } from "../proxy.ts";
import { PolicyFile } from "../policy-file.ts";
import { readJson } from "../read-json.ts";
import { readRecord, type RequestRecord } from "../request-record.ts";
import { Servers } from "../servers.ts";

interface Options extends ProxyChoice {
  readonly policy: string;
  readonly request?: string;
  readonly curl?: string;
  readonly method?: string;
  readonly path?: string;
  readonly authority?: string;
  readonly header: readonly string[];
  readonly peer?: string;
  readonly certSha256?: string;
  readonly now?: string;
  readonly json?: boolean;
  readonly servers?: string;
}

/** Just after a start nobody knows which proofs are spent, so the proxy is older than its request by more than proofs are good. */
const UPTIME_SECONDS = 3600;

export function addExplain(program: Command): void {
  const command = program
    .command("explain")
    .summary("tell step by step what becomes of one request")
    .description(
      "Puts one request to the filter and tells what it looked at, what was expected, what it found, and what that means. Tokens are masked.",
    )
    .requiredOption("-p, --policy <file>", "the policy, or the one manifest that holds it")
    .option("-r, --request <file>", "the request as JSON, as for replay; - for standard input")
    .option("--curl <line>", "the request as a curl line")
    .option("-X, --method <method>", "its method")
    .option("--path <path>", "its path")
    .option("--authority <host>", "the host that it is for")
    .option(
      "-H, --header <header>",
      'a header, as curl takes it: "authorization: Bearer ..."; again for more',
      collect,
      [],
    )
    .option("--peer <spiffe-id>", "the SPIFFE ID of the mTLS peer; without it the connection is plaintext")
    .option("--cert-sha256 <hex>", "SHA-256 of the peer's certificate")
    .option("--now <seconds>", "the time, in seconds since 1970")
    .option("--json", "as JSON")
    .option("--servers <file>", "what HTTP calls are answered with: JSON, by cluster and path")
    .addOption(workloadOption())
    .addOption(envoyOption())
    .addOption(wasmOption())
    .action(explain);
  addExamples(
    command,
    'holdfast explain -p policy.json --path /orders --peer spiffe://cluster.local/ns/shop/sa/web -H "authorization: Bearer $TOKEN"',
    "holdfast explain -p policy.json --peer spiffe://cluster.local/ns/shop/sa/web --curl \"curl -H 'authorization: Bearer $TOKEN' https://orders.example/orders\"",
    "holdfast explain -p policy.json -r request.json --json",
  );
}

async function explain(options: Options): Promise<void> {
  const request = requestOf(options);
  const servers = new Servers(options.servers === undefined ? {} : readJson(options.servers));
  const now = request.now ?? Date.now() / 1000;
  const envoy = envoyOf(options.envoy);
  const file = new PolicyFile(options.policy);
  const { text } = file;
  const environment = secretsFor(text.toString("utf8"));
  const module = loadModule(options.wasm);
  const seat = {
    ...{ now: now - UPTIME_SECONDS, servers, envoy, environment },
    ...(options.workload !== undefined && { workload: options.workload }),
  };
  const proxy = file.started(() => new Proxy(module, text, seat));
  const outcome = proxy.decide({ ...request, now });
  const policy = JSON.parse(text.toString("utf8")) as Policy;
  const steps = await explainSteps({ policy, request, outcome, now, envoy });
  const note = (NOTES as Readonly<Record<string, ReasonNote>>)[outcome.reason];
  if (options.json === true) {
    const { verdict, reason, status, rule, mode, bindings } = outcome;
    process.stdout.write(
      `${JSON.stringify({ verdict, reason, status, rule, mode, bindings, steps, ...note }, null, 2)}\n`,
    );
  } else {
    process.stdout.write(asText(steps, outcome, note));
  }
}

function requestOf(options: Options): RequestRecord {
  const given = (["request", "curl", "path"] as const).filter((name) => options[name] !== undefined);
  if (given.length !== 1) {
    const found = given.length === 0 ? "" : `; found ${given.map((name) => `--${name}`).join(" and ")}`;
    throw new Failure(
      `expected one request: --path and what belongs to it, or --request with a file, or --curl with a line${found}`,
    );
  }
  const { request, curl, method, path, authority, header, now } = options;
  if (request !== undefined) {
    refuseBesideRecord(options);
    return readRecord(readJson(request));
  }
  const time = { ...(now !== undefined && { now: Number(now) }) };
  if (curl !== undefined) return readRecord({ ...curlRecord(curl, options), ...time, ...peerOf(options) });
  return readRecord({
    path,
    ...(method !== undefined && { method }),
    ...(authority !== undefined && { authority }),
    ...time,
    headers: header.map(pairOf),
    ...peerOf(options),
  });
}

/** What a record says itself would be dropped without a word. */
function refuseBesideRecord({ method, authority, header, peer, certSha256, now }: Options): void {
  const others = {
    ...{ "--method": method, "--authority": authority, "--header": header[0] },
    ...{ "--peer": peer, "--cert-sha256": certSha256, "--now": now },
  };
  for (const [name, value] of Object.entries(others))
    if (value !== undefined)
      throw new Failure(`${name} does not go with --request: put it into the record (docs/command.md)`);
}

function curlRecord(line: string, { peer, method, authority, header }: Options): RequestRecord {
  if (method !== undefined || authority !== undefined || header.length > 0)
    throw new Failure(
      "--curl: the line says it all; expected no --method, --authority or --header beside it",
    );
  const { record, certificate } = readCurl(line);
  if (certificate !== undefined && peer === undefined)
    throw new Failure("--curl: whose certificate it is cannot be seen here; say it with --peer");
  return record;
}

function peerOf({ peer, certSha256 }: Options): Pick<RequestRecord, "peer"> {
  if (peer === undefined && certSha256 !== undefined)
    throw new Failure("--cert-sha256: whose certificate it is, is not said; expected --peer beside it");
  if (peer === undefined) return {};
  return { peer: { mtls: true, uriSan: peer, ...(certSha256 !== undefined && { certSha256 }) } };
}

/** What is wrong may be a token that stands alone, so it is not shown. */
function pairOf(header: string, index: number): [string, string] {
  const colon = header.indexOf(":", 1);
  if (colon < 0) throw new Failure(`--header, number ${index + 1}: expected a name, a colon and a value`);
  return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()];
}

function asText(steps: readonly Step[], outcome: Outcome, note: ReasonNote | undefined): string {
  const width = Math.max(...steps.map((step) => labelOf(step).length));
  const { mode, status } = outcome;
  const lines = [
    ...steps.flatMap((step) => linesOf(step, width)),
    "",
    `The client gets ${mode === "observe" ? "what the upstream answers: the rule only observes" : status}.`,
  ];
  if (note !== undefined) lines.push(note.means);
  if (note !== undefined && note.next !== "") lines.push(colors.dim(`Next: ${note.next}`));
  return lines.map((line) => `${line}\n`).join("");
}

function linesOf(step: Step, width: number): readonly string[] {
  const { says, expected, found, holds } = step;
  const mark = holds === undefined ? " " : holds ? colors.green("+") : colors.red("x");
  const first = `${mark} ${labelOf(step).padEnd(width)}  `;
  const indent = " ".repeat(width + 4);
  // What holds is told in full of bindings only: they are what the question is about.
  const isPlain = expected === undefined || (holds === true && step.step !== "binding");
  if (isPlain) return [first + plain(found === undefined ? says : `${says}: ${found}`)];
  return [
    first + plain(says),
    `${indent}expected  ${plain(expected)}`,
    ...(found === undefined ? [] : [`${indent}found     ${plain(found)}`]),
  ];
}

function labelOf({ step, name }: Step): string {
  return name === undefined ? step : `${step} ${name}`;
}

/** Whoever made the request has made much of this, and control characters would speak to the terminal. */
function plain(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ""}}`,
  );
}
