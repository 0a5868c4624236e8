import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";

/** A request to an Envoy on the loopback interface, over plain HTTP/1.1. */
export interface PlainRequest {
  readonly port: number;
  readonly path: string;
  /** Names and values in turn, sent as they are: a name may stand twice, which `fetch` would not allow. */
  readonly headers: readonly string[];
}

/** Sends a request and gives the status of the answer. */
export async function sendRequest({ port, path, headers }: PlainRequest): Promise<number> {
  // `agent: false` gives each request a connection of its own, so that nothing has to be closed afterwards.
  const sent = request({ host: "127.0.0.1", port, path, headers: [...headers], agent: false }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return response.statusCode ?? 0;
}
