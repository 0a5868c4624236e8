import { BufferType, HeadersStatus, HeaderMapType, Status } from "./abi.ts";
import type { GuestFunction } from "./callbacks.ts";
import type { Context } from "./context.ts";
import { HeaderMap } from "./header-map.ts";
import type { HeaderPair } from "./header-map.ts";
import type { LocalReply } from "./local-reply.ts";
import type { Metadata } from "./properties/metadata.ts";
import { StreamProperties } from "./properties/stream-properties.ts";
import type { StreamFacts } from "./properties/stream-properties.ts";
import type { PropertyResult } from "./properties/value.ts";
import type { RootContext } from "./root-context.ts";

/** A request as it reaches the filter. Header texts are latin1, one character per byte. */
export interface Request extends StreamFacts {
  /** Default `GET`. */
  readonly method?: string;
  /** Default `https`. */
  readonly scheme?: string;
  /** Default `localhost`. */
  readonly authority?: string;
  /** Path and query. Default `/`. */
  readonly path?: string;
  /** After the pseudo-headers, in this order, duplicates kept. */
  readonly headers?: Iterable<HeaderPair>;
  /** Default `HTTP/2`. */
  readonly protocol?: string;
  /** Whether the request ends with its headers. Default true. */
  readonly endOfStream?: boolean;
}

export interface Response {
  readonly status: number;
  readonly headers?: Iterable<HeaderPair>;
  /** Envoy's response code details. Default `via_upstream`; an answer of Envoy's own has others. */
  readonly details?: string;
}

/**
 * What became of the request: it went on to the upstream, waits for the filter, was answered by the filter, or
 * failed because the VM had trapped.
 */
export type Outcome = "continue" | "pause" | "replied" | "trapped";

const FAIL_STREAM: LocalReply = {
  status: 503,
  headers: [],
  body: Buffer.alloc(0),
  details: "wasm_fail_stream",
  grpcStatus: 14,
};

/** One HTTP stream through one plugin. */
export class Stream implements Context {
  readonly id: number;
  readonly root: RootContext;
  readonly stream = this;

  readonly #requestHeaders: HeaderMap;
  readonly #properties: StreamProperties;
  #responseHeaders: HeaderMap | undefined;
  // Envoy takes the map away from the filter as soon as the request goes on, and lends it once more to on_log.
  #requestHeadersHeld = false;
  #outcome: Outcome = "pause";
  #waited = false;
  #reply: LocalReply | undefined;
  #ended = false;
  #wasReset = false;

