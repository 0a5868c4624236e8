// What Envoy offers, one function a host call. Every result is checked here once: status, length and that the bytes lie
// inside our memory. A caller sees bytes, EMPTY, ABSENT or FAILED, and no status numbers.

import {
  environ_get,
  environ_sizes_get,
  proxy_call_foreign_function,
  proxy_close_stream,
  proxy_continue_stream,
  proxy_define_metric,
  proxy_get_buffer_bytes,
  proxy_get_current_time_nanoseconds,
  proxy_get_header_map_pairs,
  proxy_get_log_level,
  proxy_get_property,
  proxy_get_shared_data,
  proxy_http_call,
  proxy_increment_metric,
  proxy_record_metric,
  proxy_log,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_send_local_response,
  proxy_set_effective_context,
  proxy_set_property,
  proxy_set_shared_data,
  proxy_set_tick_period_milliseconds,
  random_get,
} from "./abi";
import { take, takeForever } from "./arena";
import {
  Span,
  ABSENT,
  EMPTY,
  FAILED,
  addressOf,
  byteAt,
  indexOf,
  lengthOf,
  slice,
  spanOf,
  startsWith,
} from "./span";

const STATUS_OK: u32 = 0;
const STATUS_NOT_FOUND: u32 = 1;

const MAP_REQUEST_HEADERS: i32 = 0;
const MAP_CALL_RESPONSE_HEADERS: i32 = 6;
const BUFFER_CALL_RESPONSE_BODY: i32 = 4;
const BUFFER_PLUGIN_CONFIGURATION: i32 = 7;
const METRIC_COUNTER: i32 = 0;
const METRIC_GAUGE: i32 = 1;
const STREAM_REQUEST: i32 = 0;

const NANOSECONDS_PER_MILLISECOND: i64 = 1_000_000;
/** A length has to be a positive i32. */
const MAX_BYTES: u32 = 0x7fffffff;

/** Log levels of the ABI. */
export const enum LogLevel {
  Trace = 0,
  Info = 2,
  Warn = 3,
  Error = 4,
}

/** The host writes results here: an address, a size and a version, or a number of 8 bytes. */
const out: usize = takeForever(16);
const outSize: usize = out + 8;
const outVersion: usize = outSize + 4;

/** All request header pairs in the ABI's serialised form. Lives until the callback ends. */
export function readRequestHeaders(): Span {
  clearOut();
  return received(proxy_get_header_map_pairs(MAP_REQUEST_HEADERS, out, outSize));
}

/** Takes every value of a header out of the request. False when the host refused. */
export function removeRequestHeader(name: Span): bool {
  return proxy_remove_header_map_value(MAP_REQUEST_HEADERS, addressOf(name), lengthOf(name)) == STATUS_OK;
}

