import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { EnvoyProcess } from "../process/envoy-process.ts";
import type { Teardown } from "../process/teardown.ts";
import { createEchoServer, upstreamPort } from "../upstream/echo-server.ts";
import { readFixedPorts, relocate } from "./relocate.ts";

/** Both Envoys, ready for requests. */
export interface RunningSetup {
  readonly server: EnvoyProcess;
  readonly caller: EnvoyProcess;
}

/**
 * Starts the upstream and both Envoys from a written setup, on this machine's loopback interface.
 * @param folder holds what `writeSetup` wrote; the relocated configurations and the logs are added to it.
 */
export async function startSetup(binary: string, folder: string, teardown: Teardown): Promise<RunningSetup> {
  const upstream = await startUpstream(teardown);
  const start = async (name: string, ports: ReadonlyMap<number, number>) => {
    const configFile = join(folder, `${name}.local.yaml`);
    await writeFile(
      configFile,
      relocate(await readFile(join(folder, `${name}.yaml`), "utf8"), { folder, ports }),
    );
    return EnvoyProcess.start({ binary, configFile, folder, name }, teardown);
  };
  const server = await start("server", new Map([[upstreamPort, upstream]]));
  const fixedPorts = readFixedPorts(await readFile(join(folder, "server.yaml"), "utf8"));
  const takenPorts = [...fixedPorts].map(([listener, port]) => [port, server.port(listener)] as const);
  return { server, caller: await start("caller", new Map(takenPorts)) };
}

/** Starts the upstream on any free port, which is returned. */
export async function startUpstream(teardown: Teardown): Promise<number> {
  const upstream = createEchoServer();
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  teardown.defer(async () => {
    const closed = once(upstream, "close");
    upstream.close();
    upstream.closeAllConnections();
    await closed;
  });
  return (upstream.address() as AddressInfo).port;
}
