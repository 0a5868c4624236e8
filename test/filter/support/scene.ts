import assert from "node:assert/strict";
import { Host, Vm } from "../../../cli/host/index.ts";
import type { HostOptions, Plugin, Request, Stream, VmOptions } from "../../../cli/host/index.ts";
import { filterModule } from "./filter-module.ts";
import { policy as usualPolicy } from "./policies.ts";
import type { Json } from "./json.ts";
import { NOW, web } from "./world.ts";

/** One worker of one Envoy with the filter under a policy, and a clock that only tests move. */
export class Scene {
  readonly host: Host;
  readonly vm: Vm;
  readonly plugin: Plugin;
  /** Seconds since 1970. */
  now = NOW;

  constructor(policy: Json | string = usualPolicy(), options: HostOptions = {}, vm: VmOptions = {}) {
    // The same chance each time: whose hashes fall together must not change from run to run.
    this.host = new Host({ now: () => this.now, random: (bytes) => bytes.fill(7), ...options });
    this.vm = Vm.start(this.host, filterModule, vm);
    this.plugin = this.vm.configure({
      configuration: typeof policy === "string" ? policy : JSON.stringify(policy),
    });
    assert.ok(this.plugin.accepted, this.lastLine());
  }

  /** Sends a request from start to end. Web is at the other end unless `request` says otherwise. */
  ask(request: Request = {}): Stream {
    const stream = this.plugin.request({ peer: web, ...request });
    stream.end();
    return stream;
  }

  /** Sends a request with this token. */
  present(token: string, request: Request = {}): Stream {
    return this.ask({ ...request, headers: [...(request.headers ?? []), bearer(token)] });
  }

  /** The counters that are not zero, those that are handed over on a tick included, by their names behind `holdfast.`. */
  counted(prefix = ""): Record<string, number> {
    this.vm.tick();
    const all = [...this.host.counters()].map(
      ([name, value]) => [name.replace(/^holdfast\./, ""), value] as const,
    );
    return Object.fromEntries(all.filter(([name, value]) => value > 0 && name.startsWith(prefix)));
  }

  lastLine(): string {
    return this.host.logs.at(-1)?.message ?? "";
  }
}

export function bearer(token: string): [string, string] {
  return ["authorization", `Bearer ${token}`];
}

export function verdictOf(stream: Stream): string | undefined {
  return stream.filterState("wasm.holdfast.verdict");
}

export function reasonOf(stream: Stream): string | undefined {
  return stream.filterState("wasm.holdfast.reason");
}

export function assertAllowed(stream: Stream, message?: string): void {
  assert.deepEqual(
    [stream.outcome, verdictOf(stream), reasonOf(stream)],
    ["continue", "allow", undefined],
    message,
  );
}

export function assertDenied(stream: Stream, reason: string, message?: string): void {
  assert.deepEqual(
    [stream.outcome, verdictOf(stream), reasonOf(stream)],
    ["replied", "deny", reason],
    message,
  );
  assert.equal(stream.reply?.details, `holdfast_denied{${reason}}`, message);
}

export function assertWouldDeny(stream: Stream, reason: string, message?: string): void {
  const seen = [stream.outcome, verdictOf(stream), reasonOf(stream)];
  assert.deepEqual(seen, ["continue", "would-deny", reason], message);
}
