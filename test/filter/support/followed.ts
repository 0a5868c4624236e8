// Requests that go on, and are judged again.

import assert from "node:assert/strict";
import type { Stream } from "../../../cli/host/index.ts";
import { reasonOf, verdictOf } from "./scene.ts";

export function assertOpen(stream: Stream): void {
  assert.deepEqual([stream.reply, stream.ended, verdictOf(stream)], [undefined, false, "allow"]);
}

export function assertClosed(stream: Stream, reason: string): void {
  assert.equal(stream.reply?.details, `holdfast_closed{${reason}}`);
  assert.deepEqual([verdictOf(stream), reasonOf(stream)], ["close", reason]);
}
