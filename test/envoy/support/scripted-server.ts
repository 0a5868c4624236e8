import { randomInt } from "node:crypto";
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { text } from "node:stream/consumers";
import type { Teardown } from "../../../envoy/process/teardown.ts";

/** A request as the server got it. */
export interface SeenRequest {
  /** When it had come in whole, in milliseconds since the epoch. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What becomes of a request. */
export type Answer = (request: SeenRequest, response: ServerResponse) => void;

const FIRST_PORT = 15_000;
const LAST_PORT = 32_000;
const MAX_ATTEMPTS = 20;

/** An HTTP server on a free port of the loopback interface that does what the test says, and remembers who asked. */
export class ScriptedServer {
  readonly #seen: SeenRequest[] = [];
  readonly #server: Server;
  #answer: Answer;
  #port = 0;

  private constructor(answer: Answer) {
    this.#answer = answer;
    this.#server = createServer((request, response) => {
      // A client that leaves in the middle of its request has not asked anything.
      void this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(answer: Answer, teardown: Teardown): Promise<ScriptedServer> {
    const server = new ScriptedServer(answer);
    await server.#takePort();
    teardown.defer(() => server.goDown());
    return server;
  }

  /** Stays the same while the server is down. */
  get port(): number {
    return this.#port;
  }

  /** Every request so far, also those that were not answered. */
  get seen(): readonly SeenRequest[] {
    return this.#seen;
  }

  /** From the next request on. */
  answerWith(answer: Answer): void {
    this.#answer = answer;
  }

  /** Closes the port and every connection. */
  async goDown(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async comeUp(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** A free one below those that the system gives to clients: while the server is down, no connection may come to have it. */
  async #takePort(): Promise<void> {
    for (let attempt = 1; !this.#server.listening; attempt++) {
      this.#port = randomInt(FIRST_PORT, LAST_PORT);
      try {
        await this.comeUp();
      } catch (failure) {
        if (attempt === MAX_ATTEMPTS) throw failure;
      }
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { method = "", url: path = "", headers } = request;
    const seen = { at: Date.now(), method, path, headers, body };
    this.#seen.push(seen);
    this.#answer(seen, response);
  }
}
