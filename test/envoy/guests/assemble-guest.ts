import binaryen from "assemblyscript/binaryen";
import type { Literals, Step } from "./steps.ts";

/** What a probe guest does. It exports the callbacks that are given and no others. */
export interface GuestScript {
  readonly onConfigure?: readonly Step[];
  readonly onTick?: readonly Step[];
  readonly onRequestHeaders?: readonly Step[];
  /** What on_request_headers returns. Default 0, continue. */
  readonly returns?: number;
  readonly onHttpCallResponse?: readonly Step[];
  readonly onDelete?: readonly Step[];
}

// The first page: out-words of host calls, the line that is being written, literals. Then the remembered contexts, and the
// expressions that were created.
const LINE = 64;
const LITERALS = 1_024;
const REMEMBERED = 65_536;
/** Of a result: what fits into a line. */
const MOST_BYTES = 256;
export const EXPRESSIONS = 98_304;
const HEAP = 131_072;
const PAGES = 96;

const PRELUDE = `
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (import "env" "proxy_set_tick_period_milliseconds" (func $set_tick_period (param i32) (result i32)))
  (import "env" "proxy_set_effective_context" (func $set_effective_context (param i32) (result i32)))
  (import "env" "proxy_continue_stream" (func $continue_stream (param i32) (result i32)))
  (import "env" "proxy_send_local_response"
    (func $send_local_response (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_pairs" (func $get_header_map_pairs (param i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value"
    (func $replace_header_map_value (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_remove_header_map_value"
    (func $remove_header_map_value (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_buffer_bytes" (func $get_buffer_bytes (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_property" (func $get_property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_http_call"
    (func $http_call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function"
    (func $call_foreign_function (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_shared_data" (func $get_shared_data (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_shared_data" (func $set_shared_data (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (memory (export "memory") ${PAGES})
  (global $heap (mut i32) (i32.const ${HEAP}))
  (global $context (mut i32) (i32.const 0))
  (global $headers (mut i32) (i32.const 0))
  (global $body (mut i32) (i32.const 0))
  (global $trailers (mut i32) (i32.const 0))
  (global $remembered (mut i32) (i32.const 0))
  (global $next (mut i32) (i32.const 0))
  (global $status (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))
  (global $version (mut i32) (i32.const 0))
  (global $expressions (mut i32) (i32.const 0))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get $size))))

  ;; Each callback starts with an empty heap.
  (func $enter (param $context i32)
    (global.set $context (local.get $context))
    (global.set $heap (i32.const ${HEAP})))

  ;; A line of the log: a text, then numbers with a space before each.
  (func $byte (param $byte i32)
    (i32.store8 (global.get $end) (local.get $byte))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))
  (func $begin (param $text i32) (param $size i32)
    (global.set $end (i32.const ${LINE}))
    (block $all (loop $each
      (br_if $all (i32.eqz (local.get $size)))
      (call $byte (i32.load8_u (local.get $text)))
      (local.set $text (i32.add (local.get $text) (i32.const 1)))
      (local.set $size (i32.sub (local.get $size) (i32.const 1)))
      (br $each))))
  (func $digits (param $number i32)
    (if (i32.ge_u (local.get $number) (i32.const 10))
      (then (call $digits (i32.div_u (local.get $number) (i32.const 10)))))
    (call $byte (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10)))))
  (func $number (param $number i32)
    (call $byte (i32.const 32))
    (call $digits (local.get $number)))
  (func $hex_digit (param $digit i32)
    (call $byte (i32.add (local.get $digit)
      (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10))))))
  (func $hex (param $bytes i32) (param $size i32)
    (call $byte (i32.const 32))
    (if (i32.gt_u (local.get $size) (i32.const ${MOST_BYTES}))
      (then (local.set $size (i32.const ${MOST_BYTES}))))
    (block $all (loop $each
      (br_if $all (i32.eqz (local.get $size)))
      (call $hex_digit (i32.shr_u (i32.load8_u (local.get $bytes)) (i32.const 4)))
      (call $hex_digit (i32.and (i32.load8_u (local.get $bytes)) (i32.const 15)))
      (local.set $bytes (i32.add (local.get $bytes) (i32.const 1)))
      (local.set $size (i32.sub (local.get $size) (i32.const 1)))
      (br $each))))
  (func $end
    (drop (call $log (i32.const 2) (i32.const ${LINE}) (i32.sub (global.get $end) (i32.const ${LINE})))))

  (func $remembered_at (param $index i32) (result i32)
    (i32.load (i32.add (i32.const ${REMEMBERED}) (i32.shl (local.get $index) (i32.const 2)))))
  (func $remember
    (i32.store (i32.add (i32.const ${REMEMBERED}) (i32.shl (global.get $remembered) (i32.const 2)))
               (global.get $context))
    (global.set $remembered (i32.add (global.get $remembered) (i32.const 1))))
  (func $remember_expression (param $token i32)
    (i32.store (i32.add (i32.const ${EXPRESSIONS}) (i32.shl (global.get $expressions) (i32.const 2)))
               (local.get $token))
    (global.set $expressions (i32.add (global.get $expressions) (i32.const 1))))`;

/** Assembles a guest from the steps of its callbacks. */
export function assembleGuest(script: GuestScript): Uint8Array {
  const literals = new DataSegments();
  const callbacks = assembleCallbacks(script, literals);
  const module = binaryen.parseText(`(module ${PRELUDE} ${callbacks} ${literals.text()})`);
  try {
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

function assembleCallbacks(script: GuestScript, literals: Literals): string {
  const { onConfigure, onTick, onRequestHeaders, returns = 0, onHttpCallResponse, onDelete } = script;
  const callback = (name: string, signature: string, steps: readonly Step[] | undefined, result = "") => {
    if (steps === undefined) return "";
    const written = steps.map((step) => step(literals)).join("\n");
    return `(func (export "proxy_on_${name}") ${signature} (call $enter (local.get 0)) ${written} ${result})`;
  };
  const saveCounts: Step = () =>
    ["headers", "body", "trailers"]
      .map((name, index) => `(global.set $${name} (local.get ${index + 2}))`)
      .join(" ");
  return [
    callback("configure", "(param i32 i32) (result i32)", onConfigure, "(i32.const 1)"),
    callback("tick", "(param i32)", onTick),
    callback(
      "request_headers",
      "(param i32 i32 i32) (result i32)",
      onRequestHeaders,
      `(i32.const ${returns})`,
    ),
    callback(
      "http_call_response",
      "(param i32 i32 i32 i32 i32)",
      onHttpCallResponse && [saveCounts, ...onHttpCallResponse],
    ),
    callback("delete", "(param i32)", onDelete),
  ].join("\n");
}

class DataSegments implements Literals {
  readonly #segments: string[] = [];
  #next = LITERALS;

  place(bytes: string | Uint8Array): string {
    const data = Buffer.from(bytes as string);
    const address = this.#next;
    this.#next += data.length;
    if (this.#next > REMEMBERED) throw new RangeError("the literals of this guest take more than a page");
    const escaped = [...data].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
    this.#segments.push(`(data (i32.const ${address}) "${escaped}")`);
    return `(i32.const ${address}) (i32.const ${data.length})`;
  }

  text(): string {
    return this.#segments.join("\n");
  }
}
