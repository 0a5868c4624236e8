import assert from "node:assert/strict";
import { Host, Vm } from "../../../cli/host/index.ts";
import type { HostOptions, LogLine, Plugin } from "../../../cli/host/index.ts";
import { filterModule } from "./filter-module.ts";
import type { Json } from "./json.ts";
import { NOW } from "./world.ts";

export interface Offer {
  readonly accepted: boolean;
  /** The line that the filter wrote. */
  readonly message: string;
}

/** One VM to which policy after policy is offered, each as a new plugin. */
export class PolicyDesk {
  readonly host: Host;
  readonly vm: Vm;
  readonly #plugin: Plugin;
  #lines: LogLine[] = [];

  constructor(options: HostOptions = {}) {
    this.host = new Host({ now: () => NOW, onLog: (line) => this.#lines.push(line), ...options });
    this.vm = Vm.start(this.host, filterModule);
    this.#plugin = this.vm.configure();
  }

  offer(policy: Json | string | Uint8Array): Offer {
    const isText = typeof policy === "string" || policy instanceof Uint8Array;
    this.#lines = [];
    const accepted = this.#plugin.configure(isText ? policy : JSON.stringify(policy));
    assert.equal(this.host.vmFailures, 0, "the policy trapped");
    const [line] = this.#lines;
    assert.equal(this.#lines.length, 1, "one line for each policy");
    assert.equal(line?.level, accepted ? "info" : "error", line?.message);
    return { accepted, message: line.message };
  }

  assertAccepted(policy: Json | string): void {
    const { accepted, message } = this.offer(policy);
    assert.ok(accepted, message);
  }

  /** @param pointer RFC 6901, of the place that the message names */
  assertRefused(policy: Json | string, pointer: string, expected?: RegExp): void {
    const { accepted, message } = this.offer(policy);
    const shown = typeof policy === "string" ? policy.slice(0, 200) : JSON.stringify(policy).slice(0, 600);
    assert.equal(accepted, false, `accepted ${shown}`);
    const place = `policy refused at "${pointer}": expected `;
    assert.ok(message.startsWith(place), `${message}\nexpected it to start with ${place}\nfor ${shown}`);
    if (expected !== undefined) assert.match(message, expected);
  }
}
