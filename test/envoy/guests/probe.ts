import type { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";
import { type Config, typeUrl } from "../support/config.ts";
import { type PluginOptions, wasm } from "../support/filters.ts";
import { listener } from "../support/listener.ts";
import { assembleGuest, type GuestScript } from "./assemble-guest.ts";

export interface ProbeOptions extends PluginOptions {
  /** Tells two configurations of one plugin apart. */
  readonly configuration?: string;
}

/** A plaintext listener with a guest, in a VM of its own. */
export function probe(name: string, script: GuestScript, options: ProbeOptions = {}): Config {
  return listener({ name, filters: [probeFilter(name, script, options)] });
}

/** A guest, in a VM of its own. */
export function probeFilter(
  name: string,
  script: GuestScript,
  { configuration = "", ...options }: ProbeOptions = {},
): Config {
  return wasm({
    ...options,
    name,
    code: { inline_bytes: Buffer.from(assembleGuest(script)).toString("base64") },
    failurePolicy: "FAIL_RELOAD",
    configuration: { "@type": typeUrl("google.protobuf.StringValue"), value: configuration },
  });
}

/** A line that a guest has logged. */
export interface ProbeLine {
  /** In milliseconds since the epoch. */
  readonly at: number;
  /** The thread whose VM it was. */
  readonly thread: string;
  readonly message: string;
}

const linePattern = /^\[([^\]]+)\]\[(\d+)\]\[info\]\[wasm\].*? wasm log ([^\s:]+)[^:]*: (.*)$/s;

/** Every line that the guest of this listener has logged so far. */
export async function linesOf(envoy: EnvoyProcess, name: string): Promise<ProbeLine[]> {
  const log = await envoy.log();
  return log.split("\n").flatMap((line) => {
    const [, time = "", thread = "", plugin, message = ""] = linePattern.exec(line) ?? [];
    return plugin === name ? [{ at: Date.parse(`${time.replace(" ", "T")}Z`), thread, message }] : [];
  });
}

/** What the guest of this listener has logged so far. */
export async function messagesOf(envoy: EnvoyProcess, name: string): Promise<string[]> {
  return (await linesOf(envoy, name)).map(({ message }) => message);
}
