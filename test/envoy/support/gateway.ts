import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Credential } from "../../../envoy/identity/authority.ts";
import { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";
import { makeRunFolder } from "../../../envoy/process/run-folder.ts";
import { runOnSignals, type Teardown } from "../../../envoy/process/teardown.ts";
import { adaptedListener } from "./adapted-listener.ts";
import { type Config, typeUrl } from "./config.ts";
import { mtls } from "./listener.ts";
import { findTestedEnvoy } from "./versions.ts";

/** One way through a gateway. */
export interface Passage {
  readonly name: string;
  /** What the gateway does with `x-forwarded-client-cert`. */
  readonly forwardClientCertDetails: string;
  /** Whether clients come with a certificate, or in plaintext. */
  readonly isMtls: boolean;
  /** The port of the server's listener that it leads to. */
  readonly serverPort: number;
}

export interface GatewayOptions {
  /** What the gateway shows to its clients and to the server. */
  readonly credential: Credential;
  /** What both are validated against. */
  readonly bundle: string;
  readonly passages: readonly Passage[];
}

/**
 * Starts an Envoy, one of `testedEnvoys`, that ends its clients' mTLS and comes to the server with its own. Its listeners have the
 * names of the passages.
 */
export async function startGateway(
  envoy: string,
  options: GatewayOptions,
  teardown: Teardown,
): Promise<EnvoyProcess> {
  runOnSignals(teardown);
  const { path: binary } = await findTestedEnvoy(envoy, teardown);
  const folder = await makeRunFolder(teardown);
  const configFile = join(folder, "gateway.json");
  await writeFile(configFile, JSON.stringify(bootstrap(options)));
  return EnvoyProcess.start({ binary, configFile, folder, name: "gateway" }, teardown);
}

function bootstrap(options: GatewayOptions): Config {
  return {
    node: { id: "gateway", cluster: "gateway" },
    admin: { address: loopback(0) },
    static_resources: {
      listeners: options.passages.map((passage) => entrance(passage, options)),
      clusters: options.passages.map((passage) => exit(passage, options)),
    },
  };
}

function entrance(passage: Passage, { credential, bundle }: GatewayOptions): Config {
  const { name, forwardClientCertDetails, isMtls } = passage;
  const routes = [{ match: { prefix: "/" }, route: { cluster: name } }];
  return adaptedListener(
    { name, filters: [], ...(isMtls && { transport: mtls({ server: credential, bundle }) }) },
    {
      manager: {
        forward_client_cert_details: forwardClientCertDetails,
        set_current_client_cert_details: { uri: true },
        route_config: { virtual_hosts: [{ name, domains: ["*"], routes }] },
      },
    },
  );
}

function exit({ name, serverPort }: Passage, { credential, bundle }: GatewayOptions): Config {
  const certificate = {
    certificate_chain: { inline_string: credential.certificate },
    private_key: { inline_string: credential.privateKey },
  };
  return {
    name,
    type: "STATIC",
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": typeUrl("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
        common_tls_context: {
          tls_certificates: [certificate],
          validation_context: { trusted_ca: { inline_string: bundle } },
        },
      },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(serverPort) } }] }],
    },
  };
}

function loopback(port: number): Config {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}
