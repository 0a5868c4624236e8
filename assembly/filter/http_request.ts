// A request to a server that a policy names, as Envoy's HTTP calls want it.

import { ascii, makeForever } from "../host/arena";
import { startHttpCall } from "../host/call";
import { PairWriter } from "../host/pairs";
import { Span } from "../host/span";

/** Envoy ends a call after so many milliseconds. */
export const TIMEOUT_MS: i32 = 5000;

const METHOD = ascii(":method");
const PATH = ascii(":path");
const AUTHORITY = ascii(":authority");
const ACCEPT = ascii("accept");

const writer = makeForever<PairWriter>();

/** Begins a request. @param further headers that `addHeader` is going to add */
export function startRequest(method: Span, path: Span, authority: Span, accept: Span, further: i32): void {
  writer.start(4 + further);
  writer.add(METHOD, method);
  writer.add(PATH, path);
  writer.add(AUTHORITY, authority);
  writer.add(ACCEPT, accept);
}

export function addHeader(name: Span, value: Span): void {
  writer.add(name, value);
}

/** Sends it; gives the call's number, or NO_CALL when Envoy refuses, or there was no memory. */
export function sendRequest(cluster: Span, body: Span): u32 {
  return startHttpCall(cluster, writer.finish(), body, TIMEOUT_MS);
}