  private constructor(id: number, root: RootContext, request: Request) {
    this.id = id;
    const { host } = root.guest;
    this.root = root;
    this.#requestHeaders = new HeaderMap([
      [":authority", request.authority ?? "localhost"],
      [":path", request.path ?? "/"],
      [":method", request.method ?? "GET"],
      [":scheme", request.scheme ?? "https"],
      ...(request.headers ?? []),
    ]);
    this.#properties = new StreamProperties(
      request,
      { id: host.nextConnectionId(), peer: request.peer ?? {}, envoy: host.envoy },
      { headers: this.#requestHeaders, protocol: request.protocol ?? "HTTP/2", startTime: host.now() },
    );
  }

  /** Creates the stream and runs it through the filter's request headers. */
  static start(root: RootContext, request: Request): Stream {
    const stream = root.guest.register((id) => new Stream(id, root, request));
    root.streamStarted(stream);
    stream.#decodeHeaders(request.endOfStream ?? true);
    return stream;
  }

  get outcome(): Outcome {
    return this.#outcome;
  }

  /** What the client got from the filter, or from Envoy for a trapped one; undefined while there is no reply. */
  get reply(): LocalReply | undefined {
    return this.#reply;
  }

  /** The request's headers as the filter has left them, pseudo-headers included. */
  get requestHeaders(): readonly HeaderPair[] {
    return this.#requestHeaders.pairs;
  }

  /** The response's headers as the filter has left them; empty before {@link respond}. */
  get responseHeaders(): readonly HeaderPair[] {
    return this.#responseHeaders?.pairs ?? [];
  }

  /** A filter state object as text, for example `wasm.holdfast.verdict`. */
  filterState(name: string): string | undefined {
    return this.#properties.filterState(name);
  }

  /** All filter state objects by name. */
  get filterStates(): ReadonlyMap<string, Buffer> {
    return this.#properties.filterStates;
  }

  get metadata(): Metadata {
    return this.#properties.metadata;
  }

  /** The filter has reset the stream. */
  get wasReset(): boolean {
    return this.#wasReset;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The upstream has answered, or Envoy for it: runs the filter's response headers. */
  respond({ status, headers = [], details = "via_upstream" }: Response): void {
    const { guest } = this.root;
    const { onResponseHeaders } = guest.callbacks;
    this.#properties.response.code = status;
    this.#properties.response.details = details;
    this.#responseHeaders = new HeaderMap([[":status", String(status)], ...headers]);
    if (onResponseHeaders === undefined) return;
    guest.call(this, onResponseHeaders, this.id, this.#responseHeaders.pairs.length, 1);
    if (guest.failed) this.#answer(FAIL_STREAM, "trapped");
    guest.afterCall();
  }

  /**
   * Ends the stream before its answer is there whole. Envoy then says why in place of where the answer came from: a client
   * that resets an HTTP/2 stream leaves `http2.remote_reset`.
   */
  breakOff(details = "downstream_remote_disconnect"): void {
    if (!this.#ended) this.#properties.response.details = details;
    this.end();
  }

  /** Ends the stream as Envoy does: on_log, on_done, on_delete. A second call does nothing. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { guest } = this.root;
    const { onLog, onDone, onDelete } = guest.callbacks;
    const held = this.#requestHeadersHeld;
    this.#requestHeadersHeld = true;
    this.#finish(onLog);
    this.#requestHeadersHeld = held;
    this.#finish(onDone);
    this.#finish(onDelete);
    guest.unregister(this);
    this.root.streamEnded(this);
  }

  headerMap(type: number): HeaderMap | undefined {
    if (type === HeaderMapType.RequestHeaders) {
      return this.#requestHeadersHeld ? this.#requestHeaders : undefined;
    }
    return type === HeaderMapType.ResponseHeaders ? this.#responseHeaders : this.root.headerMap(type);
  }

  buffer(type: number): Buffer | undefined {
    return type === BufferType.PluginConfiguration ? undefined : this.root.buffer(type);
  }

  readProperty(path: string): PropertyResult {
    const own = this.root.readProperty(path);
    return own === Status.NotFound ? this.#properties.read(path) : own;
  }

  /** @param value is kept, not copied */
  writeProperty(name: string, value: Buffer): void {
    this.#properties.writeOwn(name, value);
  }

  sendLocalReply(reply: LocalReply): void {
    this.#defer(() => {
      this.#answer(reply, "replied");
    });
  }

  continueRequest(): void {
    this.#requestHeadersHeld = false;
    this.#defer(() => {
      if (this.#outcome === "pause") this.#outcome = "continue";
    });
  }

  reset(): void {
    this.root.guest.defer(() => {
      this.#wasReset = true;
      this.end();
    });
  }

  #decodeHeaders(endOfStream: boolean): void {
    const { guest } = this.root;
    const { onContextCreate, onRequestHeaders } = guest.callbacks;
    guest.call(this, onContextCreate, this.id, this.root.id);
    guest.afterCall();
    this.#requestHeadersHeld = true;
    const count = this.#requestHeaders.pairs.length;
    const status = guest.call(this, onRequestHeaders, this.id, count, endOfStream ? 1 : 0);
    const goesOn = this.#letsGoOn(status, !endOfStream) && !guest.iterationStopped;
    if (guest.failed) this.#answer(FAIL_STREAM, "trapped");
    else if (goesOn) this.#outcome = "continue";
    if (goesOn) this.#requestHeadersHeld = false;
    guest.afterCall();
    this.#waited = this.#outcome === "pause";
  }

  #letsGoOn(status: number, bodyFollows: boolean): boolean {
    if (status === HeadersStatus.Continue || status === HeadersStatus.ContinueAndEndStream) return true;
    // The plain stop holds the headers only: the body takes them along to the upstream. Without the plugin's
    // permission Envoy reads it as the stop of everything.
    const stopsHeadersOnly =
      status === HeadersStatus.StopIteration && this.root.plugin.allowOnHeadersStopIteration;
    return stopsHeadersOnly && bodyFollows;
  }

  #finish(callback: GuestFunction | undefined): void {
    if (callback === undefined) return;
    this.root.guest.call(this, callback, this.id);
    this.root.guest.afterCall();
  }

  /** What the guest asked for this stream is done after the callback; after a trap the stream fails instead. */
  #defer(action: () => void): void {
    const { guest } = this.root;
    guest.defer(() => {
      if (guest.failed) this.#answer(FAIL_STREAM, "trapped");
      else action();
    });
  }

  /**
   * The first reply is the one the client gets. It ends a stream that waited; one that was answered at once is left to
   * {@link end}, as if its client read slowly.
   */
  #answer(reply: LocalReply, outcome: Outcome): void {
    if (this.#reply !== undefined || this.#ended) return;
    this.#reply = reply;
    this.#outcome = outcome;
    if (outcome === "trapped") return;
    this.respond(reply);
    if (this.#waited) this.end();
  }
}
