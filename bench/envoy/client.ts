import { spiffeIds } from "../../envoy/setup/materials.ts";
import { type Config, typeUrl } from "../../test/envoy/support/config.ts";
import type { Column } from "../column.ts";
import type { World } from "../world.ts";
import { bootstrap, http2Cluster, httpListener } from "./bootstrap.ts";

/** The host that requests are for, as the server sees it. */
export const AUTHORITY = "orders.example.org";
/** The path that they ask for. */
export const PATH = "/orders/1";

/**
 * Streams of one connection where the server has several workers: few, so that there are enough connections for all of them.
 */
const STREAMS_OF_MANY = 2;

/** h2load cannot give each request its own headers, but each its own path: /TOKEN, or /TOKEN/PROOF. */
const UNPACK = `
function envoy_on_request(handle)
  local headers = handle:headers()
  local token, proof = headers:get(":path"):match("^/([^/]+)/?(.*)$")
  if proof == "" then
    headers:replace("authorization", "Bearer " .. token)
  else
    headers:replace("authorization", "DPoP " .. token)
    headers:replace("dpop", proof)
  end
  headers:replace(":path", "${PATH}")
end`;

/**
 * The Envoy that gives the requests of h2load an identity, as a sidecar does. Nothing of it is measured.
 * @param port of the server, for a column
 */
export function clientConfig(
  world: World,
  columns: readonly Column[],
  port: (column: Column) => number,
): Config {
  const unpack = {
    name: "envoy.filters.http.lua",
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.http.lua.v3.Lua"),
      default_source_code: { inline_string: UNPACK },
    },
  };
  return bootstrap(
    "client",
    columns.map(({ id, traffic }) => {
      const filters = traffic.mint === undefined ? [] : [unpack];
      return httpListener(id, filters, { route: { cluster: id, host_rewrite_literal: AUTHORITY } });
    }),
    columns.map((column) => {
      const transport = { transport_socket: identity(world, column) };
      const streams = (column.workers ?? 1) > 1 ? STREAMS_OF_MANY : undefined;
      return http2Cluster(column.id, port(column), transport, streams);
    }),
  );
}

function identity({ bundle, workloads }: World, { traffic }: Column): Config {
  const { certificate, privateKey } = workloads[traffic.presenter];
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": typeUrl("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
      common_tls_context: {
        alpn_protocols: ["h2"],
        tls_certificates: [
          { certificate_chain: { inline_string: certificate }, private_key: { inline_string: privateKey } },
        ],
        validation_context: {
          trusted_ca: { inline_string: bundle },
          match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: spiffeIds.orders } }],
        },
      },
    },
  };
}
