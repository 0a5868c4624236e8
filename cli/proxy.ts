import {
  Host,
  type EnvoyVersion,
  type HeaderPair,
  type Plugin,
  type Request,
  type Stream,
  Vm,
} from "./host/index.ts";
import type { PropertyValue } from "./host/properties/value.ts";
import type { Binding, DecisionRecord } from "./decision-record.ts";
import { Failure } from "./failure.ts";
import type { RequestRecord } from "./request-record.ts";
import type { Servers } from "./servers.ts";

/** What the filter decided, and what the client or the upstream sees of it. */
export interface Outcome {
  readonly verdict: string;
  readonly reason: string;
  /** What the client gets; 200 stands for whatever the upstream answers. */
  readonly status: number;
  readonly rule: string | null;
  readonly mode: string;
  /** Of a deny: those of the answer. Otherwise those that the filter has put into the request. */
  readonly headers: readonly HeaderPair[];
  readonly bindings: readonly Binding[];
  /** The filter's own record of it. */
  readonly record: DecisionRecord;
}

export interface ProxyOptions {
  readonly envoy?: EnvoyVersion;
  /** Seconds since 1970, until a request says otherwise. */
  readonly now: number;
  /** What HTTP calls are answered with; a cluster that is not there does not exist. */
  readonly servers: Servers;
  /** The SPIFFE ID of the workload beside the proxy, for a policy that takes it for the presenter. */
  readonly workload?: string;
  /** What the policy's secrets are read from. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Envoy's `TrafficDirection`. */
const OUTBOUND = { "xds.listener_direction": 2 };
const RECORD_START = "holdfast {";
/** Steps of a request that waits, and their length: more than the filter lets anything wait. */
const WAITING_STEPS = 30;
const WAITING_SECONDS = 0.25;

/** The filter refuses the policy. */
export class PolicyRefused extends Failure {
  /** @param said the filter's own words */
  constructor(readonly said: string) {
    super(said.replace(/^(?:holdfast: )?\S+ refused at /, "policy refused at "));
  }
}

/** One proxy with a policy: workers that share what they share in Envoy, and a clock that only requests move. */
export class Proxy {
  readonly #module: WebAssembly.Module;
  readonly #policy: string;
  readonly #options: ProxyOptions;
  readonly #host: Host;
  readonly #workers = new Map<number, { readonly vm: Vm; readonly plugin: Plugin }>();
  /** True when requests leave by this proxy. */
  readonly #leaves: boolean;
  #now: number;
  #lastRecord = "";

