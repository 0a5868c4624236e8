import { ExplainedError } from "../../envoy/process/explained-error.ts";
import { runCommand } from "../../envoy/process/run-command.ts";

/** One run of h2load. */
export interface LoadRun {
  readonly port: number;
  readonly requests: number;
  /** Requests that are under way at one time, on the one connection. */
  readonly streams: number;
  /** Of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A file with one URL for each request; absent: all of them ask for the same. */
  readonly urls?: string;
  /** Requests a second. Absent: as many as it can. */
  readonly rate?: number;
  /** Gets a line for each request: when it began, status, microseconds that it took. */
  readonly log?: string;
}

/** What came of a run. */
export interface LoadResult {
  /** Requests a second. */
  readonly throughput: number;
}

/**
 * Finds h2load.
 * @returns its version
 * @throws ExplainedError with the way to install it.
 */
export async function findH2load(): Promise<string> {
  const { output } = await runCommand("h2load", ["--version"]).catch(() => ({ output: "" }));
  const [, version] = /nghttp2\/([\d.]+)/.exec(output) ?? [];
  if (version !== undefined) return version;
  throw new ExplainedError(
    "h2load is not on PATH, and the benchmark sends its requests with it. Install it: apt-get install nghttp2-client (Debian, Ubuntu), dnf install nghttp2 (Fedora), brew install nghttp2 (macOS).",
  );
}

/**
 * Sends requests over one HTTP/2 connection without TLS.
 * @param status what every one of them has to be answered with
 * @throws ExplainedError when one was not answered so.
 */
export async function runH2load(run: LoadRun, status: number): Promise<LoadResult> {
  const { port, requests, streams, headers = {}, urls, rate, log } = run;
  const { code, output } = await runCommand("h2load", [
    ...["-n", `${requests}`, "-c", "1", "-m", `${streams}`],
    ...Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
    ...(rate === undefined ? [] : ["--rps", `${rate}`]),
    ...(log === undefined ? [] : ["--log-file", log]),
    ...(urls === undefined ? [`http://127.0.0.1:${port}/orders/1`] : ["-i", urls]),
  ]);
  const [, throughput] = /finished in [^,]+, ([\d.]+) req\/s/.exec(output) ?? [];
  const answered = Number(new RegExp(`(\\d+) ${Math.floor(status / 100)}xx`).exec(output)?.[1]);
  if (code === 0 && throughput !== undefined && answered === requests)
    return { throughput: Number(throughput) };
  const said = output
    .split("\n")
    .filter((line) => /^(requests|status codes|finished)/.test(line))
    .join("\n");
  throw new ExplainedError(
    `h2load: of ${requests} requests every one was to be answered ${status}, and that is not what came:\n${said || output.slice(-500)}`,
  );
}

/** Microseconds that each request took, from a log of `runH2load`. */
export function readTimes(log: string): number[] {
  return log
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Number(line.split("\t")[2]));
}
