import { Status } from "./abi.ts";
import { Callbacks, exportedFunction } from "./callbacks.ts";
import type { GuestFunction } from "./callbacks.ts";
import { VM_CONTEXT } from "./context.ts";
import type { Context } from "./context.ts";
import { GuestTrap, LoadError } from "./errors.ts";
import { GuestMemory } from "./guest-memory.ts";
import type { Host } from "./host.ts";
import { importObject } from "./imports/import-object.ts";
import { MetricIds } from "./metric-ids.ts";
import type { RootContext } from "./root-context.ts";

export interface GuestConfiguration {
  readonly vmId: string;
  readonly configuration: Buffer;
  /** `NAME=value`, each with its final NUL. */
  readonly environment: readonly Buffer[];
}

/**
 * How deep callbacks may stand in one another before the guest's stack is full. Envoy ends a stream inside the end of
 * the one before when one callback has answered both; it was seen to trap between 266 and 310 (docs/host.md).
 */
const MAX_NESTING = 256;

// Envoy keeps the kind of a call in the lowest two bits.
const CALL_TOKEN_STEP = 4;

/**
 * One running instance of a module: its memory, its contexts, and the way in and out. After the first trap it is
 * failed for good: nothing is called in it any more.
 */
export class Guest {
  readonly host: Host;
  readonly vmId: string;
  readonly vmConfiguration: Buffer;
  readonly environment: readonly Buffer[];
  readonly memory = new GuestMemory();
  readonly metrics: MetricIds;
  /** True while `_initialize` or `_start` runs, when Envoy lets only logging and WASI through. */
  starting = false;

  readonly callbacks: Callbacks;
  readonly #allocate: GuestFunction;
  readonly #contexts = new Map<number, Context>([[VM_CONTEXT.id, VM_CONTEXT]]);
  readonly #deferred: (() => void)[] = [];
  #lastContextId = 0;
  #lastCallToken = 0;
  #nesting = 0;
  #current = VM_CONTEXT;
  #effectiveId = 0;
  #stopped = false;
  #failed = false;

  /** @throws LoadError when the module is not a proxy-wasm 0.2.1 module or wants what Envoy does not offer. */
  constructor(
    host: Host,
    module: WebAssembly.Module,
    { vmId, configuration, environment }: GuestConfiguration,
  ) {
    this.host = host;
    this.vmId = vmId;
    this.vmConfiguration = configuration;
    this.environment = environment;
    this.metrics = new MetricIds(host.stats);
    requireAbiVersion(module);
    const { exports } = new WebAssembly.Instance(module, importObject(this, module));
    this.memory.attach(requireMemory(exports));
    this.#allocate = requireAllocator(exports);
    this.callbacks = new Callbacks(exports);
    this.#start(exports);
  }

  get failed(): boolean {
    return this.#failed;
  }

