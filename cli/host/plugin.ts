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
}

/** One filter of a listener: a root context in a VM, with the configuration that the guest accepted last. */
export class Plugin {
  /** Tells this plugin's log lines apart from others'. */
  readonly id: number;
  readonly name: string;
  readonly rootId: string;
  readonly #vm: Vm;
  #root: RootContext | undefined;
  #configuration = Buffer.alloc(0);
  #accepted = false;

  constructor(vm: Vm, { rootId = "", name = "" }: PluginOptions) {
    this.#vm = vm;
    this.id = vm.host.nextPluginId();
    this.rootId = rootId;
    this.name = name;
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
   * there and the old root context goes with its last stream; if not, all stays as it was.
   *
   * @returns whether the guest accepted it
   */
  configure(configuration: string | Uint8Array): boolean {
    const bytes = Buffer.from(configuration as string);
    const root = RootContext.start(this.#vm.liveGuest(), this, bytes);
    this.#accepted = root !== undefined;
    if (root === undefined) return false;
    const old = this.#root;
    this.#root = root;
    this.#configuration = bytes;
    old?.retire();
    return true;
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

  #reload(): void {
    const guest = this.#vm.liveGuest();
    if (guest.failed) return;
    this.#root = RootContext.start(guest, this, this.#configuration) ?? this.#root;
  }
}
