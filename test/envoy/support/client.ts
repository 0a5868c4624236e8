import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { connect as connectHttp2, type IncomingHttpHeaders as Http2Headers } from "node:http2";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { connect, type ConnectionOptions, type SecureVersion, type TLSSocket } from "node:tls";
import type { Credential } from "../../../envoy/identity/authority.ts";

/** A client of one TLS listener. */
export interface Client {
  readonly port: number;
  readonly credential: Credential;
  /** What the server's certificate is validated against. */
  readonly bundle: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a GET over HTTP/1.1 on a new connection. `headers` are names and values in turn; a name may stand twice. */
export async function get(client: Client, path: string, headers: readonly string[]): Promise<Answer> {
  return getOver(await connectTls(client), path, headers);
}

/** Sends a POST over HTTP/1.1 on a new connection. */
export async function post(
  client: Client,
  path: string,
  headers: readonly string[],
  body: string,
): Promise<Answer> {
  return sendOver(await connectTls(client), "POST", path, headers, body);
}

/** Sends a GET over an open connection, which is closed afterwards. */
export function getOver(socket: TLSSocket, path: string, headers: readonly string[]): Promise<Answer> {
  return sendOver(socket, "GET", path, headers);
}

async function sendOver(
  socket: TLSSocket,
  method: string,
  path: string,
  headers: readonly string[],
  body?: string,
): Promise<Answer> {
  const sent = request({
    method,
    path,
    headers: ["host", "orders.example.org", "connection", "close", ...headers],
    createConnection: () => socket,
  }).end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

/** Opens a TLS connection with the client's certificate. */
export async function connectTls(client: Client, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ ...tlsOptions(client), ...options });
  await once(socket, "secureConnect");
  return socket;
}

/** A TLS session that a later connection can resume. */
export async function obtainSession(client: Client, protocol: SecureVersion): Promise<Buffer> {
  const socket = connect({ ...tlsOptions(client), maxVersion: protocol });
  const issued = once(socket, "session", { signal: AbortSignal.timeout(5_000) });
  await once(socket, "secureConnect");
  // Envoy sends TLS 1.3 tickets only with its first answer.
  await getOver(socket, "/", []);
  const [session] = (await issued) as [Buffer];
  return session;
}

/** Sends a gRPC call over HTTP/2, and gives the headers of the answer. */
export async function callGrpc(
  client: Client,
  headers: Record<string, string | string[]>,
): Promise<Http2Headers> {
  const session = connectHttp2(`https://127.0.0.1:${client.port}`, { ...tlsOptions(client) });
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": "/orders.Orders/Get",
      ":authority": "orders.example.org",
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.end();
    const [answer] = (await once(stream, "response")) as [Http2Headers];
    stream.resume();
    await once(stream, "close");
    return answer;
  } finally {
    session.destroy();
  }
}

/**
 * Sends GETs at the same time over one HTTP/2 connection, and gives the status of each; 0 for one that was not answered.
 * @param tokens one for each request
 */
export async function getTogether(
  client: Client,
  tokens: readonly string[],
  signal?: AbortSignal,
): Promise<number[]> {
  const session = connectHttp2(`https://127.0.0.1:${client.port}`, { ...tlsOptions(client) });
  signal?.addEventListener("abort", () => {
    session.destroy();
  });
  try {
    await once(session, "remoteSettings");
    const statuses = tokens.map(async (token) => {
      const stream = session.request({
        ":path": "/orders/1",
        ":authority": "orders.example.org",
        authorization: `Bearer ${token}`,
      });
      let status = 0;
      stream.on("response", (headers) => (status = headers[":status"] ?? 0));
      stream.resume();
      await once(stream, "close");
      return status;
    });
    return await Promise.all(statuses);
  } finally {
    session.destroy();
  }
}

/** How to reach the listener over TLS. */
export function tlsOptions({ port, credential, bundle }: Client): ConnectionOptions {
  return {
    host: "127.0.0.1",
    port,
    cert: credential.certificate,
    key: credential.privateKey,
    ca: bundle,
    // The server's name is a SPIFFE ID, which Node does not know how to compare.
    checkServerIdentity: () => undefined,
  };
}
