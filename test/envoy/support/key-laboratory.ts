import type { TestContext } from "node:test";
import type { Decision } from "../../../envoy/attempts/list-attempts.ts";
import type { Credential } from "../../../envoy/identity/authority.ts";
import type { TokenIssuer } from "../../../envoy/identity/token-issuer.ts";
import type { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";
import { Teardown } from "../../../envoy/process/teardown.ts";
import type { Client } from "./client.ts";
import { bearer, decide } from "./decide.ts";
import { eventually } from "./eventually.ts";
import { holdfast, type PluginOptions } from "./filters.ts";
import { startLaboratory } from "./laboratory.ts";
import { listener, mtls } from "./listener.ts";
import { assertNoVmFailed } from "./no-vm-failed.ts";
import { type Answer, ScriptedServer } from "./scripted-server.ts";
import { makePolicy, type World } from "./world.ts";

/** Where an issuer's keys come from, as `keys` of a policy has it. */
export interface KeySource {
  readonly cluster?: string;
  readonly refresh?: string;
  readonly staleFor?: string;
  readonly authority?: string;
}

export interface KeyLaboratoryOptions {
  /** What the key server does at first. */
  readonly answer: Answer;
  readonly source?: KeySource;
  /** Replaces or adds members at the policy's top. */
  readonly policy?: object;
  /** Whether the key server is up when Envoy starts; true when absent. */
  readonly isUp?: boolean;
  readonly plugin?: PluginOptions;
  /** Takes the place of the laboratory's own upstream. */
  readonly upstream?: ScriptedServer;
}

/** VMs that fetch, of an Envoy with one worker: the worker's, and one on the main thread. */
export const fetchers = 2;

/** One Envoy with the listener `orders`, whose policy fetches its keys from a server that the test directs. */
export interface KeyLaboratory {
  readonly envoy: EnvoyProcess;
  readonly server: ScriptedServer;
  /** How a workload reaches the listener. */
  readonly client: (credential: Credential) => Client;
  /** Presents a token, and gives what became of the request. */
  readonly present: (credential: Credential, token: string, path?: string) => Promise<Decision>;
}

/** The member `keys` of an issuer whose keys are fetched from the cluster `idp`. */
export function fetchedKeys(source: KeySource = {}): object {
  return { cluster: "idp", path: "/jwks", ...source };
}

/** A JWKS of these issuers. */
export function keySet(...issuers: readonly TokenIssuer[]): object {
  return { keys: issuers.map(({ jwk }) => jwk) };
}

/** Starts a laboratory for one test, which ends it, and fails if a VM failed. */
export async function startKeyLaboratory(
  test: TestContext,
  version: string,
  world: World,
  { answer, source, policy, isUp = true, plugin, upstream }: KeyLaboratoryOptions,
): Promise<KeyLaboratory> {
  const teardown = teardownOf(test);
  const server = await ScriptedServer.start(answer, teardown);
  if (!isUp) await server.goDown();
  const orders = listener({
    name: "orders",
    filters: [holdfast(makePolicy(fetchedKeys(source), policy), plugin)],
    transport: mtls({ server: world.server, bundle: world.authority.bundle }),
  });
  const envoy = await startLaboratory(
    version,
    {
      listeners: [orders],
      clusters: { idp: server.port, ...(upstream !== undefined && { upstream: upstream.port }) },
    },
    teardown,
  );
  teardown.defer(() => assertNoVmFailed(envoy));
  const client = (credential: Credential): Client => ({
    port: envoy.port("orders"),
    credential,
    bundle: world.authority.bundle,
  });
  const present = (credential: Credential, token: string, path?: string) =>
    decide(envoy, client(credential), bearer(token), path);
  return { envoy, server, client, present };
}

/** Waits until every VM has asked for the first time. */
export async function firstFetchesDone(server: ScriptedServer): Promise<void> {
  await eventually("every VM asks once", () => server.seen.length >= fetchers);
}

/** Waits until every VM has asked, and got its answer, since now, where all ask about as often. */
export async function everybodyFetched(server: ScriptedServer): Promise<void> {
  const asked = server.seen.length;
  await eventually("every VM asks", () => server.seen.length >= asked + 2 * fetchers + 1);
}

/** What is run after a test, whatever became of it. */
export function teardownOf(test: TestContext): Teardown {
  const teardown = new Teardown();
  test.after(() => teardown.run());
  return teardown;
}
