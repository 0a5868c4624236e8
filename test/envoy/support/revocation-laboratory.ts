import type { ClientHttp2Session } from "node:http2";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Decision } from "../../../envoy/attempts/list-attempts.ts";
import type { Credential } from "../../../envoy/identity/authority.ts";
import type { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";
import { makeRunFolder } from "../../../envoy/process/run-folder.ts";
import type { Client } from "./client.ts";
import { bearer, decide } from "./decide.ts";
import { eventually } from "./eventually.ts";
import { discovered, holdfast, typedExtensionConfig } from "./filters.ts";
import { teardownOf } from "./key-laboratory.ts";
import { startLaboratory } from "./laboratory.ts";
import { listener, mtls } from "./listener.ts";
import { assertNoVmFailed } from "./no-vm-failed.ts";
import { publishResource } from "./publish-resource.ts";
import { type Answer, ScriptedServer } from "./scripted-server.ts";
import type { World } from "./world.ts";

/** The cluster of the server that says what was taken back. */
export const SECURITY = "security";
/** Below it the upstream begins to answer, and never ends. */
const ENDLESS = "/endless";

/** One Envoy with the listener `orders`, and a server that says what was taken back, which the test directs. */
export interface RevocationLaboratory {
  readonly envoy: EnvoyProcess;
  readonly server: ScriptedServer;
  /** How a workload reaches the listener. */
  readonly client: (credential: Credential) => Client;
  /** Presents a token, and gives what became of the request. */
  readonly present: (credential: Credential, token: string) => Promise<Decision>;
  /** Gives Envoy another policy while it runs, and waits until it has it. */
  readonly configure: (policy: object) => Promise<void>;
}

/** Starts a laboratory for one test, which ends it, and fails if a VM failed. */
export async function startRevocationLaboratory(
  test: TestContext,
  version: string,
  world: World,
  { policy, answer, isUp = true }: { policy: object; answer: Answer; isUp?: boolean },
): Promise<RevocationLaboratory> {
  const { bundle } = world.authority;
  const teardown = teardownOf(test);
  const server = await ScriptedServer.start(answer, teardown);
  if (!isUp) await server.goDown();
  const upstream = await ScriptedServer.start((seen, response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    if (seen.path.startsWith(ENDLESS)) response.write("first");
    else response.end();
  }, teardown);
  const watchedFile = join(await makeRunFolder(teardown), "holdfast.json");
  await publishResource(watchedFile, typedExtensionConfig, holdfast(policy));
  const transport = mtls({ server: world.server, bundle });
  const orders = listener({ name: "orders", filters: [discovered(watchedFile)], transport });
  const clusters = { upstream: upstream.port, [SECURITY]: server.port };
  const envoy = await startLaboratory(version, { listeners: [orders], clusters }, teardown);
  teardown.defer(() => assertNoVmFailed(envoy));

  const client = (credential: Credential): Client => ({ port: envoy.port("orders"), credential, bundle });
  const present = (credential: Credential, token: string) => decide(envoy, client(credential), bearer(token));
  const reloads = () => envoy.stat("extension_config_discovery.http_filter.holdfast.config_reload");
  const configure = async (next: object) => {
    const before = await reloads();
    await publishResource(watchedFile, typedExtensionConfig, holdfast(next));
    await eventually("the policy is there", async () => (await reloads()) > before);
  };
  return { envoy, server, client, present, configure };
}

/** A request that goes on. */
export interface EndlessRequest {
  /** The status, once the answer has begun. */
  readonly begun: Promise<number>;
  readonly isClosed: () => boolean;
}

/** Sends a request whose answer does not end by itself. */
export function openEndless(session: ClientHttp2Session, token: string): EndlessRequest {
  const stream = session.request({
    ":path": ENDLESS,
    ":authority": "orders.example.org",
    authorization: `Bearer ${token}`,
  });
  stream.on("error", () => undefined);
  const begun = new Promise<number>((resolve) => {
    stream.once("response", (headers) => {
      resolve(headers[":status"] ?? 0);
      stream.resume();
    });
  });
  return { begun, isClosed: () => stream.closed };
}
