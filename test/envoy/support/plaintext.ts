import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { text } from "node:stream/consumers";
import type { Answer } from "./client.ts";
import type { Headers } from "./exchange.ts";

export interface PlaintextRequest {
  readonly headers: Headers;
  /** The host that it is for: orders.example.org when absent. */
  readonly host?: string;
  /** The request's target as it is written: /orders/1 when absent. */
  readonly path?: string;
}

/** Sends a GET over HTTP/1.1 without TLS, on a new connection. A header's name may stand twice. */
export async function getPlaintext(
  port: number,
  { headers, host = "orders.example.org", path = "/orders/1" }: PlaintextRequest,
): Promise<Answer> {
  const sent = request({
    host: "127.0.0.1",
    port,
    path,
    headers: ["host", host, "connection", "close", ...headers],
  }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

/** Sends a GET over HTTP/2 without TLS, on a new connection. */
export async function getPlaintextHttp2(
  port: number,
  headers: OutgoingHttpHeaders,
): Promise<Pick<Answer, "status" | "body">> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({ ":path": "/orders/1", ...headers });
    stream.end();
    const [response] = (await once(stream, "response")) as [IncomingHttpHeaders];
    return { status: Number(response[":status"]), body: await text(stream) };
  } finally {
    session.destroy();
  }
}