  register<T extends Context>(create: (id: number) => T): T {
    const context = create(++this.#lastContextId);
    this.#contexts.set(context.id, context);
    return context;
  }

  unregister(context: Context): void {
    this.#contexts.delete(context.id);
  }

  rootContexts(): RootContext[] {
    return [...this.#contexts.values()].flatMap(({ root, stream }) => (root && !stream ? [root] : []));
  }

  /** The context that a host call acts on: the effective one if it is set and still lives, else the current one. */
  context(): Context {
    if (this.#effectiveId === 0) return this.#current;
    return this.#contexts.get(this.#effectiveId) ?? this.#current;
  }

  /** The context whose callback runs, whatever the effective one is. */
  get callingContext(): Context {
    return this.#current;
  }

  setEffectiveContext(id: number): Status {
    if (!this.#contexts.has(id)) return Status.BadArgument;
    this.#effectiveId = id;
    return Status.Ok;
  }

  /** Calls into the guest for a callback. Returns 0 when it trapped or the guest has failed before. */
  call(context: Context, callback: GuestFunction | undefined, a = 0, b = 0, c = 0, d = 0, e = 0): number {
    if (callback === undefined || this.#failed) return 0;
    if (this.#nesting <= MAX_NESTING) return this.#enter(context, callback, a, b, c, d, e);
    this.#fail(new GuestTrap("Maximum call stack size exceeded"));
    return 0;
  }

  /**
   * Must follow each callback once its result is used: does what the guest asked for during it. An action that runs a
   * callback is followed by this too, so that the next action runs inside of it, as in Envoy.
   */
  afterCall(): void {
    this.#stopped = false;
    this.#nesting += 1;
    for (let action = this.#deferred.shift(); action !== undefined; action = this.#deferred.shift()) action();
    this.#nesting -= 1;
  }

  defer(action: () => void): void {
    this.#deferred.push(action);
  }

  /** One sequence for all root contexts of the VM. */
  nextCallToken(): number {
    return (this.#lastCallToken += CALL_TOKEN_STEP);
  }

  /** The running callback's "continue" no longer counts: a local reply has been sent. */
  stopIteration(): void {
    this.#stopped = true;
  }

  get iterationStopped(): boolean {
    return this.#stopped;
  }

  /** Guest memory of that size, or undefined when the allocator gives none that lies in memory. */
  allocate(size: number): number | undefined {
    const pointer = this.#enter(VM_CONTEXT, this.#allocate, size, 0, 0, 0, 0);
    return pointer !== 0 && this.memory.holds(pointer, size) ? pointer : undefined;
  }

  /** Hands bytes to the guest: WasmBase::copyToPointerSize. Size 0 never allocates and gives pointer 0. */
  returnBytes(bytes: Uint8Array, pointerOut: number, sizeOut: number): Status {
    const pointer = bytes.length === 0 ? 0 : this.allocate(bytes.length);
    if (pointer === undefined) return Status.InvalidMemoryAccess;
    if (bytes.length > 0) this.memory.bytes().set(bytes, pointer);
    return this.returnSpan(pointer, bytes.length, pointerOut, sizeOut);
  }

  returnUtf8(text: string, pointerOut: number, sizeOut: number): Status {
    const size = Buffer.byteLength(text);
    const pointer = size === 0 ? 0 : this.allocate(size);
    if (pointer === undefined) return Status.InvalidMemoryAccess;
    if (size > 0) this.memory.bytes().write(text, pointer, size, "utf8");
    return this.returnSpan(pointer, size, pointerOut, sizeOut);
  }

  returnLatin1(text: string, pointerOut: number, sizeOut: number): Status {
    const pointer = text.length === 0 ? 0 : this.allocate(text.length);
    if (pointer === undefined) return Status.InvalidMemoryAccess;
    if (text.length > 0) this.memory.bytes().write(text, pointer, "latin1");
    return this.returnSpan(pointer, text.length, pointerOut, sizeOut);
  }

  returnSpan(pointer: number, size: number, pointerOut: number, sizeOut: number): Status {
    const written = this.memory.setU32(pointerOut, pointer) && this.memory.setU32(sizeOut, size);
    return written ? Status.Ok : Status.InvalidMemoryAccess;
  }

  #enter(
    context: Context,
    callback: GuestFunction,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
  ): number {
    const outerContext = this.#current;
    const outerEffectiveId = this.#effectiveId;
    this.#current = context;
    this.#effectiveId = 0;
    try {
      return (callback(a, b, c, d, e) ?? 0) >>> 0;
    } catch (error) {
      this.#fail(error);
      return 0;
    } finally {
      this.#current = outerContext;
      this.#effectiveId = outerEffectiveId;
    }
  }

  #fail(error: unknown): void {
    if (!isTrap(error)) throw error;
    const plugin = this.#current.root?.plugin.id ?? 0;
    this.host.log.write({ level: "error", message: `the guest trapped: ${error.message}`, plugin });
    if (this.#failed) return;
    this.#failed = true;
    this.host.countVmFailure();
  }

  #start(exports: WebAssembly.Exports): void {
    const initialize = exportedFunction(exports, "_initialize");
    this.starting = true;
    if (initialize !== undefined) {
      this.call(VM_CONTEXT, initialize);
      this.call(VM_CONTEXT, exportedFunction(exports, "main"));
    } else {
      this.call(VM_CONTEXT, exportedFunction(exports, "_start"));
    }
    this.starting = false;
  }
}

function isTrap(error: unknown): error is Error {
  if (error instanceof WebAssembly.RuntimeError || error instanceof GuestTrap) return true;
  // V8 reports a guest that recursed too deep as a RangeError of the JavaScript stack.
  return error instanceof RangeError && error.message.includes("call stack");
}

function requireAbiVersion(module: WebAssembly.Module): void {
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  if (names.includes("proxy_abi_version_0_2_1")) return;
  const found = names.find((name) => name.startsWith("proxy_abi_version_")) ?? "none";
  throw new LoadError(`the module's ABI marker is ${found}: expected it to export proxy_abi_version_0_2_1`);
}

function requireMemory(exports: WebAssembly.Exports): WebAssembly.Memory {
  const { memory } = exports;
  if (memory instanceof WebAssembly.Memory) return memory;
  throw new LoadError(`the module exports no linear memory: expected an export named "memory"`);
}

function requireAllocator(exports: WebAssembly.Exports): GuestFunction {
  // In Envoy's order: a module that exports both is asked through malloc.
  const allocator =
    exportedFunction(exports, "malloc") ?? exportedFunction(exports, "proxy_on_memory_allocate");
  if (allocator !== undefined) return allocator;
  throw new LoadError(
    "the module has no allocator: expected it to export proxy_on_memory_allocate or malloc",
  );
}
