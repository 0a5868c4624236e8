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

/** What a laboratory is made of, beside its upstream. */
export type LaboratoryOptions = ListenerSource & {
  /** Further clusters by name, or another `upstream`: the port on the loopback interface that each leads to. */
  readonly clusters?: Readonly<Record<string, number>>;
  /** What the proxy is told of itself. The default ID is `laboratory`. */
  readonly nodeId?: string;
  readonly nodeMetadata?: Config;
  /** Worker threads of Envoy. Default 1. */
  readonly workers?: number;
};

/** Starts one of `testedEnvoys` with these listeners in front of an upstream of its own. `teardown` ends both. */
export async function startLaboratory(
  envoy: string,
  options: LaboratoryOptions,
  teardown: Teardown,
): Promise<EnvoyProcess> {
  runOnSignals(teardown);
  const { path: binary } = await findTestedEnvoy(envoy, teardown);
  const folder = await makeRunFolder(teardown);
  const configFile = join(folder, "laboratory.json");
  await writeFile(configFile, JSON.stringify(bootstrap(options, await startUpstream(teardown))));
  const { workers = 1 } = options;
  return EnvoyProcess.start({ binary, configFile, folder, name: "laboratory", workers }, teardown);
}

function bootstrap(options: LaboratoryOptions, upstreamPort: number): Config {
  const clusters = Object.entries({ upstream: upstreamPort, ...options.clusters });
  return {
    node: {
      id: options.nodeId ?? "laboratory",
      cluster: "laboratory",
      ...(options.nodeMetadata !== undefined && { metadata: options.nodeMetadata }),
    },
    admin: { address: loopback(0) },
    static_resources: {
      clusters: clusters.map(([name, port]) => cluster(name, port)),
      ...("listeners" in options && { listeners: options.listeners }),
    },
    ...("watchedFile" in options && {
      dynamic_resources: { lds_config: { path_config_source: { path: options.watchedFile } } },
    }),
  };
}

function cluster(name: string, port: number): Config {
  return {
    name,
    type: "STATIC",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(port) } }] }],
    },
  };
}

function loopback(port: number): Config {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}