  /** @throws Failure when the filter refuses the policy: in its own words */
  constructor(module: WebAssembly.Module, policy: Buffer, options: ProxyOptions) {
    this.#module = module;
    this.#options = options;
    this.#now = options.now;
    this.#host = new Host({
      ...(options.envoy !== undefined && { envoy: options.envoy }),
      now: () => this.#now,
      logLevel: "trace",
      clusters: options.servers.clusters,
      node: { metadata: nodeMetadataOf(options.workload) },
      onLog: ({ message }) => {
        if (message.startsWith(RECORD_START)) this.#lastRecord = message;
      },
    });
    this.#leaves = isOutbound(policy);
    // As it stands first, since what follows reads it more leniently.
    this.#start(policy);
    this.#policy = withEveryRecord(policy);
    this.#worker(0);
  }

  /** Decides one request. @throws Failure when it cannot be put to the filter */
  decide(given: RequestRecord): Outcome {
    const request = asBytes(given);
    if (request.now !== undefined && request.now !== this.#now) {
      this.#now = request.now;
      for (const { vm } of this.#workers.values()) this.#settle(vm);
    }
    const { vm, plugin } = this.#worker(request.worker ?? 0);
    this.#lastRecord = "";
    const stream = plugin.request(factsOf(request, this.#leaves ? OUTBOUND : undefined));
    if (stream.outcome === "pause") this.#wait(vm, stream);
    const outcome = this.#outcomeOf(stream, request.headers ?? []);
    if (stream.outcome === "continue") stream.respond({ status: 200 });
    stream.end();
    return outcome;
  }

  #start(policy: string | Buffer): { readonly vm: Vm; readonly plugin: Plugin } {
    const { environment } = this.#options;
    const vm = Vm.start(this.#host, this.#module, environment === undefined ? {} : { environment });
    if (this.#leaves && this.#options.workload === undefined)
      throw new Failure(
        'a policy with "from": "self" takes --workload: whom the proxy stands beside, such as spiffe://cluster.local/ns/shop/sa/web',
      );
    const plugin = vm.configure({ configuration: policy });
    if (!plugin.accepted)
      throw new PolicyRefused(plugin.logs.at(-1)?.message ?? "the filter refused the policy");
    return { vm, plugin };
  }

  #worker(index: number): { readonly vm: Vm; readonly plugin: Plugin } {
    const known = this.#workers.get(index);
    if (known !== undefined) return known;
    const worker = this.#start(this.#policy);
    this.#workers.set(index, worker);
    this.#settle(worker.vm);
    return worker;
  }

  /** Lets the filter do what it does without requests. */
  #settle(vm: Vm): void {
    vm.tick();
    while (this.#answer(vm));
  }

  /** True when a call was answered. */
  #answer(vm: Vm): boolean {
    const [call] = vm.httpCalls;
    if (call === undefined) return false;
    this.#options.servers.answer(call);
    return true;
  }

  #wait(vm: Vm, stream: Stream): void {
    const began = this.#now;
    for (let step = 0; step < WAITING_STEPS && stream.outcome === "pause"; step++) {
      while (this.#answer(vm));
      this.#now += WAITING_SECONDS;
      vm.tick();
    }
    this.#now = began;
  }

  #outcomeOf(stream: Stream, sent: readonly HeaderPair[]): Outcome {
    if (this.#lastRecord === "") throw new Failure("the filter has left no record of its decision");
    const record = JSON.parse(this.#lastRecord.slice(RECORD_START.length - 1)) as DecisionRecord;
    const { verdict, reason, mode, rule = null, bindings = [] } = record;
    const { reply } = stream;
    return {
      verdict: verdict === "would-deny" ? "deny" : verdict,
      reason,
      status: reply?.status ?? 200,
      rule,
      mode,
      headers: reply?.headers ?? added(stream.requestHeaders, sent),
      bindings,
      record,
    };
  }
}

/** As Istio tells a sidecar whom it stands beside. @throws Failure when it can stand beside nobody of that name */
function nodeMetadataOf(workload: string | undefined): Record<string, string> {
  if (workload === undefined) return {};
  const [, namespace, account] = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(workload) ?? [];
  if (namespace === undefined || account === undefined)
    throw new Failure(`--workload ${workload}: expected one such as spiffe://cluster.local/ns/shop/sa/web`);
  return { NAMESPACE: namespace, SERVICE_ACCOUNT: account };
}

function isOutbound(policy: Buffer): boolean {
  try {
    const { presenter } = JSON.parse(policy.toString("utf8")) as { presenter?: { from?: string } };
    return presenter?.from === "self";
  } catch {
    // The filter says what is wrong with it.
    return false;
  }
}

/** The same request with one character for each byte that goes over the wire, which is how the host has texts. */
function asBytes(request: RequestRecord): RequestRecord {
  const { method, scheme, authority, path, headers } = request;
  return {
    ...request,
    ...(method !== undefined && { method: bytesOf(method) }),
    ...(scheme !== undefined && { scheme: bytesOf(scheme) }),
    ...(authority !== undefined && { authority: bytesOf(authority) }),
    ...(path !== undefined && { path: bytesOf(path) }),
    ...(headers !== undefined && {
      headers: headers.map(([name, value]): HeaderPair => [bytesOf(name), bytesOf(value)]),
    }),
  };
}

const BEYOND_ASCII = /[^\0-\x7f]/;

function bytesOf(text: string): string {
  return BEYOND_ASCII.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}

function factsOf(request: RequestRecord, known: RequestRecord["properties"]): Request {
  const { method, scheme, authority, path, headers, peer } = request;
  const properties = known === undefined ? request.properties : { ...known, ...request.properties };
  return {
    ...(method !== undefined && { method }),
    ...(scheme !== undefined && { scheme }),
    ...(authority !== undefined && { authority }),
    ...(path !== undefined && { path }),
    ...(headers !== undefined && { headers: joined(headers) }),
    ...(peer !== undefined && { peer }),
    ...(properties !== undefined && { properties: asAttributes(properties) }),
  };
}

/** The same policy, of which every decision is recorded. */
function withEveryRecord(policy: Buffer): string {
  const parsed = JSON.parse(policy.toString("utf8")) as Readonly<Record<string, unknown>>;
  return JSON.stringify({ ...parsed, decisionLog: { sampleAllowed: 1 } });
}

/** Envoy has one place for each of these, and joins what is sent twice (docs/host.md). */
const JOINED = new Set(["authorization", "x-forwarded-client-cert", "x-forwarded-for"]);

function joined(headers: readonly HeaderPair[]): HeaderPair[] {
  const places = new Map<string, number>();
  const pairs: HeaderPair[] = [];
  for (const [name, value] of headers) {
    const known = name.toLowerCase();
    const place = JOINED.has(known) ? places.get(known) : undefined;
    if (place === undefined) {
      places.set(known, pairs.length);
      pairs.push([name, value]);
    } else {
      pairs[place] = [name, `${pairs[place]?.[1] ?? ""},${value}`];
    }
  }
  return pairs;
}

/** Whole numbers are integers to Envoy, but for those in metadata. */
function asAttributes(properties: Readonly<Record<string, PropertyValue>>): Record<string, PropertyValue> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => {
      const isInteger = typeof value === "number" && Number.isInteger(value) && !name.startsWith("metadata.");
      return [name, isInteger ? BigInt(value) : value];
    }),
  );
}

/** Headers that the filter has put into the request. */
function added(after: readonly HeaderPair[], before: readonly HeaderPair[]): HeaderPair[] {
  if (after.length <= before.length) return [];
  const known = new Set(before.map(([name]) => name.toLowerCase()));
  return after.filter(([name]) => !name.startsWith(":") && !known.has(name));
}
