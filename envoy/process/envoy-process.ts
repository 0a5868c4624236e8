import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endWithThisProcess } from "./end-with-this-process.ts";
import { ExplainedError } from "./explained-error.ts";
import type { Teardown } from "./teardown.ts";

const readyDeadlineMs = 30_000;
const stopDeadlineMs = 5_000;
const pollMs = 50;

/** What to start: every port in the configuration is 0, so that Envoy takes free ones. */
export interface EnvoyStart {
  readonly binary: string;
  /** The bootstrap, with an admin address. */
  readonly configFile: string;
  /** Where `<name>.log`, `<name>.access.log` and the admin address are written. */
  readonly folder: string;
  readonly name: string;
  /** Worker threads. Default 1. */
  readonly workers?: number;
}

/** Envoy ended before it was ready. */
export class EnvoyExited extends ExplainedError {
  override readonly name = "EnvoyExited";
  readonly #log: string;

  constructor(name: string, log: string) {
    const complaints = log.split("\n").filter((line) => /\[(error|critical)\]/.test(line));
    super(
      `Envoy "${name}" ended before it was ready:\n${lastLines(complaints.length > 0 ? complaints.join("\n") : log)}`,
    );
    this.#log = log;
  }

  /** All that Envoy said. */
  get log(): string {
    return this.#log;
  }
}

/** A running Envoy, ended by its process id. */
export class EnvoyProcess {
  readonly #child: ChildProcess;
  readonly #start: EnvoyStart;
  #adminOrigin = "";
  #ports: ReadonlyMap<string, number> = new Map();

  private constructor(child: ChildProcess, start: EnvoyStart) {
    this.#child = child;
    this.#start = start;
  }

  /**
   * Starts Envoy and waits until it is ready.
   * @throws EnvoyExited when it ends first; ExplainedError when it is not ready within 30 seconds.
   */
  static async start(start: EnvoyStart, teardown: Teardown): Promise<EnvoyProcess> {
    const envoy = new EnvoyProcess(await spawnEnvoy(start), start);
    teardown.defer(() => envoy.stop());
    await envoy.#becomeReady();
    return envoy;
  }

  /** For what the system says of it, such as its memory. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get adminOrigin(): string {
    return this.#adminOrigin;
  }

  /** The port that a listener took. */
  port(listener: string): number {
    const port = this.#ports.get(listener);
    if (port === undefined) throw new Error(`${this.#start.name} has no listener "${listener}"`);
    return port;
  }

  /** The body of one of the admin pages, for example "/stats?filter=wasm". */
  async admin(path: string): Promise<string> {
    const response = await fetch(this.#adminOrigin + path);
    return response.text();
  }

  /** The value of a counter or gauge; 0 when it was never touched. */
  async stat(name: string): Promise<number> {
    const page = await this.admin(`/stats?filter=^${name.replaceAll(".", "\\.")}$`);
    return Number(/: (\d+)/.exec(page)?.[1] ?? 0);
  }

  /** Everything Envoy has logged. */
  log(): Promise<string> {
    return readFile(logFile(this.#start), "utf8");
  }

  /** Every access log line so far; they are flushed within 50 ms. */
  async accessLog(): Promise<string[]> {
    const text = await readFile(accessLogFile(this.#start), "utf8");
    // The last line may be half written.
    const lines = text.split("\n").slice(0, -1);
    return lines.filter((line) => line !== "");
  }

  /** Ends Envoy: SIGTERM, and SIGKILL after 5 seconds. */
  async stop(): Promise<void> {
    if (this.#hasEnded()) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const patience = setTimeout(() => this.#child.kill("SIGKILL"), stopDeadlineMs);
    await ended;
    clearTimeout(patience);
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #becomeReady(): Promise<void> {
    const deadline = Date.now() + readyDeadlineMs;
    while (!(await this.#isReady())) {
      if (this.#hasEnded()) throw new EnvoyExited(this.#start.name, await this.log());
      if (Date.now() > deadline) {
        throw new ExplainedError(
          `Envoy "${this.#start.name}" was not ready within ${readyDeadlineMs / 1000} s; its log ends:\n${lastLines(await this.log())}`,
        );
      }
      await sleep(pollMs);
    }
    this.#ports = await this.#readPorts();
  }

  async #isReady(): Promise<boolean> {
    const address = await readFile(adminAddressFile(this.#start), "utf8").catch(() => "");
    if (address === "") return false;
    this.#adminOrigin = `http://${address}`;
    return fetch(`${this.#adminOrigin}/ready`).then(
      (response) => response.ok,
      () => false,
    );
  }

  async #readPorts(): Promise<Map<string, number>> {
    const page = JSON.parse(await this.admin("/listeners?format=json")) as ListenersPage;
    return new Map(
      page.listener_statuses.map(({ name, local_address }) => [
        name,
        local_address.socket_address.port_value,
      ]),
    );
  }
}

/** The part of Envoy's /listeners?format=json that is read here. */
interface ListenersPage {
  readonly listener_statuses: readonly {
    readonly name: string;
    readonly local_address: { readonly socket_address: { readonly port_value: number } };
  }[];
}

async function spawnEnvoy(start: EnvoyStart): Promise<ChildProcess> {
  const log = await open(logFile(start), "w");
  const accessLog = await open(accessLogFile(start), "w");
  const args = ["--config-path", start.configFile, "--admin-address-path", adminAddressFile(start)].concat(
    // Without hot restart, several Envoys of one user do not compete for a shared memory region.
    ["--disable-hot-restart", "--concurrency", `${start.workers ?? 1}`, "--file-flush-interval-msec", "50"],
  );
  try {
    const child = spawn(start.binary, args, { stdio: ["ignore", accessLog.fd, log.fd] });
    endWithThisProcess(child);
    await once(child, "spawn");
    return child;
  } catch (failure) {
    throw new ExplainedError(`cannot start ${start.binary}: ${String(failure)}`);
  } finally {
    await log.close();
    await accessLog.close();
  }
}

function logFile(start: EnvoyStart): string {
  return join(start.folder, `${start.name}.log`);
}

function accessLogFile(start: EnvoyStart): string {
  return join(start.folder, `${start.name}.access.log`);
}

function adminAddressFile(start: EnvoyStart): string {
  return join(start.folder, `${start.name}.admin`);
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-10).join("\n");
}
