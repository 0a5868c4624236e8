import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";

/** The port that envoy/config/server.yaml sends requests to. */
export const upstreamPort = 9000;

/** The service behind the server's Envoy: answers every request with what reached it, and never with a token. */
export function createEchoServer(): Server {
  return createServer((request, response) => {
    const body = JSON.stringify({ method: request.method, path: request.url, headers: showHeaders(request) });
    response.writeHead(200, { "content-type": "application/json" });
    response.end(`${body}\n`);
    request.resume();
  });
}

function showHeaders(request: IncomingMessage): [name: string, value: string][] {
  const shown: [string, string][] = [];
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const name = (request.rawHeaders[at] ?? "").toLowerCase();
    const value = request.rawHeaders[at + 1] ?? "";
    shown.push([name, name === "authorization" ? hideToken(value) : value]);
  }
  return shown;
}

/** The token's fingerprint, the same as in holdfast's log: the first 8 bytes of its SHA-256. */
function hideToken(authorization: string): string {
  const token = authorization.replace(/^Bearer +/i, "");
  return `sha256:${createHash("sha256").update(token).digest("hex").slice(0, 16)}`;
}
