import type { HttpCall } from "./http-call.ts";
import type { LogLine } from "./log.ts";
import { RootContext } from "./root-context.ts";
import { Stream } from "./stream.ts";
import type { Request } from "./stream.ts";
import type { Vm } from "./vm.ts";

export interface PluginOptions {
  /** Envoy's `root_id`. Default empty. */
  readonly rootId?: string;
  /** Default empty. */
  readonly name?: string;
  /** Handed to the guest as it is; text as UTF-8. Default empty. */
  readonly configuration?: string | Uint8Array;
  /** Envoy's switch of that name: a plain StopIteration then holds headers back only until the body comes. */
  readonly allowOnHeadersStopIteration?: boolean;
}

/** One filter of a listener: a root context in a VM, with the configuration that the guest accepted last. */
export class Plugin {
  /** Tells this plugin's log lines apart from others'. */
  readonly id: number;
  readonly name: string;
  readonly rootId: string;
  readonly allowOnHeadersStopIteration: boolean;
  readonly #vm: Vm;
  #root: RootContext | undefined;
  #configuration = Buffer.alloc(0);
  #accepted = false;
  readonly #draining: RootContext[] = [];

  constructor(vm: Vm, options: PluginOptions) {
    this.#vm = vm;
    this.id = vm.host.nextPluginId();
    this.rootId = options.rootId ?? "";
    this.name = options.name ?? "";
    this.allowOnHeadersStopIteration = options.allowOnHeadersStopIteration ?? false;
  }

  /** Whether the guest accepted the configuration offered last. */
  get accepted(): boolean {
    return this.#accepted;
  }

  /** What the guest logged in this plugin's contexts. */
  get logs(): readonly LogLine[] {
    return this.#vm.host.logs.filter(({ plugin }) => plugin === this.id);
  }

  /** Calls of the running configuration that wait for an answer. */
  get httpCalls(): readonly HttpCall[] {
    return this.#root?.httpCalls ?? [];
  }

  /** 0 is no ticks. */
  get tickPeriodMilliseconds(): number {
    return this.#root?.tickPeriodMilliseconds ?? 0;
  }

  /**
   * Offers a new configuration, in a new root context of the same VM. If the guest accepts it, new requests go
   * there and the old root context goes with its last stream, as when Envoy discovers the filter's configuration by
   * itself (ECDS); if not, all stays as it was.
   *
   * @returns whether the guest accepted it
   */
  configure(configuration: string | Uint8Array): boolean {
    const old = this.#root;
    if (!this.#replaceRoot(configuration)) return false;
    old?.retire();
    return true;
  }

  /**
   * Like {@link configure}, as when Envoy gets a new listener: the old root context lives, ticks and has its calls
   * answered until {@link endDrain}, also without streams.
   *
   * @returns whether the guest accepted it
   */
  configureListener(configuration: string | Uint8Array): boolean {
    const old = this.#root;
    if (!this.#replaceRoot(configuration)) return false;
    if (old !== undefined) this.#draining.push(old);
    return true;
  }

  /** The drain time is over: what is left of the old listeners ends, first their streams. */
  endDrain(): void {
    for (const root of this.#draining.splice(0)) {
      root.endStreams();
      root.retire();
    }
  }

  /**
   * Sends a request through the filter.
   *
   * @throws Error when the guest has never accepted a configuration: Envoy would not have the listener.
   */
  request(request: Request): Stream {
    if (this.#root === undefined) {
      const reason = this.logs.at(-1)?.message ?? "it logged nothing";
      throw new Error(
        `the guest refused this plugin's configuration (${reason}); see plugin.logs and correct it`,
      );
    }
    if (this.#root.guest.failed) this.#reload();
    return Stream.start(this.#root, request);
  }

  #replaceRoot(configuration: string | Uint8Array): boolean {
    const bytes = Buffer.from(configuration as string);
    const root = RootContext.start(this.#vm.liveGuest(), this, bytes);
    this.#accepted = root !== undefined;
    if (root === undefined) return false;
    this.#root = root;
    this.#configuration = bytes;
    return true;
  }

  #reload(): void {
    const guest = this.#vm.liveGuest();
    if (guest.failed) return;
    this.#root = RootContext.start(guest, this, this.#configuration) ?? this.#root;
  }
}
