import assert from "node:assert/strict";
import type { HttpCall } from "../../../cli/host/index.ts";
import { Scene } from "./scene.ts";

/** A worker whose policy has servers asked: a test answers in their place. */
export class AskingScene extends Scene {
  /** Moves the clock and lets the filter notice. */
  pass(seconds: number): void {
    this.now += seconds;
    this.vm.tick();
  }

  /** The calls that wait for an answer. */
  get asked(): readonly HttpCall[] {
    return this.vm.httpCalls;
  }

  /** The one call that waits for an answer. */
  get call(): HttpCall {
    const [call, ...others] = this.asked;
    assert.ok(call !== undefined, "the server was not asked");
    assert.equal(others.length, 0, "the server was asked more than once");
    return call;
  }
}
