import { HeaderMap } from "./header-map.ts";
import type { HeaderPair } from "./header-map.ts";

export interface HttpCallRequest {
  readonly cluster: string;
  readonly headers: HeaderMap;
  readonly body: Buffer;
  readonly trailers: HeaderMap;
  /** 0 is no timeout. */
  readonly timeoutMilliseconds: number;
}

/**
 * An answer to a call. Envoy gives some failures the same form: nobody listening is status 503, no headers in time 504,
 * with a short body of its own. For the others there is {@link HttpCall.fail}.
 */
export interface HttpCallAnswer {
  readonly status: number;
  readonly headers?: Iterable<HeaderPair>;
  readonly body?: string | Uint8Array;
  readonly trailers?: Iterable<HeaderPair>;
}

/** An answer in the form the guest reads it in. */
export interface DeliveredAnswer {
  readonly headers: HeaderMap;
  readonly body: Buffer;
  readonly trailers: HeaderMap;
}

/** A call that the guest has started and that waits for {@link respond} or {@link fail}. */
export class HttpCall {
  readonly token: number;
  readonly request: HttpCallRequest;
  readonly #deliver: (call: HttpCall, answer: DeliveredAnswer | undefined) => void;

  constructor(
    token: number,
    request: HttpCallRequest,
    deliver: (call: HttpCall, answer: DeliveredAnswer | undefined) => void,
  ) {
    this.token = token;
    this.request = request;
    this.#deliver = deliver;
  }

  /** Delivers the answer to the root context. A second answer, or one to a context that is gone, is dropped. */
  respond({ status, headers = [], body = "", trailers = [] }: HttpCallAnswer): void {
    this.#deliver(this, {
      headers: new HeaderMap([[":status", String(status)], ...headers]),
      body: Buffer.from(body as string),
      trailers: new HeaderMap(trailers),
    });
  }

  /** The upstream broke off, or ran into the timeout, after its headers: the guest gets no headers and no body. */
  fail(): void {
    this.#deliver(this, undefined);
  }
}
