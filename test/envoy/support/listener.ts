import type { Credential } from "../../../envoy/identity/authority.ts";
import { type Config, typeUrl } from "./config.ts";
import { shippedAccessLog } from "./shipped.ts";

/** Who a TLS listener is and whom it lets in. */
export interface MtlsOptions {
  readonly server: Credential;
  /** The certificate that client certificates are validated against. */
  readonly bundle: string;
  /** Lets in client certificates that could not be validated, as some migrations do. */
  readonly acceptUntrusted?: boolean;
  /** Whether a client has to show a certificate; true when absent. One that is shown is validated in any case. */
  readonly requiresCertificate?: boolean;
}

/** A server's transport socket that requires a client certificate, where nothing else is said. */
export function mtls(options: MtlsOptions): Config {
  const { server, bundle, acceptUntrusted = false, requiresCertificate = true } = options;
  const validation = {
    trusted_ca: { inline_string: bundle },
    ...(acceptUntrusted && { trust_chain_verification: "ACCEPT_UNTRUSTED" }),
  };
  const certificate = {
    certificate_chain: { inline_string: server.certificate },
    private_key: { inline_string: server.privateKey },
  };
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": typeUrl("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
      require_client_certificate: requiresCertificate,
      common_tls_context: {
        alpn_protocols: ["h2", "http/1.1"],
        tls_certificates: [certificate],
        validation_context: validation,
      },
    },
  };
}

/** A listener in front of the upstream, on a port of Envoy's choice. */
export interface ListenerOptions {
  readonly name: string;
  readonly filters: readonly Config[];
  /** Absent: plaintext. */
  readonly transport?: Config;
  /** Turns the filter of this name off for paths below /off. */
  readonly turnedOff?: string;
}

export function listener({ name, filters, transport, turnedOff }: ListenerOptions): Config {
  return {
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    filter_chains: [
      {
        ...(transport !== undefined && { transport_socket: transport }),
        filters: [connectionManager(name, filters, turnedOff)],
      },
    ],
  };
}

function connectionManager(name: string, filters: readonly Config[], turnedOff: string | undefined): Config {
  const router = {
    name: "envoy.filters.http.router",
    typed_config: { "@type": typeUrl("envoy.extensions.filters.http.router.v3.Router") },
  };
  const routes = [
    { match: { prefix: "/" }, route: { cluster: "upstream" } },
    ...routeWithout(turnedOff),
  ].reverse();
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
      stat_prefix: name,
      preserve_external_request_id: true,
      access_log: shippedAccessLog(),
      http_filters: [...filters, router],
      route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
    },
  };
}

function routeWithout(filter: string | undefined): Config[] {
  if (filter === undefined) return [];
  const off = { "@type": typeUrl("envoy.config.route.v3.FilterConfig"), disabled: true };
  return [
    { match: { prefix: "/off" }, route: { cluster: "upstream" }, typed_per_filter_config: { [filter]: off } },
  ];
}
