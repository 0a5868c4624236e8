// What Envoy offers, one function a host call. Every result is checked here once: status, length and that the bytes lie
// inside our memory. A caller sees bytes, EMPTY, ABSENT or FAILED, and no status numbers.

import {
  proxy_call_foreign_function,
  proxy_close_stream,
  proxy_define_metric,
  proxy_get_buffer_bytes,
  proxy_get_current_time_nanoseconds,
  proxy_get_header_map_pairs,
  proxy_get_log_level,
  proxy_get_property,
  proxy_increment_metric,
  proxy_log,
  proxy_send_local_response,
  proxy_set_property,
} from "./abi";
import { takeForever } from "./arena";
import { Span, ABSENT, EMPTY, FAILED, addressOf, lengthOf, spanOf } from "./span";

const STATUS_OK: u32 = 0;
const STATUS_NOT_FOUND: u32 = 1;

const MAP_REQUEST_HEADERS: i32 = 0;
const BUFFER_PLUGIN_CONFIGURATION: i32 = 7;
const METRIC_COUNTER: i32 = 0;
const STREAM_REQUEST: i32 = 0;

const NANOSECONDS: i64 = 1_000_000_000;
/** A length has to be a positive i32. */
const MAX_BYTES: u32 = 0x7fffffff;

/** Log levels of the ABI. */
export const enum LogLevel {
  Info = 2,
  Warn = 3,
  Error = 4,
}

/** The host writes results here: an address, a size, or a number of 8 bytes. */
const out: usize = takeForever(16);
const outSize: usize = out + 8;

/** All request header pairs in the ABI's serialised form. Lives until the callback ends. */
export function readRequestHeaders(): Span {
  clearOut();
  return received(proxy_get_header_map_pairs(MAP_REQUEST_HEADERS, out, outSize));
}

/** One attribute; `path` has its parts joined by a 0x00 byte. Lives until the callback ends. */
export function readProperty(path: Span): Span {
  clearOut();
  return received(proxy_get_property(addressOf(path), lengthOf(path), out, outSize));
}

/** The plugin configuration, exactly the `size` bytes that `proxy_on_configure` announced; FAILED when it is not. */
export function readConfiguration(size: i32): Span {
  clearOut();
  const text = received(proxy_get_buffer_bytes(BUFFER_PLUGIN_CONFIGURATION, 0, size, out, outSize));
  return lengthOf(text) == size ? text : FAILED;
}

/** Seconds since 1970, or 0 when the host cannot say. */
export function readClock(): i64 {
  clearOut();
  if (proxy_get_current_time_nanoseconds(out) != STATUS_OK) return 0;
  const now = load<i64>(out);
  return now > 0 ? now / NANOSECONDS : 0;
}

/** Calls one of Envoy's foreign functions. */
export function callForeign(name: Span, input: Span): Span {
  clearOut();
  return received(
    proxy_call_foreign_function(
      addressOf(name),
      lengthOf(name),
      addressOf(input),
      lengthOf(input),
      out,
      outSize,
    ),
  );
}

/**
 * Publishes filter state `wasm.<name>` for filters after this one and for access logs. A failure is not looked at: who needs
 * the state, as the backstop does, denies without it.
 */
export function writeFilterState(name: Span, value: Span): void {
  proxy_set_property(addressOf(name), lengthOf(name), addressOf(value), lengthOf(value));
}

/**
 * Answers the client in Envoy's stead. False when the host refused.
 * @param headers serialised pairs, as for header maps
 * @param grpcStatus what a gRPC client gets instead of the HTTP status
 */
export function sendReply(status: i32, details: Span, body: Span, headers: Span, grpcStatus: i32): bool {
  return (
    proxy_send_local_response(
      status,
      addressOf(details),
      lengthOf(details),
      addressOf(body),
      lengthOf(body),
      addressOf(headers),
      lengthOf(headers),
      grpcStatus,
    ) == STATUS_OK
  );
}

/** Resets the request's stream. */
export function closeStream(): void {
  proxy_close_stream(STREAM_REQUEST);
}

/** Defines a counter; its id, or -1 when the host refused. */
export function defineCounter(name: Span): i32 {
  clearOut();
  if (proxy_define_metric(METRIC_COUNTER, addressOf(name), lengthOf(name), out) != STATUS_OK) return -1;
  return load<i32>(out);
}

export function incrementCounter(id: i32): void {
  proxy_increment_metric(id, 1);
}

/** True when a line of this level would be written, or when the host cannot say. */
export function isLogged(level: LogLevel): bool {
  clearOut();
  return proxy_get_log_level(out) != STATUS_OK || level >= load<i32>(out);
}

export function writeLog(level: LogLevel, line: Span): void {
  proxy_log(level, addressOf(line), lengthOf(line));
}

function clearOut(): void {
  store<u64>(out, 0);
  store<u64>(outSize, 0);
}

/** Bytes that the host left for us; bytes outside our memory count as a failed call. */
function received(status: u32): Span {
  if (status == STATUS_NOT_FOUND) return ABSENT;
  if (status != STATUS_OK) return FAILED;
  const address = load<u32>(out);
  const size = load<u32>(outSize);
  if (size == 0) return EMPTY;
  const end = (<u64>memory.size()) << 16;
  if (size > MAX_BYTES || address == 0 || <u64>address + <u64>size > end) return FAILED;
  return spanOf(address, size);
}
