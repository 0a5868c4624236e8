import { BufferType, HeaderMapType, Status } from "./abi.ts";
import type { Context } from "./context.ts";
import type { Guest } from "./guest.ts";
import type { HeaderMap } from "./header-map.ts";
import { HttpCall } from "./http-call.ts";
import type { DeliveredAnswer, HttpCallRequest } from "./http-call.ts";
import type { Plugin } from "./plugin.ts";
import type { PropertyResult } from "./properties/value.ts";
import type { Stream } from "./stream.ts";

const REQUIRED_CALL_HEADERS = [":method", ":path", ":authority"] as const;

/** One configuration of a plugin, running in a guest. Retired, it lives on until its last stream has ended. */
export class RootContext implements Context {
  readonly id: number;
  readonly guest: Guest;
  readonly plugin: Plugin;
  /** 0 is no ticks. */
  tickPeriodMilliseconds = 0;
  readonly root = this;
  readonly stream = undefined;

  readonly #httpCalls = new Map<number, HttpCall>();
  // Readable by the guest only while the callback runs that is about it.
  #configuration: Buffer | undefined;
  #answer: DeliveredAnswer | undefined;
  readonly #streams = new Set<Stream>();
  #retired = false;
  #awaitsDone = false;

  private constructor(id: number, guest: Guest, plugin: Plugin) {
    this.id = id;
    this.guest = guest;
    this.plugin = plugin;
  }

  /** Creates and configures a root context; undefined when the guest refused it or trapped. */
  static start(guest: Guest, plugin: Plugin, configuration: Buffer): RootContext | undefined {
    const root = guest.register((id) => new RootContext(id, guest, plugin));
    if (root.#create() && root.#startVm() && root.#configure(configuration)) return root;
    root.retire();
    return undefined;
  }

  /** Calls that the guest has started and nobody has answered yet. */
  get httpCalls(): readonly HttpCall[] {
    return [...this.#httpCalls.values()];
  }

  buffer(type: number): Buffer | undefined {
    if (type === BufferType.VmConfiguration) return this.guest.vmConfiguration;
    if (type === BufferType.PluginConfiguration) return this.#configuration;
    return type === BufferType.HttpCallResponseBody ? this.#answer?.body : undefined;
  }

  headerMap(type: number): HeaderMap | undefined {
    if (type === HeaderMapType.HttpCallResponseHeaders) return this.#answer?.headers;
    return type === HeaderMapType.HttpCallResponseTrailers ? this.#answer?.trailers : undefined;
  }

  readProperty(path: string): PropertyResult {
    switch (path) {
      case "plugin_name":
        return this.plugin.name;
      case "plugin_root_id":
        return this.plugin.rootId;
      case "plugin_vm_id":
        return this.guest.vmId;
      default:
        return this.guest.host.node.read(path);
    }
  }

  /** `proxy_done`: good only after on_done has asked to wait. */
  done(): Status {
    if (!this.#awaitsDone) return Status.NotFound;
    this.#awaitsDone = false;
    this.guest.defer(() => {
      this.#delete();
    });
    return Status.Ok;
  }

  tick(): void {
    this.guest.call(this, this.guest.callbacks.onTick, this.id);
    this.guest.afterCall();
  }

  /** The call, or undefined where Envoy refuses one at once: unknown cluster, missing header, negative timeout. */
  startHttpCall(request: HttpCallRequest): HttpCall | undefined {
    const complete = REQUIRED_CALL_HEADERS.every((name) => request.headers.first(name) !== undefined);
    if (request.timeoutMilliseconds < 0 || !this.guest.host.clusters.has(request.cluster) || !complete) {
      return undefined;
    }
    const call = new HttpCall(this.guest.nextCallToken(), request, (answered, answer) => {
      this.#deliver(answered, answer);
    });
    this.#httpCalls.set(call.token, call);
    return call;
  }

  streamStarted(stream: Stream): void {
    this.#streams.add(stream);
  }

  streamEnded(stream: Stream): void {
    this.#streams.delete(stream);
    this.#shutDownWhenUnused();
  }

  endStreams(): void {
    for (const stream of this.#streams) stream.end();
  }

  /** A newer configuration has taken over: shut down now, or after the last stream. */
  retire(): void {
    this.#retired = true;
    this.#shutDownWhenUnused();
  }

  #create(): boolean {
    this.guest.call(this, this.guest.callbacks.onContextCreate, this.id, 0);
    this.guest.afterCall();
    return !this.guest.failed;
  }

  // Envoy starts the VM once more for each root context.
  #startVm(): boolean {
    const { onVmStart } = this.guest.callbacks;
    const started = this.guest.call(this, onVmStart, this.id, this.guest.vmConfiguration.length);
    this.guest.afterCall();
    return !this.guest.failed && (onVmStart === undefined || started !== 0);
  }

  #configure(configuration: Buffer): boolean {
    const { onConfigure } = this.guest.callbacks;
    this.#configuration = configuration;
    const accepted = this.guest.call(this, onConfigure, this.id, configuration.length);
    this.#configuration = undefined;
    this.guest.afterCall();
    return !this.guest.failed && (onConfigure === undefined || accepted !== 0);
  }

  #deliver(call: HttpCall, answer: DeliveredAnswer | undefined): void {
    if (!this.#httpCalls.delete(call.token)) return;
    this.#answer = answer;
    const { callbacks } = this.guest;
    const { headers, body, trailers } = answer ?? {};
    const counts = [headers?.pairs.length, body?.length, trailers?.pairs.length] as const;
    this.guest.call(this, callbacks.onHttpCallResponse, this.id, call.token, ...counts);
    this.#answer = undefined;
    this.guest.afterCall();
  }

  #shutDownWhenUnused(): void {
    if (!this.#retired || this.#streams.size > 0) return;
    const { onDone } = this.guest.callbacks;
    this.#awaitsDone =
      onDone !== undefined && this.guest.call(this, onDone, this.id) === 0 && !this.guest.failed;
    this.guest.afterCall();
    if (!this.#awaitsDone) this.#delete();
  }

  #delete(): void {
    this.#httpCalls.clear();
    this.tickPeriodMilliseconds = 0;
    this.guest.call(this, this.guest.callbacks.onDelete, this.id);
    this.guest.afterCall();
    this.guest.unregister(this);
  }
}
