// Numbers of proxy-wasm ABI 0.2.1 as proxy-wasm-cpp-host has them (proxy_wasm_common.h, proxy_wasm_enums.h).
// https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1

/** What a host call returns to the guest. */
export const Status = {
  Ok: 0,
  NotFound: 1,
  BadArgument: 2,
  SerializationFailure: 3,
  ParseFailure: 4,
  BadExpression: 5,
  InvalidMemoryAccess: 6,
  Empty: 7,
  CasMismatch: 8,
  ResultMismatch: 9,
  InternalFailure: 10,
  BrokenConnection: 11,
  Unimplemented: 12,
} as const;
export type Status = (typeof Status)[keyof typeof Status];

export const HeaderMapType = {
  RequestHeaders: 0,
  ResponseHeaders: 2,
  HttpCallResponseHeaders: 6,
  HttpCallResponseTrailers: 7,
  Max: 7,
} as const;

export const BufferType = {
  HttpCallResponseBody: 4,
  VmConfiguration: 6,
  PluginConfiguration: 7,
  Max: 8,
} as const;

export const MetricType = { Counter: 0, Gauge: 1, Histogram: 2 } as const;

export const StreamType = { Request: 0, Response: 1, Downstream: 2, Upstream: 3, Max: 3 } as const;

/** What a header callback returns (FilterHeadersStatus). Envoy takes any other number as the last of these. */
export const HeadersStatus = {
  Continue: 0,
  StopIteration: 1,
  ContinueAndEndStream: 2,
  StopAllIterationAndBuffer: 3,
  StopAllIterationAndWatermark: 4,
} as const;

/** Log levels in ABI order: the index is the number on the wire. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "critical"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Limits on pair lists that the guest hands over (proxy-wasm-cpp-host, limits.h). */
export const MAX_PAIRS = 1024;
export const MAX_PAIRS_BYTES = 1024 * 1024;

export const WASM_PAGE_BYTES = 65_536;
