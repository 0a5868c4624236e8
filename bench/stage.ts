import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EnvoyProcess } from "../envoy/process/envoy-process.ts";
import { makeRunFolder } from "../envoy/process/run-folder.ts";
import { Teardown } from "../envoy/process/teardown.ts";
import type { Config } from "../test/envoy/support/config.ts";
import { type Answer, get } from "../test/envoy/support/client.ts";
import type { Column, Headers, Presenter } from "./column.ts";
import { readCpuTime } from "./cpu-time.ts";
import { clientConfig, PATH } from "./envoy/client.ts";
import { serverConfig } from "./envoy/server.ts";
import { type LoadResult, runH2load } from "./load/h2load.ts";
import type { World } from "./world.ts";

/** How one run of load ended. */
export interface Measurement extends LoadResult {
  /** Microseconds of the server's CPU time for each request. */
  readonly cpu: number;
}

/** How requests are sent. */
export interface LoadOptions {
  /** Requests that are under way at one time. */
  readonly streams: number;
  /** Requests a second. Absent: as many as it can. */
  readonly rate?: number;
  /** A file that gets a line for each request. */
  readonly log?: string;
}

/** The Envoys of a group of columns: servers by their number of workers, and one client in front of all of them. */
export class Stage {
  readonly #world: World;
  readonly #folder: string;
  readonly #servers: ReadonlyMap<number, EnvoyProcess>;
  readonly #client: EnvoyProcess;

  private constructor(
    world: World,
    folder: string,
    servers: ReadonlyMap<number, EnvoyProcess>,
    client: EnvoyProcess,
  ) {
    this.#world = world;
    this.#folder = folder;
    this.#servers = servers;
    this.#client = client;
  }

  /** @param binary an Envoy */
  static async start(
    binary: string,
    world: World,
    columns: readonly Column[],
    teardown: Teardown,
  ): Promise<Stage> {
    const folder = await makeRunFolder(teardown);
    const start = async (name: string, config: Config, workers: number) => {
      const configFile = join(folder, `${name}.json`);
      await writeFile(configFile, JSON.stringify(config));
      return EnvoyProcess.start({ binary, configFile, folder, name, workers }, teardown);
    };
    const servers = new Map<number, EnvoyProcess>();
    for (const workers of new Set(columns.map(workersOf))) {
      const served = columns.filter((column) => workersOf(column) === workers);
      servers.set(workers, await start(`server-${workers}`, serverConfig(world, served), workers));
    }
    const port = (column: Column) => serverOf(servers, column).port(column.id);
    return new Stage(world, folder, servers, await start("client", clientConfig(world, columns, port), 1));
  }

  /** The Envoy that is measured for a column. */
  server(column: Column): EnvoyProcess {
    return serverOf(this.#servers, column);
  }

  /** Sends one request to a column over a connection of its own. */
  ask(column: Column, presenter: Presenter, headers: Headers): Promise<Answer> {
    const port = this.server(column).port(column.id);
    const client = { port, credential: this.#world.workloads[presenter], bundle: this.#world.bundle };
    return get(client, PATH, Object.entries(headers).flat());
  }

  /**
   * Sends so many requests of a column and gives what they cost its server.
   * @throws ExplainedError when one of them was not answered with the column's status.
   */
  async measure(column: Column, requests: number, options: LoadOptions): Promise<Measurement> {
    const port = this.#client.port(column.id);
    const { headers } = column.traffic;
    const urls = await this.#writeUrls(column, port, requests);
    const run = { port, requests, ...(headers && { headers }), ...(urls && { urls }), ...options };
    const before = this.#cpuTime(column);
    const result = await runH2load(run, column.status ?? 200);
    return { ...result, cpu: (this.#cpuTime(column) - before) / 1_000 / requests };
  }

  #cpuTime(column: Column): number {
    const { pid } = this.server(column);
    if (pid === undefined) throw new Error("Envoy has no process ID");
    return readCpuTime(pid) + (column.helper === undefined ? 0 : readCpuTime(column.helper));
  }

  async #writeUrls(column: Column, port: number, requests: number): Promise<string | undefined> {
    const { mint, presenter } = column.traffic;
    if (mint === undefined) return undefined;
    const file = join(this.#folder, "urls.txt");
    const minted = await mint(requests, (headers) => this.ask(column, presenter, headers));
    const urls = minted.map(({ token, proof }) =>
      [`http://127.0.0.1:${port}`, token, ...(proof === undefined ? [] : [proof])].join("/"),
    );
    await writeFile(file, urls.join("\n"));
    return file;
  }
}

function workersOf({ workers }: Column): number {
  return workers ?? 1;
}

function serverOf(servers: ReadonlyMap<number, EnvoyProcess>, column: Column): EnvoyProcess {
  const server = servers.get(workersOf(column));
  if (server === undefined) throw new Error(`no server has the column "${column.id}"`);
  return server;
}
