import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";
import { makeRunFolder } from "../../../envoy/process/run-folder.ts";
import { runOnSignals, type Teardown } from "../../../envoy/process/teardown.ts";
import { startUpstream } from "../../../envoy/setup/start-setup.ts";
import type { Config } from "./config.ts";
import { findTestedEnvoy } from "./versions.ts";

/** Where listeners come from: the bootstrap itself, or a file that Envoy watches. */
export type ListenerSource = { readonly listeners: readonly Config[] } | { readonly watchedFile: string };

/** Starts one of `testedEnvoys` with these listeners in front of an upstream of its own. `teardown` ends both. */
export async function startLaboratory(
  envoy: string,
  source: ListenerSource,
  teardown: Teardown,
): Promise<EnvoyProcess> {
  runOnSignals(teardown);
  const { path: binary } = await findTestedEnvoy(envoy, teardown);
  const folder = await makeRunFolder(teardown);
  const configFile = join(folder, "laboratory.json");
  await writeFile(configFile, JSON.stringify(bootstrap(source, await startUpstream(teardown))));
  return EnvoyProcess.start({ binary, configFile, folder, name: "laboratory" }, teardown);
}

function bootstrap(source: ListenerSource, upstreamPort: number): Config {
  const anyPort = { socket_address: { address: "127.0.0.1", port_value: 0 } };
  const upstream = { socket_address: { address: "127.0.0.1", port_value: upstreamPort } };
  const cluster = {
    name: "upstream",
    type: "STATIC",
    load_assignment: {
      cluster_name: "upstream",
      endpoints: [{ lb_endpoints: [{ endpoint: { address: upstream } }] }],
    },
  };
  return {
    node: { id: "laboratory", cluster: "laboratory" },
    admin: { address: anyPort },
    static_resources: { clusters: [cluster], ...("listeners" in source && { listeners: source.listeners }) },
    ...("watchedFile" in source && {
      dynamic_resources: { lds_config: { path_config_source: { path: source.watchedFile } } },
    }),
  };
}
