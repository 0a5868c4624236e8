import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Config } from "./config.ts";

/** The part of envoy/config/server.yaml that tests take over as it is. */
interface ServerConfig {
  readonly static_resources: {
    readonly listeners: readonly {
      readonly name: string;
      readonly filter_chains: readonly {
        readonly filters: readonly {
          readonly typed_config: {
            readonly access_log: readonly Config[];
            readonly http_filters: readonly (Config & { readonly name: string })[];
          };
        }[];
      }[];
    }[];
  };
}

const server = parse(
  readFileSync(new URL("../../../envoy/config/server.yaml", import.meta.url), "utf8"),
) as ServerConfig;

/** The access log that we ship. */
export function shippedAccessLog(): readonly Config[] {
  return connectionManager("orders").access_log;
}

/** The backstop that we ship for a listener that enforces, or one that observes. */
export function shippedBackstop(mode: "enforce" | "observe"): Config {
  const filters = connectionManager(mode === "enforce" ? "orders" : "observe").http_filters;
  const backstop = filters.find(({ name }) => name === "envoy.filters.http.rbac");
  if (backstop === undefined)
    throw new Error(`envoy/config/server.yaml: no backstop where holdfast should ${mode}`);
  return backstop;
}

function connectionManager(name: string) {
  const listener = server.static_resources.listeners.find((candidate) => candidate.name === name);
  const manager = listener?.filter_chains[0]?.filters[0];
  if (manager === undefined) throw new Error(`envoy/config/server.yaml: no listener ${name} with a filter`);
  return manager.typed_config;
}
