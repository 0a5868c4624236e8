import type { Config } from "../../test/envoy/support/config.ts";
import { mtls } from "../../test/envoy/support/listener.ts";
import type { Column } from "../column.ts";
import type { World } from "../world.ts";
import { bootstrap, http2Cluster, httpListener } from "./bootstrap.ts";

/** The measured Envoy: for each column a listener with mTLS, the column's filters, and an answer of Envoy's own behind them. */
export function serverConfig(world: World, columns: readonly Column[]): Config {
  const transport = mtls({ server: world.server, bundle: world.bundle });
  const answer = { direct_response: { status: 200, body: { inline_string: "ok" } } };
  const clusters = new Map(columns.flatMap((column) => Object.entries(column.clusters ?? {})));
  return bootstrap(
    "server",
    columns.map(({ id, filters }) => ({
      ...httpListener(id, filters, answer, transport),
      // So that every worker has its share of the connections.
      connection_balance_config: { exact_balance: {} },
    })),
    [...clusters].map(([name, port]) => http2Cluster(name, port)),
  );
}
