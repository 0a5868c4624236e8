import assert from "node:assert/strict";
import type { Stream } from "../../../cli/host/index.ts";
import { verdictOf } from "./scene.ts";

/** Answered with a deny, whatever the reason: neither allowed nor trapped. */
export function assertNeverAllowed(stream: Stream, message: string): void {
  assert.deepEqual([stream.outcome, verdictOf(stream)], ["replied", "deny"], message);
}

/** Bytes as a header that Envoy would let through: NUL, CR and LF become another byte. */
export function asHeader(bytes: Uint8Array): string {
  const passing = bytes.map((byte) => (byte === 0 || byte === 10 || byte === 13 ? 1 : byte));
  return Buffer.from(passing).toString("latin1");
}
