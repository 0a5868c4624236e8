import { Host, Vm } from "../../../cli/host/index.ts";
import type { HostOptions, Plugin, Request, Stream } from "../../../cli/host/index.ts";
import { assemble } from "./guests.ts";

/** Where the probe's memory is: one page, so that its end is known. */
export const MEMORY_END = 65_536;
/** Four out-words that hold {@link UNTOUCHED} before the call. */
export const OUT = 1024;
export const UNTOUCHED = 0xdead_beef;
/** The first byte that the probe's allocator gives. */
export const HEAP = 8192;

export const TEXT = 2048;
const RESULT_KEY = "probe";

const ALLOCATORS = {
  bump: "(local.get $next) (global.set $heap (i32.add (global.get $heap) (local.get $size)))",
  null: "(i32.const 0)",
  past_memory: `(i32.const ${MEMORY_END - 2})`,
  trap: "(unreachable)",
  grow: "(drop (memory.grow (i32.const 1))) (local.get $next)",
} as const;

export interface ProbeOptions {
  readonly call: string;
  /** Where the call is imported from. Default `env`. */
  readonly from?: string;
  /** Its arguments: i32, i64 for a bigint; a text is put into memory and passed as address and size. */
  readonly args: readonly (number | bigint | string | Uint8Array)[];
  /** Put at {@link TEXT}, where the texts among the arguments begin, when there are none. */
  readonly data?: Uint8Array;
  readonly allocator?: keyof typeof ALLOCATORS;
  readonly allocatorName?: string;
  readonly request?: Request;
  readonly host?: Host;
  readonly hostOptions?: HostOptions;
  /** What on_request_headers returns. Default 0, continue. */
  readonly returns?: number;
  readonly vmConfiguration?: string;
}

export interface ProbeResult {
  /** What the host call returned. */
  readonly status: number;
  /** The four out-words after the call. */
  readonly words: readonly number[];
  /** All of the guest's memory after the call. */
  readonly memory: Buffer;
  readonly host: Host;
  readonly vm: Vm;
  readonly plugin: Plugin;
  readonly stream: Stream;
}

/** Runs one host call from on_request_headers and shows what it left in the guest's memory. */
export function probe(options: ProbeOptions): ProbeResult {
  const host = options.host ?? new Host(options.hostOptions);
  const vm = Vm.start(host, probeModule(options), { configuration: options.vmConfiguration ?? "" });
  const plugin = vm.configure();
  const stream = plugin.request(options.request ?? {});
  const memory = host.sharedData.get("", RESULT_KEY)?.value;
  if (memory === undefined) throw new Error("the probe did not get as far as recording its result");
  const words = [0, 4, 8, 12].map((offset) => memory.readUInt32LE(OUT + offset));
  return {
    status: memory.readUInt32LE(OUT - 4),
    words,
    memory,
    host,
    vm,
    plugin,
    stream,
  };
}

/** The bytes that the first two out-words point to. */
export function returned({ words, memory }: ProbeResult): Buffer {
  const [pointer = 0, size = 0] = words;
  return memory.subarray(pointer, pointer + size);
}

function probeModule(options: ProbeOptions): WebAssembly.Module {
  const {
    call,
    from = "env",
    args,
    allocator = "bump",
    allocatorName = "proxy_on_memory_allocate",
    returns = 0,
  } = options;
  const data = options.data === undefined ? [] : [`(data (i32.const ${TEXT}) "${escape(options.data)}")`];
  const words: string[] = [];
  let place = TEXT;
  for (const argument of args) {
    if (typeof argument === "number") words.push(`(i32.const ${argument})`);
    else if (typeof argument === "bigint") words.push(`(i64.const ${argument})`);
    else {
      const bytes = Buffer.from(argument as Uint8Array);
      data.push(`(data (i32.const ${place}) "${escape(bytes)}")`);
      words.push(`(i32.const ${place})`, `(i32.const ${bytes.length})`);
      place += bytes.length;
    }
  }
  const types = words.map((word) => (word.startsWith("(i64") ? "i64" : "i32")).join(" ");
  const untouched = escape(Buffer.alloc(16).fill(Buffer.from("efbeadde", "hex")));
  return assemble(`(module
    (import "${from}" "${call}" (func $call (param ${types}) (result i32)))
    (import "env" "proxy_set_shared_data" (func $record (param i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (global $heap (mut i32) (i32.const ${HEAP}))
    (data (i32.const 16) "${RESULT_KEY}")
    (data (i32.const ${OUT}) "${untouched}")
    ${data.join("\n")}
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "${allocatorName}") (param $size i32) (result i32)
      (local $next i32)
      (local.set $next (global.get $heap))
      ${ALLOCATORS[allocator]})
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (i32.store (i32.const ${OUT - 4}) (call $call ${words.join(" ")}))
      (drop (call $record (i32.const 16) (i32.const ${RESULT_KEY.length})
                          (i32.const 0) (i32.const ${MEMORY_END}) (i32.const 0)))
      (i32.const ${returns})))`);
}

function escape(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
}
