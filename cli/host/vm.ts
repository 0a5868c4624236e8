import { LoadError } from "./errors.ts";
import { Guest } from "./guest.ts";
import type { GuestConfiguration } from "./guest.ts";
import type { Host } from "./host.ts";
import type { HttpCall } from "./http-call.ts";
import { Plugin } from "./plugin.ts";
import type { PluginOptions } from "./plugin.ts";

/** What happens to requests after a trap: a new VM serves the next one, or all get 503 from then on. */
export type FailurePolicy = "FAIL_RELOAD" | "FAIL_CLOSED";

export interface VmOptions {
  /** VMs of one host with the same id share their shared data. Default empty, as in Istio. */
  readonly vmId?: string;
  /** Handed to the guest as it is; text as UTF-8. Default empty. */
  readonly configuration?: string | Uint8Array;
  /** Default `FAIL_RELOAD`. */
  readonly failurePolicy?: FailurePolicy;
  /** What the guest reads through WASI: Envoy's `vm_config.environment_variables`. Default empty. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A VM of one worker thread. Behind it stands one running guest at a time, replaced after a trap. */
export class Vm {
  readonly host: Host;
  readonly #module: WebAssembly.Module;
  readonly #configuration: GuestConfiguration;
  readonly #failurePolicy: FailurePolicy;
  #guest: Guest;

  private constructor(host: Host, module: WebAssembly.Module, options: VmOptions) {
    this.host = host;
    this.#module = module;
    this.#failurePolicy = options.failurePolicy ?? "FAIL_RELOAD";
    this.#configuration = {
      vmId: options.vmId ?? "",
      configuration: Buffer.from((options.configuration ?? "") as string),
      environment: Object.entries(options.environment ?? {}).map(([name, value]) =>
        Buffer.from(`${name}=${value}\0`),
      ),
    };
    this.#guest = new Guest(host, module, this.#configuration);
  }

  /** @throws LoadError when Envoy would refuse the module, or the module traps at its start. */
  static start(host: Host, module: WebAssembly.Module, options: VmOptions = {}): Vm {
    const vm = new Vm(host, module, options);
    if (!vm.failed) return vm;
    const reason = host.logs.at(-1)?.message ?? "";
    throw new LoadError(
      `the module failed at its start: ${reason}; expected _initialize or _start to return`,
    );
  }

  /** The guest that runs now has trapped. */
  get failed(): boolean {
    return this.#guest.failed;
  }

  /** Size of the running guest's memory in pages of 64 KiB. */
  get memoryPages(): number {
    return this.#guest.memory.pages;
  }

  /** Adds a plugin to this VM and offers it its first configuration; see {@link Plugin.accepted}. */
  configure(options: PluginOptions = {}): Plugin {
    const plugin = new Plugin(this, options);
    plugin.configure(options.configuration ?? "");
    return plugin;
  }

  /** Calls that wait for an answer, those of retired root contexts included. */
  get httpCalls(): readonly HttpCall[] {
    return this.#guest.rootContexts().flatMap(({ httpCalls }) => httpCalls);
  }

  /** One round of the timers: on_tick in each root context that has a tick period, retired ones included. */
  tick(): void {
    for (const root of this.#guest.rootContexts()) if (root.tickPeriodMilliseconds > 0) root.tick();
  }

  /** The running guest; a new one in place of one that trapped, if the failure policy says so. */
  liveGuest(): Guest {
    if (this.#guest.failed && this.#failurePolicy === "FAIL_RELOAD") {
      this.#guest = new Guest(this.host, this.#module, this.#configuration);
    }
    return this.#guest;
  }
}
