// What Envoy calls. Only callbacks that are used are exported: each costs every stream a call into the VM.
// https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1

import "./host/abort";
import { resetArena, take } from "./host/arena";
import { readConfiguration, readRandom } from "./host/call";
import { settleEnded } from "./filter/accepted_tokens";
import { configureRoot, createContext, deleteContext, rootFor } from "./filter/contexts";
import { handleRequest } from "./filter/request";
import { handleAnswer, handleTick, startTicks } from "./filter/schedule";
import { forgetStream } from "./filter/live_streams";
import { forgetWaiter } from "./filter/waiting";
import { seedHash } from "./text/hash";
import { defineEvents } from "./telemetry/events";
import { defineCounters } from "./telemetry/counters";
import { defineReplayGauge } from "./telemetry/replay_gauge";
import { defineReach } from "./telemetry/reach";

/** Tells the host which ABI this is; never called. */
export function proxy_abi_version_0_2_1(): void {}

/** The host asks for memory to put a result in, while one of our calls to it is under way. */
export function proxy_on_memory_allocate(size: i32): usize {
  return take(size);
}

export function proxy_on_context_create(id: u32, parent: u32): void {
  createContext(id, parent);
}

/** 1 takes the configuration; 0 refuses it, and Envoy keeps what it had. */
export function proxy_on_configure(root: u32, size: i32): u32 {
  resetArena();
  defineCounters();
  defineEvents();
  defineReach();
  defineReplayGauge();
  seedHash(<u32>readRandom());
  if (!configureRoot(root, readConfiguration(size))) return 0;
  startTicks(root);
  return 1;
}

export function proxy_on_tick(root: u32): void {
  resetArena();
  handleTick(root);
}

export function proxy_on_http_call_response(
  root: u32,
  call: u32,
  _headers: u32,
  bodySize: i32,
  _trailers: u32,
): void {
  resetArena();
  handleAnswer(root, call, bodySize);
}

export function proxy_on_request_headers(stream: u32, _count: u32, _endOfStream: u32): u32 {
  resetArena();
  return handleRequest(rootFor(stream), stream);
}

export function proxy_on_delete(id: u32): void {
  forgetWaiter(id);
  forgetStream(id);
  settleEnded(id);
  deleteContext(id);
}
