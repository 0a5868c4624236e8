import { type Config, typeUrl } from "../../test/envoy/support/config.ts";

/** An Envoy with an admin page and these listeners and clusters. */
export function bootstrap(id: string, listeners: readonly Config[], clusters: readonly Config[]): Config {
  return {
    node: { id, cluster: id },
    admin: { address: loopback(0) },
    static_resources: { listeners, clusters },
  };
}

/** An HTTP listener on a port of Envoy's choice, without access log. */
export function httpListener(
  name: string,
  filters: readonly Config[],
  route: Config,
  transport?: Config,
): Config {
  const router = {
    name: "envoy.filters.http.router",
    typed_config: { "@type": typeUrl("envoy.extensions.filters.http.router.v3.Router") },
  };
  const manager = {
    "@type": typeUrl("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: name,
    codec_type: "AUTO",
    http_filters: [...filters, router],
    route_config: {
      virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, ...route }] }],
    },
  };
  return {
    name,
    address: loopback(0),
    filter_chains: [
      {
        ...(transport !== undefined && { transport_socket: transport }),
        filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
      },
    ],
  };
}

/** A cluster of one HTTP/2 server on the loopback interface. */
export function http2Cluster(name: string, port: number, additions: Config = {}, streams?: number): Config {
  const options = {
    "@type": typeUrl("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
    explicit_http_config: {
      http2_protocol_options: streams === undefined ? {} : { max_concurrent_streams: streams },
    },
  };
  return {
    name,
    type: "STATIC",
    typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(port) } }] }],
    },
    ...additions,
  };
}

function loopback(port: number): Config {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}
