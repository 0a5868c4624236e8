import type { Command } from "commander";
import { NOTES, type ReasonNote } from "../../docs/reference/reason-notes.ts";
import { colors } from "../colors.ts";
import { Failure } from "../failure.ts";
import { describeToken } from "../describe-token.ts";
import { loadModule } from "../module.ts";
import { type Outcome, Proxy } from "../proxy.ts";
import { readFile } from "../read-file.ts";
import { readJson } from "../read-json.ts";
import { readRecord, type RequestRecord } from "../request-record.ts";
import { Servers } from "../servers.ts";

interface Options {
  readonly policy: string;
  readonly request?: string;
  readonly method?: string;
  readonly path?: string;
  readonly authority?: string;
  readonly header: readonly string[];
  readonly peer?: string;
  readonly certSha256?: string;
  readonly now?: string;
  readonly json?: boolean;
  readonly servers?: string;
  readonly wasm?: string;
}

/** One line of what is shown: what was looked at, and what was found. */
interface Step {
  readonly name: string;
  readonly found: string;
  /** Undefined for what is neither good nor bad. */
  readonly holds?: boolean;
}

const collect = (value: string, earlier: readonly string[]) => [...earlier, value];

export function addExplain(program: Command): void {
  program
    .command("explain")
    .summary("tell step by step what becomes of one request")
    .description(
      "Puts one request to the filter and tells what it looked at, what it found, and what that means. Tokens are masked.",
    )
    .requiredOption("-p, --policy <file>", "the policy: the plugin configuration, JSON")
    .option("-r, --request <file>", "the request as JSON, as for replay; - for standard input")
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
    .option("--wasm <file>", "another build of the filter")
    .addHelpText(
      "after",
      '\nExamples:\n  holdfast explain -p policy.json --path /orders --peer spiffe://cluster.local/ns/shop/sa/web -H "authorization: Bearer $TOKEN"\n  holdfast explain -p policy.json -r request.json --json',
    )
    .action(explain);
}

function explain(options: Options): void {
  const request = requestOf(options);
  const servers = new Servers(options.servers === undefined ? {} : readJson(options.servers));
  const now = request.now ?? Date.now() / 1000;
  const proxy = new Proxy(loadModule(options.wasm), readFile(options.policy), { now, servers });
  const outcome = proxy.decide(request);
  const steps = stepsOf(request, outcome, now);
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
  const { method, path, authority, header, peer, certSha256, now } = options;
  if (options.request !== undefined) return readRecord(readJson(options.request));
  if (path === undefined)
    throw new Failure("expected a request: --path and what belongs to it, or --request with a file");
  return readRecord({
    path,
    ...(method !== undefined && { method }),
    ...(authority !== undefined && { authority }),
    ...(now !== undefined && { now: Number(now) }),
    headers: header.map(pairOf),
    ...(peer !== undefined && {
      peer: { mtls: true, uriSan: peer, ...(certSha256 !== undefined && { certSha256 }) },
    }),
  });
}

function pairOf(header: string): [string, string] {
  const colon = header.indexOf(":", 1);
  if (colon < 0)
    throw new Failure(`--header ${JSON.stringify(header)}: expected a name, a colon and a value`);
  return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()];
}

function stepsOf(
  request: RequestRecord,
  { verdict, reason, rule, bindings, record }: Outcome,
  now: number,
): Step[] {
  const isAllowed = verdict === "allow";
  const presenter = record.presenter ?? record.unvalidatedPresenter;
  const vouched = record.presenter === undefined ? " (nobody has validated its certificate)" : "";
  return [
    { name: "request", found: `${request.method ?? "GET"} ${request.path ?? "/"}` },
    { name: "rule", found: rule ?? "none takes it", ...(rule === null && { holds: false }) },
    { name: "credential", found: describeToken(request.headers ?? [], now) },
    ...(record.issuer === undefined ? [] : [{ name: "issuer", found: record.issuer }]),
    {
      name: "presenter",
      found: presenter === undefined ? peerOf(request) : `${presenter}${vouched}`,
    },
    ...(record.border === undefined ? [] : [{ name: "border", found: record.border }]),
    ...bindings.map(({ method, held, reason: why }) => ({
      name: `binding ${method}`,
      found: held ? "holds" : `does not hold: ${why ?? ""}`,
      holds: held,
    })),
    { name: "verdict", found: `${verdict}: ${reason}`, holds: isAllowed },
  ];
}

function peerOf({ peer }: RequestRecord): string {
  if (peer?.uriSan !== undefined) return `${peer.uriSan} (was not looked at)`;
  return peer?.mtls === true ? "a certificate without a SPIFFE ID" : "nobody: no client certificate";
}

function asText(steps: readonly Step[], outcome: Outcome, note: ReasonNote | undefined): string {
  const width = Math.max(...steps.map(({ name }) => name.length));
  const lines = steps.map(({ name, found, holds }) => {
    const mark = holds === undefined ? " " : holds ? colors.green("+") : colors.red("x");
    return `${mark} ${name.padEnd(width)}  ${found}\n`;
  });
  const { mode, status } = outcome;
  lines.push(
    `\nThe client gets ${mode === "observe" ? "what the upstream answers: the rule only observes" : status}.\n`,
  );
  if (note !== undefined) lines.push(`${note.means}\n`);
  if (note !== undefined && note.next !== "") lines.push(`${colors.dim(`Next: ${note.next}`)}\n`);
  return lines.join("");
}
