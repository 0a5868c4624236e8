// How a filter chain of an Envoy ends TLS.

import type { Value } from "../value.ts";
import { typedConfigOf } from "./envoy-seat.ts";

const TLS = /transport_sockets\.tls\.v3\.DownstreamTlsContext$/;
const QUIC = /transport_sockets\.quic\.v3\.QuicDownstreamTransport$/;

/** Which certificates a listener trusts. */
export interface Validation {
  readonly context: Value;
  /** Whether it says whom it trusts: an authority, or a validator of its own, such as that of SPIFFE. */
  readonly trusts: boolean;
}

/** The DownstreamTlsContext of a chain; undefined for plaintext, and `unknown` for another transport socket. */
export function tlsOf(chain: Value): Value | "unknown" | undefined {
  const socket = chain.get("transport_socket");
  if (socket === undefined) return undefined;
  const { type = "", config } = typedConfigOf(socket) ?? {};
  if (TLS.test(type)) return config;
  return QUIC.test(type) ? (config?.get("downstream_tls_context") ?? "unknown") : "unknown";
}

/** What a TLS context validates by; undefined for nothing, and `elsewhere` for what a server sends later. */
export function validationOf(tls: Value): Validation | "elsewhere" | undefined {
  const common = tls.get("common_tls_context");
  const combined = common?.get("combined_validation_context");
  const secret =
    common?.get("validation_context_sds_secret_config") ??
    combined?.get("validation_context_sds_secret_config");
  const sent = secret === undefined ? undefined : staticSecret(tls, secret.get("name")?.text ?? "");
  if (secret !== undefined && sent === undefined) return "elsewhere";
  const context = common?.get("validation_context") ?? combined?.get("default_validation_context") ?? sent;
  if (context === undefined) return undefined;
  return { context, trusts: [context, sent].some(saysWhomToTrust) };
}

function saysWhomToTrust(context: Value | undefined): boolean {
  return [
    "trusted_ca",
    "ca_certificate_provider_instance",
    "custom_validator_config",
    "system_root_certs",
  ].some((member) => context?.has(member) === true);
}

/** A secret that stands in the same bootstrap. */
function staticSecret(tls: Value, name: string): Value | undefined {
  const root = [...tls.ancestors()].at(-1);
  const secrets = root?.get("static_resources", "secrets")?.children ?? [];
  return secrets.find((secret) => secret.get("name")?.text === name)?.get("validation_context");
}
