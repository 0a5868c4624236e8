import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import type { TestContext } from "node:test";
import { type Client, tlsOptions } from "./client.ts";

/** Connections at a time, each with one request at a time. */
const connections = 6;

/** How many requests got which answer: by status, or by the error where there was none. */
export type Tally = Readonly<Record<string, number>>;

/** Requests of one client, one after the other on several connections, until it is stopped. */
export class Load {
  readonly #client: Client;
  readonly #nextHeaders: () => readonly string[];
  readonly #agent: Agent;
  readonly #tally: Record<string, number> = {};
  readonly #loops: readonly Promise<void>[];
  #isStopped = false;
  #answered = 0;

  private constructor(client: Client, nextHeaders: () => readonly string[]) {
    this.#client = client;
    this.#nextHeaders = nextHeaders;
    this.#agent = new Agent({ ...tlsOptions(client), keepAlive: true, maxSockets: connections });
    this.#loops = Array.from({ length: connections }, () => this.#loop());
  }

  /**
   * Begins at once, and ends with the test at the latest.
   * @param nextHeaders the headers of each request: names and values in turn
   */
  static start(test: TestContext, client: Client, nextHeaders: () => readonly string[]): Load {
    const load = new Load(client, nextHeaders);
    test.after(() => load.stop());
    return load;
  }

  /** How many requests have been answered, well or not. */
  get answered(): number {
    return this.#answered;
  }

  /** Ends it after the requests that are under way. */
  async stop(): Promise<Tally> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
    this.#agent.destroy();
    return this.#tally;
  }

  async #loop(): Promise<void> {
    while (!this.#isStopped) {
      const outcome = await this.#ask().catch(String);
      this.#tally[outcome] = (this.#tally[outcome] ?? 0) + 1;
      this.#answered++;
    }
  }

  async #ask(): Promise<string> {
    const { port } = this.#client;
    const headers = ["host", "orders.example.org", ...this.#nextHeaders()];
    const sent = request({ host: "127.0.0.1", port, path: "/orders/1", headers, agent: this.#agent }).end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    response.resume();
    await once(response, "end");
    return String(response.statusCode);
  }
}