/** Gives the request's header this one value. False when the host refused. */
export function replaceRequestHeader(name: Span, value: Span): bool {
  return (
    proxy_replace_header_map_value(
      MAP_REQUEST_HEADERS,
      addressOf(name),
      lengthOf(name),
      addressOf(value),
      lengthOf(value),
    ) == STATUS_OK
  );
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

/** Milliseconds since 1970, or 0 when the host cannot say. */
export function readClock(): i64 {
  clearOut();
  if (proxy_get_current_time_nanoseconds(out) != STATUS_OK) return 0;
  const now = load<i64>(out);
  return now > 0 ? now / NANOSECONDS_PER_MILLISECOND : 0;
}

/** Eight bytes that nobody can foretell; 0 when the host has none. */
export function readRandom(): u64 {
  clearOut();
  return random_get(out, 8) == 0 ? load<u64>(out) : 0;
}

/** Fills `into` with bytes that nobody can foretell. False when the host has none. */
export function fillAtRandom(into: Span): bool {
  return random_get(addressOf(into), lengthOf(into)) == 0;
}

/** The version with which a value is written only if there is none yet: Envoy compares it with that of a value, and none has it. */
export const ONLY_WHEN_ABSENT: u32 = 0xffffffff;

/**
 * A value that all VMs of this `vm_id` share, other plugins' VMs among them: see whether it is what it should be. `sharedVersion`
 * then gives its version. Lives until the callback ends, and may be written to.
 */
export function readShared(key: Span): Span {
  clearOut();
  return received(proxy_get_shared_data(addressOf(key), lengthOf(key), out, outSize, outVersion));
}

/** The version of what `readShared` gave last. */
export function sharedVersion(): u32 {
  return load<u32>(outVersion);
}

/** Writes a value if the one that is there still has this version. False when it has another one, or the host refused. */
export function writeShared(key: Span, value: Span, version: u32): bool {
  // To Envoy 0 is every version.
  return (
    version != 0 &&
    proxy_set_shared_data(addressOf(key), lengthOf(key), addressOf(value), lengthOf(value), version) ==
      STATUS_OK
  );
}

/** Bytes of all environment variables together, at most; with more, none is read. */
const MAX_ENVIRONMENT: u32 = 1024 * 1024;

/**
 * A variable of the VM's environment, which `vm_config.environment_variables` gives it. Lives until the callback ends; absent when
 * there is none, or an empty one.
 */
export function readEnvironment(name: Span): Span {
  clearOut();
  if (environ_sizes_get(out, outSize) != 0) return ABSENT;
  const count = load<u32>(out);
  const size = load<u32>(outSize);
  if (count == 0 || count > MAX_ENVIRONMENT / 4 || size > MAX_ENVIRONMENT) return ABSENT;
  const pointers = take(<i32>count * 4);
  const bytes = take(<i32>size);
  if (pointers == 0 || bytes == 0 || environ_get(pointers, bytes) != 0) return ABSENT;
  return valueIn(spanOf(bytes, <i32>size), name);
}

/** The value of `name` among variables written as `NAME=value`, each ended by a NUL. */
function valueIn(environment: Span, name: Span): Span {
  for (let start = 0; start < lengthOf(environment);) {
    const nul = indexOf(environment, 0, start);
    const end = nul < 0 ? lengthOf(environment) : nul;
    const equals = start + lengthOf(name);
    const isNamed = startsWith(slice(environment, start, end), name) && byteAt(environment, equals) == 0x3d;
    if (isNamed) return slice(environment, equals + 1, end);
    start = end + 1;
  }
  return ABSENT;
}

/** No HTTP call: Envoy counts its calls from 1. */
export const NO_CALL: u32 = 0;

/**
 * Starts an HTTP call; its answer comes to the root context, whoever asked. Gives the call's number, or NO_CALL when Envoy
 * refuses, as it does for a cluster it does not know.
 * @param headers serialised pairs with `:method`, `:path` and `:authority`
 */
export function startHttpCall(cluster: Span, headers: Span, body: Span, timeoutMs: i32): u32 {
  clearOut();
  const status = proxy_http_call(
    addressOf(cluster),
    lengthOf(cluster),
    addressOf(headers),
    lengthOf(headers),
    addressOf(body),
    lengthOf(body),
    0,
    0,
    timeoutMs,
    out,
  );
  return status == STATUS_OK ? load<u32>(out) : NO_CALL;
}

/** The header pairs of the answer that this callback is about. */
export function readCallHeaders(): Span {
  clearOut();
  return received(proxy_get_header_map_pairs(MAP_CALL_RESPONSE_HEADERS, out, outSize));
}

/** The body of the answer, exactly the `size` bytes that the callback announced; FAILED when it is not. */
export function readCallBody(size: i32): Span {
  if (size == 0) return EMPTY;
  clearOut();
  const body = received(proxy_get_buffer_bytes(BUFFER_CALL_RESPONSE_BODY, 0, size, out, outSize));
  return lengthOf(body) == size ? body : FAILED;
}

/** Has the current root context called every so often; 0: never. False when the host refused. */
export function setTickPeriod(milliseconds: i32): bool {
  return proxy_set_tick_period_milliseconds(milliseconds) == STATUS_OK;
}

/** Makes the calls that follow speak of this context. False when the host has no such context. */
export function enterContext(id: u32): bool {
  return proxy_set_effective_context(id) == STATUS_OK;
}

/** Lets the current stream's request, which waits, go on. False when the host refused. */
export function continueRequest(): bool {
  return proxy_continue_stream(STREAM_REQUEST) == STATUS_OK;
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
 * Publishes filter state `wasm.<name>` for filters after this one and for access logs. False when the host refused: who
 * needs the state, as the backstop does, denies without it.
 */
export function writeFilterState(name: Span, value: Span): bool {
  return proxy_set_property(addressOf(name), lengthOf(name), addressOf(value), lengthOf(value)) == STATUS_OK;
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
  return defineMetric(METRIC_COUNTER, name);
}

/** Defines a gauge; its id, or -1 when the host refused. */
export function defineGauge(name: Span): i32 {
  return defineMetric(METRIC_GAUGE, name);
}

function defineMetric(kind: i32, name: Span): i32 {
  clearOut();
  if (proxy_define_metric(kind, addressOf(name), lengthOf(name), out) != STATUS_OK) return -1;
  return load<i32>(out);
}

export function setGauge(id: i32, value: i32): void {
  proxy_record_metric(id, value);
}

export function addToCounter(id: i32, amount: i32): void {
  proxy_increment_metric(id, amount);
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
