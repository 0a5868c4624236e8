import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "./scripted-server.ts";

/** Answers with a document and status 200; `headers` may replace the content type. */
export function send(document: unknown, headers: OutgoingHttpHeaders = {}): Answer {
  return sendBody(JSON.stringify(document), headers);
}

/** Answers with a body as it stands, and status 200. */
export function sendBody(body: string | Buffer, headers: OutgoingHttpHeaders = {}): Answer {
  return (_, response) => {
    response.writeHead(200, { "content-type": "application/json", ...headers }).end(body);
  };
}

/** Answers with a status, and no more than `headers`. */
export function sendStatus(status: number, headers: OutgoingHttpHeaders = {}): Answer {
  return (_, response) => {
    response.writeHead(status, headers).end();
  };
}

/** Answers with a document and its tag; with 304 to whoever has that tag already. */
export function sendTagged(document: unknown, tag: string): Answer {
  return (request, response) => {
    if (request.headers["if-none-match"] === tag) sendStatus(304, { etag: tag })(request, response);
    else send(document, { etag: tag })(request, response);
  };
}

/** Takes the request and never answers. */
export const hang: Answer = () => undefined;

/** Closes the connection instead of answering. */
export const hangUp: Answer = (_, response) => void response.destroy();

/** Sends the headers at once and the body in equal pieces, `pauseMs` apart, each after such a pause. */
export function trickle(body: string, pieces: number, pauseMs: number): Answer {
  return (_, response) => void sendPieces(response, body, pieces, pauseMs);
}

async function sendPieces(
  response: ServerResponse,
  body: string,
  pieces: number,
  pauseMs: number,
): Promise<void> {
  response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
  const size = Math.ceil(body.length / pieces);
  for (let at = 0; at < body.length && !response.destroyed; at += size) {
    await sleep(pauseMs);
    response.write(body.slice(at, at + size));
  }
  response.end();
}

/** Answers later. */
export function delay(ms: number, answer: Answer): Answer {
  return (request, response) => {
    setTimeout(() => {
      answer(request, response);
    }, ms);
  };
}

/** An answer that is withheld until it is released, and from then on given at once. */
export interface HeldAnswer {
  readonly answer: Answer;
  readonly release: () => void;
}

export function hold(answer: Answer): HeldAnswer {
  let waiting: (() => void)[] | undefined = [];
  return {
    answer: (request, response) => {
      const give = () => {
        answer(request, response);
      };
      if (waiting === undefined) give();
      else waiting.push(give);
    },
    release: () => {
      const held = waiting ?? [];
      waiting = undefined;
      for (const give of held) give();
    },
  };
}
