import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import type { TokenIssuer } from "../../../envoy/identity/token-issuer.ts";
import type { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";
import { type IssuerKey, makeKey } from "../../filter/support/keys.ts";
import { proof, thumbprintOf } from "../../filter/support/proofs.ts";
import { type Client, get, tlsOptions } from "./client.ts";
import { webClaims } from "./world.ts";

const authority = "orders.example.org";
const path = "/orders/1";

/** Where tests send requests, as a policy names it and as proofs do. */
export const origin = `https://${authority}`;
/** The same with the path that they ask for. */
export const target = `${origin}${path}`;

/** Streams of one connection at one time: below every limit that a server may have. */
const streamsAtOnce = 50;

/** Somebody who has a key, and a token that is bound to it. */
export interface KeyHolder {
  readonly key: IssuerKey;
  readonly token: string;
}

export async function makeKeyHolder(issuer: TokenIssuer): Promise<KeyHolder> {
  const key = makeKey("ES256");
  return { key, token: await issuer.sign(webClaims({ cnf: { jkt: thumbprintOf(key) } })) };
}

/** A request as its holder means it: with a proof of its own. */
export interface ProvenRequest {
  readonly token: string;
  readonly proof: string;
}

/** @param claims of the proof, beside those that it has to have */
export function prepare({ key, token }: KeyHolder, claims: object = {}): ProvenRequest {
  const iat = Math.floor(Date.now() / 1000);
  return { token, proof: proof(token, { key, claims: { htu: target, iat, ...claims } }) };
}

/** The headers that carry it: names and values in turn. */
export function shown({ token, proof }: ProvenRequest): readonly string[] {
  return ["authorization", `DPoP ${token}`, "dpop", proof];
}

/** A nonce, as a client learns of it: by a request that is refused for lack of one. */
export async function obtainNonce(client: Client, holder: KeyHolder): Promise<string> {
  const { headers } = await get(client, path, shown(prepare(holder)));
  return String(headers["dpop-nonce"]);
}

/** Every worker has had a connection. */
export async function assertAllWorked(envoy: EnvoyProcess, workers: number): Promise<void> {
  const page = await envoy.admin("/stats?filter=worker_\\d.downstream_cx_total");
  const busy = [...page.matchAll(/(worker_\d)\.downstream_cx_total: [1-9]/g)].map(([, worker]) => worker);
  assert.equal(new Set(busy).size, workers, page);
}

/** A number of connections that requests are spread over, to reach all workers of an Envoy. */
export class Connections {
  readonly #sessions: readonly ClientHttp2Session[];
  #next = 0;

  private constructor(sessions: readonly ClientHttp2Session[]) {
    this.#sessions = sessions;
  }

  static async open(client: Client, count: number): Promise<Connections> {
    const sessions = Array.from({ length: count }, () =>
      connect(`https://127.0.0.1:${client.port}`, { ...tlsOptions(client) }),
    );
    await Promise.all(sessions.map((session) => once(session, "remoteSettings")));
    return new Connections(sessions);
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }

  /**
   * Sends each request so many times at once, each time over another connection, and gives the statuses that it got; 0 for no answer.
   * @param requests the headers of each: names and values in turn
   * @param times of the request with this index
   */
  async sendEach(
    requests: readonly (readonly string[])[],
    times: (index: number) => number,
  ): Promise<readonly (readonly number[])[]> {
    const statuses = requests.map((): number[] => []);
    let next = 0;
    const takeTurns = async () => {
      for (let index = next++; index < requests.length; index = next++) {
        const request = requests[index] ?? [];
        const copies = Array.from({ length: times(index) }, () => this.#send(request));
        statuses[index] = await Promise.all(copies);
      }
    };
    await Promise.all(Array.from({ length: streamsAtOnce }, takeTurns));
    return statuses;
  }

  async #send(headers: readonly string[]): Promise<number> {
    const session = this.#sessions[this.#next++ % this.#sessions.length] as ClientHttp2Session;
    const named = Object.fromEntries(
      headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : [])),
    ) as Record<string, string>;
    const stream = session.request({ ":path": path, ":authority": authority, ...named });
    let status = 0;
    stream.on("response", (answer) => (status = answer[":status"] ?? 0));
    stream.resume();
    await once(stream, "close");
    return status;
  }
}
